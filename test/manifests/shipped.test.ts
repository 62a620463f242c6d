import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { planManifest } from '../../pipeline/plan/plan-manifest.js';

const folder = new URL('../../manifests', import.meta.url).pathname;
const shipped = readdirSync(folder).filter((name) => name.startsWith('emoji') && name.endsWith('.yaml'));

describe('shipped manifests', () => {
  it.each(shipped)('%s has nothing wrong, and a first comment that says what it does', async (name) => {
    const { plan, problems } = await planManifest(join(folder, name));
    expect(problems).toEqual([]);
    expect(plan?.stages.map(({ stage }) => stage.name)).toContain('evaluation');
    expect(readFileSync(join(folder, name), 'utf8')).toMatch(/^# [A-Z].+/);
  });

  it('emoji-validation is emoji but for its name, its folder and the vendor that it is scored on', async () => {
    const lines = async (name: string) => (await planManifest(join(folder, name))).plan?.resolved.split('\n') ?? [];
    const [emoji, validation] = [await lines('emoji.yaml'), await lines('emoji-validation.yaml')];
    expect(validation.length).toBe(emoji.length);
    expect(validation.filter((line, at) => line !== emoji[at]).map((line) => line.trim())).toEqual([
      'name: emoji-validation',
      'output: runs/emoji-validation',
      '- fluent',
    ]);
  });
});

import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import * as operators from '../../operators/index.js';

const folder = new URL('../../operators/', import.meta.url);
const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts'))
  .filter((file) => /^export default define/m.test(readFileSync(new URL(file, folder), 'utf8')));

/** Folders whose operators are named in the singular. */
const PREFIXES: Readonly<Record<string, string>> = {
  sources: 'source',
  filters: 'filter',
  scores: 'score',
  images: 'image',
  tokenizers: 'tokenizer',
  sinks: 'sink',
};

describe('operators/index', () => {
  it('exports each operator under its name in camel case', () => {
    const names = Object.values(operators).map(({ name }) => name);
    expect(names).toHaveLength(files.length);
    for (const [key, { name }] of Object.entries(operators)) {
      expect(key).toBe(name.replace(/[/-](\w)/g, (_, letter: string) => letter.toUpperCase()));
    }
  });

  it.each(files)('%s has the name that its path gives', async (file) => {
    const { default: operator } = (await import(new URL(file, folder).href)) as { default: { name: string } };
    const [parent, base] = file.replace(/\.ts$/, '').split(/[/\\]/);
    expect(operator.name).toBe(`${PREFIXES[parent!] ?? parent}/${base}`);
  });
});

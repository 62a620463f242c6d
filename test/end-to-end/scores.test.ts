import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { lastValueFrom } from 'rxjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { planManifest } from '../../pipeline/plan/plan-manifest.js';
import { run } from '../../pipeline/run/run.js';
import { readRows, reportOf } from './running.js';
import { drawShapes, makeFolder, writeShapes } from './shapes.js';

const scorer = `import { defineScorer, readColumn } from 'alignflow';
import { Utf8 } from 'apache-arrow';

/** Scores captions by their length. */
export interface Length {
  /** Text column. */
  column: string;
  /** Column that is added. */
  into: string;
}

export default defineScorer({
  name: 'test/length',
  version: '1',
  defaults: { column: 'caption', into: 'length' },
  reads: ({ column }: Length) => ({ [column]: new Utf8() }),
  scale: [0, 100],
  score: (batch, { column }) =>
    [...readColumn(batch, column, Utf8)].map((text) => {
      globalThis.scoredTexts?.push(text);
      return text?.length;
    }),
});
`;

const manifest = `name: scores
operators: [./operators]
stages:
  pairs:
    use: filtering
    source: { use: source/parquet, with: { path: data/train } }
    steps:
      - { use: test/length }
      - { use: score/sharpness }
      - { use: filter/score, with: { column: length, min: 12 } }
      - { use: filter/score, with: { column: sharpness, min: 1 } }
`;

const watch: { scoredTexts?: string[] } = globalThis as never;
let folder: string;
const before = process.env.ALIGNFLOW_CACHE;

beforeAll(async () => {
  folder = await makeFolder();
  process.env.ALIGNFLOW_CACHE = join(folder, 'cache');
  await writeShapes(folder, 'train', await drawShapes(3, 1), 20);
  mkdirSync(join(folder, 'operators'));
  writeFileSync(join(folder, 'operators/length.ts'), scorer);
  writeFileSync(join(folder, 'scores.yaml'), manifest);
});

afterAll(() => {
  if (before === undefined) delete process.env.ALIGNFLOW_CACHE;
  else process.env.ALIGNFLOW_CACHE = before;
  delete watch.scoredTexts;
  rmSync(folder, { recursive: true, force: true });
});

async function runWith(output: string, ...set: readonly string[]) {
  watch.scoredTexts = [];
  const { plan, problems } = await planManifest(join(folder, 'scores.yaml'), {
    set: [`output=${join(folder, output)}`, ...set],
  });
  if (plan === undefined) throw new Error(problems.map(({ message }) => message).join('\n'));
  await lastValueFrom(run(plan));
  const [stage] = reportOf(folder, output).stages;
  return { scored: watch.scoredTexts, out: stage!.rows!.out };
}

describe('scores', () => {
  it('of a user and of alignflow are columns that filters take, and are made once for each content', async () => {
    const { scored, out } = await runWith('first');
    expect(new Set(scored).size).toBe(scored.length);
    const rows = await readRows(join(folder, 'first/pairs/rows/part-00000.parquet'));
    expect(rows.length).toBe(out);
    for (const { caption, length, sharpness } of rows) {
      expect(length).toBe(String(caption).length);
      expect(sharpness).toBeGreaterThan(1);
    }
  });

  it('are not made again when a threshold changes', async () => {
    const strict = await runWith('strict', 'stages.pairs.steps.2.with.min=13');
    expect(strict.scored).toEqual([]);
    const all = await runWith('all', 'stages.pairs.steps.2.with.min=0');
    expect(all.scored).toEqual([]);
    expect(strict.out).toBeLessThan(all.out);
  });

  it('are made again when the scorer has changed, though its version has not', async () => {
    writeFileSync(join(folder, 'operators/length.ts'), scorer.replace('text?.length', 'text && text.length + 1'));
    const changed = await runWith('changed');
    expect(changed.scored.length).toBeGreaterThan(0);
    const rows = await readRows(join(folder, 'changed/pairs/rows/part-00000.parquet'));
    for (const { caption, length } of rows) expect(length).toBe(String(caption).length + 1);
    writeFileSync(join(folder, 'operators/length.ts'), scorer);
    expect((await runWith('back')).scored).toEqual([]);
  });

  it('have a scale, and a threshold off it is found before anything runs', async () => {
    await expect(runWith('wrong', 'stages.pairs.steps.2.with.min=101')).rejects.toThrow(
      'min: 101 is outside of the scale of the column "length"',
    );
  });
});

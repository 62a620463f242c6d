import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { lastValueFrom } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { planManifest } from '../../../pipeline/plan/plan-manifest.js';
import type { RunReport } from '../../../pipeline/run/report.js';
import { run } from '../../../pipeline/run/run.js';
import { predict, type StagePrediction } from '../../../pipeline/sample/predict.js';
import { sampleRun } from '../../../pipeline/sample/sample-run.js';
import { describePredictions } from '../../../pipeline/terminal/prediction-text.js';
import { makeFolder } from '../folder.js';

const pages = `
import { batchOf, defineSource, int32Column, utf8Column } from 'alignflow';
import { Field, Int32, Schema, Utf8 } from 'apache-arrow';

/** Pages of captions; those of one page are alike. */
export interface Pages {
  /** How many. @minimum 1 @integer */
  pages: number;
  /** Whether a page says how many rows it has. */
  known: boolean;
}

export default defineSource({
  name: 'sample/pages',
  defaults: { pages: 60, known: true },
  drops: ['torn'],
  schema: async (_: Pages) => new Schema([new Field('caption', new Utf8(), true), new Field('n', new Int32(), true)]),
  units: async ({ pages, known }) => Array.from({ length: pages }, (_, page) => ({ file: 'page-' + page, ...(known ? { rows: 100 } : {}) })),
  async *read({ file }, _, context) {
    const page = Number(file.slice(5));
    const numbers = Array.from({ length: 100 }, (_, i) => 100 * page + i);
    const texts = numbers.map((n) => ((n * 7919) % 100 < 10 + (page % 7) * 8 ? 'cat' : 'a cat of number ' + n));
    yield batchOf({ caption: utf8Column(texts), n: int32Column(numbers) });
  },
});
`;

const manifest = `
name: sample
seed: 3
memory: 1MB
workers: 0
operators: [./operators]
stages:
  clean:
    use: filtering
    source: { use: sample/pages }
    steps:
      - { use: filter/caption-length, with: { min: 3 }, rejected: short }
      - { use: dedup/exact, with: { columns: [caption], expected: 6000 } }
    branches:
      short: { steps: [{ use: filter/caption-length, with: { min: 1 } }], sink: { use: sink/parquet } }
  tokens:
    use: tokenization
    from: clean
    with: { vocabulary: 280, prompts: { tokens: '' }, maxTokens: 16 }
`;

const project = (text = manifest) => makeFolder({ 'sample.yaml': text, 'operators/pages.ts': pages });

/** Samples the project in a folder, and predicts. */
async function sampled(folder: string, rows: number, ...set: readonly string[]) {
  const { signal } = new AbortController();
  const outputs: string[] = [];
  const begun: string[] = [];
  const stages = await sampleRun(
    async (output) => {
      outputs.push(output);
      const { plan, problems } = await planManifest(join(folder, 'sample.yaml'), { set: [...set, `output=${output}`] });
      expect(problems).toEqual([]);
      return plan!;
    },
    { rows, signal, begin: (stage) => void begun.push(stage) },
  );
  const dropped = stages.flatMap(({ fates }) =>
    [...fates.values()].flatMap((fate) => fate.dropped.map(({ why }) => why)),
  );
  return { stages, predictions: predict(stages, 1e6), outputs, dropped, begun };
}

async function wholeRun(folder: string) {
  const output = join(folder, 'runs');
  const { plan } = await planManifest(join(folder, 'sample.yaml'), { set: [`output=${output}`] });
  await lastValueFrom(run(plan!));
  return (JSON.parse(readFileSync(join(output, 'report.json'), 'utf8')) as RunReport).stages;
}

describe('a sampled run', () => {
  it('predicts what a whole run does: the truth is in the intervals, and they are narrow enough to be of use', async () => {
    const folder = project();
    const { predictions, outputs, begun } = await sampled(folder, 1600);
    expect(begun).toEqual(['clean', 'tokens']);
    const [clean, tokens] = predictions as [StagePrediction, StagePrediction];
    expect(clean).toMatchObject({ sampled: { rows: 1600, units: 16 }, of: { rows: 6000, units: 60 } });
    const truth = await wholeRun(folder);
    for (const [stage, prediction] of [
      [truth[0]!, clean],
      [truth[1]!, tokens],
    ] as const)
      for (const [i, { name, rowsOut, bytes }] of stage.rows!.operators.entries()) {
        const told = prediction.operators[i]!;
        expect(told.name).toBe(name);
        expect(told.rowsOut!.low, name).toBeLessThanOrEqual(rowsOut);
        expect(told.rowsOut!.high, name).toBeGreaterThanOrEqual(rowsOut);
        expect(told.rowsOut!.high - told.rowsOut!.low, name).toBeLessThan(2000);
        expect(told.bytes!.value / bytes, name).toBeGreaterThan(0.7);
        expect(told.bytes!.value / bytes, name).toBeLessThan(1.4);
      }
    const [branch] = truth[0]!.rows!.branches!;
    const short = clean.branches[0]!.operators.at(-1)!.rowsOut!;
    expect(short.low).toBeLessThanOrEqual(branch!.out);
    expect(short.high).toBeGreaterThanOrEqual(branch!.out);
    expect(clean.operators.map(({ stateful }) => stateful)).toEqual([false, false, true, false]);
    expect(clean.memory).toBeGreaterThan(0);
    expect(clean.seconds!.high).toBeGreaterThan(clean.seconds!.low);
    // Nothing is left, and nothing was made beside the manifest.
    expect(outputs.map((output) => existsSync(output))).toEqual([false]);
    expect(readdirSync(tmpdir()).filter((name) => outputs[0]!.endsWith(name))).toEqual([]);
  });

  it('is exact where all rows are in the sample', async () => {
    const folder = project();
    const { predictions } = await sampled(folder, 100_000);
    const truth = await wholeRun(folder);
    for (const [i, { rowsOut }] of truth[0]!.rows!.operators.entries()) {
      const told = predictions[0]!.operators[i]!.rowsOut!;
      expect([told.low, told.value, told.high].map(Math.round)).toEqual([rowsOut, rowsOut, rowsOut]);
    }
  });

  it('treats rows as a whole run does, the same each time', async () => {
    const folder = project();
    const { dropped } = await sampled(folder, 300);
    await wholeRun(folder);
    expect((await sampled(folder, 300)).dropped).toEqual(dropped);
    const short = dropped.filter(({ reason }) => reason === 'short');
    expect(short.length).toBeGreaterThan(20);
    for (const { file, row } of short) {
      const n = 100 * Number(file.slice(5)) + row;
      expect((n * 7919) % 100, `row ${n}`).toBeLessThan(10 + (Number(file.slice(5)) % 7) * 8);
    }
  });

  it('follows rows from stage to stage by where they were read first', async () => {
    const text = manifest.replace(
      '    from: clean\n',
      '    from: clean\n    steps: [{ use: filter/equals, with: { column: n, values: [11, 12, 13, 14, 15] } }]\n',
    );
    const { stages } = await sampled(project(text), 100_000);
    const [clean, tokens] = stages;
    const numbers = (kept: readonly { readonly file: string; readonly row: number }[]) =>
      kept.map(({ file, row }) => 100 * Number(file.slice(5)) + row);
    const given = numbers(clean!.fates.get('clean')!.kept);
    const { kept, dropped } = tokens!.fates.get('tokens')!;
    expect(numbers(kept)).toEqual(given.filter((n) => n >= 11 && n <= 15));
    expect(numbers(dropped.map(({ place }) => place))).toEqual(given.filter((n) => n < 11 || n > 15));
    const short = numbers(
      clean!.fates
        .get('clean')!
        .dropped.filter(({ why }) => why.reason === 'short')
        .map(({ place }) => place),
    );
    expect(numbers(clean!.fates.get('clean.short')!.kept)).toEqual(short);
  });

  it('says what it can where a source does not say how many rows it has', async () => {
    const { predictions } = await sampled(project(), 100, 'stages.clean.source.with.known=false');
    const [clean] = predictions;
    expect(clean).toMatchObject({ sampled: { rows: 1600, units: 16 }, rows: undefined, seconds: undefined });
    expect(clean!.operators[1]!.keeps.value).toBeGreaterThan(0.5);
    expect(clean!.operators[1]!.rowsOut).toBeUndefined();
    expect(describePredictions(predictions)).toContain('clean: filtering, on 1,600 rows\n');
  });

  it('names the stage that fails on the sample, and leaves out what stands behind it', async () => {
    const text = manifest.replace('with: { min: 3 }, rejected', 'with: { min: 50 }, rejected');
    const { predictions } = await sampled(project(text), 200);
    expect(predictions.map(({ stage, failure }) => [stage, failure?.split('\n')[0]])).toEqual([
      ['clean', undefined],
      ['tokens', expect.stringContaining('clean kept no row')],
    ]);
    expect(describePredictions(predictions)).toContain('it failed on the sample: ');
  });

  it('says of a stage that nothing is left for that it gets no rows', async () => {
    const text = `${manifest.replace('with: { min: 3 }, rejected', 'with: { min: 1 }, rejected')}  rest: { use: filtering, from: clean.short }\n`;
    const { predictions } = await sampled(project(text), 200);
    const rest = predictions.find(({ stage }) => stage === 'rest');
    expect(rest).toMatchObject({ sampled: { rows: 0, units: 0 } });
    expect(describePredictions(predictions)).toContain('rest: filtering, on 0 rows');
  });

  it('reads well', async () => {
    const text = describePredictions((await sampled(project(), 1600)).predictions);
    const [head, names, source] = text.split('\n');
    expect(head).toBe('clean: filtering, on 1,600 rows of 6,000, from 16 of 60 units');
    expect(names).toMatch(/^ +keeps +rows out +bytes out +busy +memory$/);
    expect(source).toMatch(/^ {2}sample\/pages +100\.0 % .* {2}6,000/);
    expect(text).toMatch(/\n {2}dedup\/exact\[1\]\* +/);
    expect(text).toContain('\n  branch short\n');
    expect(text).toMatch(/\n {2}in all: 6,000 rows in, .* of memory\n/);
    expect(text).toContain('* carries a state from row to row');
  });
});

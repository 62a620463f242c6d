/** A project whose rows pass through everything that a restart must get right, and ways to run it and to look at what it made. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeFolder } from '../folder.js';

const pages = `
import { batchOf, defineSource, int32Column, utf8Column } from 'alignflow';
import { Field, Int32, Schema, Utf8 } from 'apache-arrow';

/** Pages of captions, with doubles and short ones among them, some rows torn. */
export interface Pages {
  /** How many. @minimum 1 @integer */
  pages: number;
  /** Rows of each. @minimum 1 @integer */
  rows: number;
}

export default defineSource({
  name: 'restart/pages',
  defaults: { pages: 12, rows: 50 },
  drops: ['torn'],
  schema: async (_: Pages) => new Schema([new Field('caption', new Utf8(), true), new Field('n', new Int32(), true)]),
  units: async ({ pages, rows }) => Array.from({ length: pages }, (_, page) => ({ file: 'page-' + page, rows })),
  async *read({ file }, { rows }, context) {
    globalThis.restartProject?.(file);
    const page = Number(file.slice(5));
    for (let start = 0; start < rows; start += 20) {
      const numbers = Array.from({ length: Math.min(20, rows - start) }, (_, i) => page * rows + start + i);
      const texts = numbers.map((n) => (n % 17 === 0 ? null : n % 5 === 0 ? 'cat' : 'picture ' + ((n * 7) % 301) + ' of a cat'));
      if (start === 20) context.drop({ file }, 7, 'torn', 'not to be read');
      yield batchOf({ caption: utf8Column(texts), n: int32Column(numbers) });
    }
  },
});
`;

const slow = `
import { defineOperator, mapAsync } from 'alignflow';

/** Lets later batches be ready first. */
// biome-ignore lint/suspicious/noEmptyInterface: it has no options
export interface Slow {}

export default defineOperator({
  name: 'restart/slow',
  defaults: {},
  reads: (_: Slow) => ({}),
  writes: (schema) => schema,
  carries: 'nothing',
  run: (_, context) =>
    mapAsync(context, async (batch) => {
      for (let i = 0; i < 3 + (batch.numRows % 4) * 3; i++) await new Promise((resolve) => setImmediate(resolve));
      return batch;
    }),
});
`;

const manifest = `
name: restart
seed: 3
memory: 1MB
workers: 0
operators: [./operators]
stages:
  clean:
    use: filtering
    source: { use: restart/pages }
    steps:
      - { use: filter/caption-length, with: { min: 3 }, rejected: short }
      - { use: restart/slow }
      - { use: dedup/exact, with: { columns: [caption], expected: 1000 } }
      - { use: text/prompt, with: { template: 'a photo: {caption}' } }
    sink: { use: sink/parquet, with: { rowGroup: 32, file: 100 } }
    branches:
      short: { steps: [{ use: restart/slow }], sink: { use: sink/parquet, with: { rowGroup: 16 } } }
      all:
        steps: [{ use: dedup/exact, with: { columns: [n], expected: 2000 } }]
        sink: { use: sink/parquet }
  tokens:
    use: tokenization
    from: clean
    with: { vocabulary: 300, prompts: { tokens: '' }, maxTokens: 16 }
    sink: { use: sink/parquet, with: { rowGroup: 25 } }
`;

/** Makes the project in a temporary folder and returns it. */
export function restartProject(): string {
  return makeFolder({ 'restart.yaml': manifest, 'operators/pages.ts': pages, 'operators/slow.ts': slow });
}

/** What the stages of a run made: each file with its hash, and each count of the report. */
export function madeBy(output: string): unknown {
  return ['clean', 'tokens'].map((stage) => {
    const { files, report } = JSON.parse(readFileSync(join(output, stage, 'stage.json'), 'utf8'));
    const { rows, digest, results } = report;
    const counted = JSON.stringify(rows, (key, value: unknown) =>
      ['seconds', 'waiting'].includes(key) ? undefined : value,
    );
    return { stage, files, digest, results, rows: JSON.parse(counted) as unknown };
  });
}

/** Operators and stages of a user, for planning: a source with fixed columns, filters, a scorer, sinks, stages. */
import { join } from 'node:path';
import { expect, onTestFinished, vi } from 'vitest';
import { renderProblems } from '../../../pipeline/manifest/render.js';
import type { Plan } from '../../../pipeline/plan/plan.js';
import { planManifest } from '../../../pipeline/plan/plan-manifest.js';
import { makeFolder } from '../folder.js';

const source = `
import { defineSource } from 'alignflow';
import { Binary, Field, Int32, Schema, Utf8 } from 'apache-arrow';

/** Rows from nowhere. */
export interface Pairs {
  /** How many. @minimum 1 @integer */
  rows: number;
  /** Adds a column of similarities. */
  extra?: string;
}

export default defineSource({
  name: 'toy/pairs',
  defaults: { rows: 10 },
  schema: async ({ extra }: Pairs) =>
    new Schema([
      new Field('caption', new Utf8()),
      new Field('image', new Binary()),
      ...(extra === undefined ? [] : [new Field(extra, new Int32())]),
    ]),
  units: async () => [],
  read: async function* () {},
});
`;

const length = `
import { defineFilter } from 'alignflow';
import { Utf8 } from 'apache-arrow';

/** Keeps rows whose text is long enough. */
export interface Length {
  /** Text column. */
  column: string;
  /** Fewest characters. @minimum 0 */
  min: number;
  /** What counts. */
  by: 'words' | 'characters';
  /** Share of rows looked at. @unit fraction */
  share: number;
}

export default defineFilter({
  name: 'toy/length',
  defaults: { column: 'caption', min: 3, by: 'words', share: 1 },
  reads: ({ column }: Length) => ({ [column]: new Utf8() }),
  drops: ['short'],
  judge: () => () => undefined,
});
`;

const score = `
import { defineOperator, withField } from 'alignflow';
import { Binary, Field, Float32, Utf8 } from 'apache-arrow';
import { map } from 'rxjs';

/** Scores how well an image and a text fit. Keeps a table. */
export interface Score {
  /** Column that is added. */
  into: string;
  /** Memory of the table. @unit bytes @minimum 1 */
  table: number;
  /** Model folder. */
  model: string;
}

export default defineOperator({
  name: 'toy/fit',
  defaults: { into: 'fit', table: 64e6 },
  reads: (_config: Score) => ({ caption: new Utf8(), image: new Binary() }),
  writes: (schema, { into }) => withField(schema, new Field(into, new Float32())),
  holds: ({ table }) => table,
  run: () => map((batch) => batch),
});
`;

const sink = `
import { defineSink } from 'alignflow';

/** Forgets rows. */
export interface Nowhere {}

export default defineSink({
  name: 'toy/sink',
  defaults: {},
  open: async (_config: Nowhere) => ({ write: async () => {}, close: async () => [], abort: async () => {} }),
});
`;

const reader = `
import { defineSource } from 'alignflow';
import { Schema } from 'apache-arrow';

/** Reads what toy/sink wrote. */
export interface Stored {
  /** Folder. */
  path: string;
}

export default defineSource({
  name: 'source/toy',
  defaults: {},
  schema: async (_config: Stored) => new Schema([]),
  units: async () => [],
  read: async function* () {},
});
`;

const storedSink = sink.replaceAll('toy/sink', 'sink/toy');

const keep = `
import { defineStage } from 'alignflow';
import { EMPTY } from 'rxjs';

/** Stores rows. */
export interface Keep {}

export default defineStage({
  name: 'keep',
  defaults: {},
  takes: { rows: 'required', sink: true },
  reads: (_config: Keep) => ({}),
  plan: (_config, { rows }) => ({ hands: rows === undefined ? {} : { rows: { schema: rows } } }),
  run: () => EMPTY,
});
`;

const learn = `
import { AlignflowError, defineStage } from 'alignflow';
import { Binary, Utf8 } from 'apache-arrow';
import { EMPTY } from 'rxjs';

/** Trains a model. */
export interface Learn {
  /** Size of the model. */
  model: 'tiny' | 'base';
  /** Steps of training. @minimum 1 @integer */
  steps: number;
  /** Text column. */
  column: string;
  /** Longest time. @unit duration */
  time: number;
}

export default defineStage({
  name: 'learn',
  defaults: { model: 'tiny', steps: 100, column: 'caption', time: 60_000 },
  takes: { rows: 'required', init: 'optional', tokenizer: 'optional', train: true, metrics: ['loss', 'recall_*'] },
  reads: ({ column }: Learn) => ({ [column]: new Utf8(), image: new Binary() }),
  plan: ({ model }, { init, rows, from }) => {
    const start = init?.artefacts.checkpoint?.model.model;
    if (start !== undefined && start !== model)
      throw new AlignflowError({
        what: \`the checkpoint of \${init.stage} is of the model \${start}, not \${model}\`,
        fix: 'use the same model in both stages',
      });
    return {
      hands: {
        rows: from?.artefacts.rows ?? { schema: rows },
        checkpoint: { model: { model }, parameters: 1_234_567, trainedBy: ['learn'] },
      },
      facts: [['parameters', '1,234,567'], ['model', model]],
      memory: 500_000_000,
    };
  },
  run: () => EMPTY,
});
`;

const judge = `
import { defineStage } from 'alignflow';
import { EMPTY } from 'rxjs';

/** Scores a model. */
export interface Judge {
  /** What to measure. */
  tasks: ('recall' | 'captions')[];
}

export default defineStage({
  name: 'judge',
  defaults: { tasks: ['recall'] },
  takes: { rows: 'required', checkpoint: 'required', metrics: ['recall_*'] },
  reads: (_config: Judge) => ({}),
  plan: () => ({ hands: {} }),
  run: () => EMPTY,
});
`;

const words = `
import { defineStage } from 'alignflow';
import { EMPTY } from 'rxjs';

/** Makes a tokenizer, or takes one. */
export interface Words {
  /** Entries. @integer @minimum 1 */
  vocabulary: number;
}

export default defineStage({
  name: 'words',
  defaults: { vocabulary: 100 },
  takes: { rows: 'required', sink: true, tokenizer: 'optional' },
  reads: (_config: Words) => ({}),
  plan: ({ vocabulary }, { name, rows, tokenizer }) => ({
    hands: { rows: { schema: rows }, tokenizer: tokenizer?.artefacts.tokenizer ?? { vocabulary, trainedBy: name } },
  }),
  run: () => EMPTY,
});
`;

/** The files of the operators, by path. */
export const operatorFiles: Readonly<Record<string, string>> = {
  'operators/pairs.ts': source,
  'operators/length.ts': length,
  'operators/fit.ts': score,
  'operators/sink.ts': sink,
  'operators/stored-sink.ts': storedSink,
  'operators/stored-source.ts': reader,
  'operators/keep.ts': keep,
  'operators/learn.ts': learn,
  'operators/judge.ts': judge,
  'operators/words.ts': words,
};

/** A manifest that uses all of them. */
export const manifest = `# An example.
name: example
seed: 7
memory: 2GB
operators: [./operators]
stages:
  pairs:
    use: keep
    source: { use: toy/pairs, with: { rows: 100 } }
    steps:
      - { use: toy/length, with: { min: 1, share: 90% } }
      - use: toy/fit
        with: { model: clip, table: 128MB }
    sink: { use: sink/toy }
  train:
    use: learn
    from: pairs
    with: { steps: 5, time: 5m }
    require: { loss: '< 2.5' }
  more:
    use: learn
    from: train
    init: train
    train: [head, '**.cross_attn.**']
  score:
    use: judge
    from: pairs
    checkpoint: more
    with: { tasks: [recall, captions] }
    require: { recall_1: '>= 0.3', recall_5: 'between 0.2 and 0.5' }
`;

/** A folder with the operators, a manifest, `manifest.yaml`, and a cache of its own; its path. */
export function makeExample(text: string = manifest, files: Readonly<Record<string, string>> = {}): string {
  const folder = makeFolder({ 'manifest.yaml': text, ...operatorFiles, ...files });
  vi.stubEnv('ALIGNFLOW_CACHE', `${folder}/cache`);
  onTestFinished(() => void vi.unstubAllEnvs());
  return folder;
}

/** Plans a manifest in a folder with the example's operators; its problems as `check` prints them. */
export async function planText(text: string, set: string[] = []): Promise<{ plan: Plan | undefined; printed: string }> {
  const folder = makeExample(text);
  const { plan, problems } = await planManifest(join(folder, 'manifest.yaml'), { set, workingFolder: folder });
  return { plan, printed: renderProblems(problems, { color: false, workingFolder: folder }) };
}

/** The example's manifest with one piece of its text replaced. */
export function changed(from: string, to: string): string {
  expect(manifest).toContain(from);
  return manifest.replace(from, to);
}

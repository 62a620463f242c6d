import { expect, it } from 'vitest';
import { changed, planText } from './example.js';

const step = '{ use: toy/length, with: { min: 1, share: 90% } }';

/** One part of a manifest that cannot be read is one problem: what it would have been is not missing, nor what it would have made. */
it.each([
  ['a stage', 'use: keep', 'use: 7', 'stages.pairs.use is a number'],
  ['a source', '{ use: toy/pairs, with: { rows: 100 } }', '7', 'stages.pairs.source is a number'],
  ['a key that no stage has', 'source: { use: toy', 'sauce: { use: toy', 'unknown key sauce in stages.pairs'],
  ['a reference', 'from: train\n', 'from: 7\n', 'stages.more.from is a number'],
  ['a checkpoint', 'checkpoint: more', 'checkpoint: [more]', 'stages.score.checkpoint is a list'],
  ['a step', step, '7', 'stages.pairs.steps[0] is a number'],
])('%s that cannot be read is one problem', async (_, from, to, message) => {
  const { printed } = await planText(changed(from, to));
  expect(printed.match(/^manifest\S+ \S+ .*$/gm)).toEqual([expect.stringContaining(message)]);
});

it('a branch that a name may have been meant for is not unused', async () => {
  const text = changed('    sink: { use: sink/toy }', '    sink: { use: sink/toy }\n    branches: { short: {} }');
  const { printed } = await planText(text.replace('from: train', 'from: pairs.shrt'));
  expect(printed.match(/^manifest\S+ \S+ .*$/gm)).toEqual([
    expect.stringContaining('names pairs.shrt, which is no stage'),
  ]);
});

it('a step that cannot be read may have made the columns behind it', async () => {
  const text = changed('- use: toy/fit\n        with: { model: clip, table: 128MB }', '- 7').replace(
    '    sink: { use: sink/toy }',
    '      - { use: toy/length, with: { column: new } }\n    sink: { use: sink/toy }',
  );
  const { printed } = await planText(text.replace('seed: 7', 'seed: 7\nkey: fresh'));
  expect(printed.match(/^manifest\S+ \S+ .*$/gm)).toEqual([expect.stringContaining('steps[1] is a number')]);
});

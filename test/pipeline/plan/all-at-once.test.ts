import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Problem } from '../../../pipeline/manifest/problem.js';
import { planManifest } from '../../../pipeline/plan/plan-manifest.js';
import { changed, makeExample, operatorFiles, planText } from './example.js';

describe('planning a manifest with mistakes', () => {
  it('finds what stands behind a wrong column, in its stage and in those after it', async () => {
    const { printed } = await planText(`name: n
operators: [./operators]
stages:
  pairs:
    use: keep
    source: { use: toy/pairs }
    steps:
      - { use: toy/length, with: { column: captoin }, rejected: shrt }
      - { use: columns/select, with: { columns: [image, captions, captio] } }
      - { use: filter/score, with: { column: fit, min: 2, max: 1 } }
      - { use: toy/length, with: { column: image }, rejected: short }
    sink: { use: sink/toy }
    branches:
      short: { steps: [{ use: toy/fit, with: { modle: clip } }], sink: { use: sink/toy, with: { a: 1 } } }
  train:
    use: learn
    from: pairs
    init: pairs
    tokenizer: pairs
  more: { use: learn, from: pairs, init: train, with: { model: base } }
  score: { use: judge, from: pairs.short, checkpoint: pairs }
`);
    expect(printed.match(/^\S+ \S+ .*$/gm)).toEqual([
      'manifest.yaml:8:44 column: toy/length reads the column captoin, which is not there',
      'manifest.yaml:8:65 unknown-branch: the stage pairs has no branch shrt',
      'manifest.yaml:9:57 column: columns/select reads the column captions, which is not there',
      'manifest.yaml:9:67 column: columns/select reads the column captio, which is not there',
      'manifest.yaml:10:46 column: filter/score reads the column fit, which is not there',
      'manifest.yaml:10:56 schema: min is 2 and max is 1: no row is kept',
      'manifest.yaml:11:44 column: toy/length reads the column image, which is Binary',
      'manifest.yaml:14:31 missing: toy/fit needs the option model',
      'manifest.yaml:14:31 column: toy/fit reads the column caption, which is not there',
      'manifest.yaml:14:48 unknown-key: toy/fit has no option modle',
      'manifest.yaml:14:97 unknown-key: sink/toy has no option a',
      'manifest.yaml:16:10 column: the stage train reads the column caption, which is not there',
      'manifest.yaml:18:11 hand-over: init of the stage train names pairs, which hands over no checkpoint',
      'manifest.yaml:19:16 hand-over: tokenizer of the stage train names pairs, which hands over no tokenizer',
      'manifest.yaml:20:16 column: the stage more reads the column caption, which is not there',
      'manifest.yaml:21:55 hand-over: checkpoint of the stage score names pairs, which hands over no checkpoint',
    ]);
  });

  it('finds what needs too much memory in a stage that has a mistake', async () => {
    const wrong = changed('min: 1,', 'column: captoin,');
    const tooMuch = 'memory: the stage pairs keeps 128 MB (toy/fit[1] 128 MB), and memory is 100 MB';
    expect((await planText(wrong.replace('memory: 2GB', 'memory: 100MB'))).printed).toContain(tooMuch);
    // Of a memory that nobody can read, nothing is too much.
    expect(
      (await planText(wrong.replace('memory: 2GB', 'memory: 2 gigs').replace('128MB', '3GB'))).printed,
    ).not.toContain('keeps');
  });

  it('finds a checkpoint of another model behind rows that nobody knows', async () => {
    const wrong = changed('{ rows: 100 }', '{ row: 100 }').replace(
      'init: train\n',
      'init: train\n    with: { model: base }\n',
    );
    const { printed } = await planText(wrong);
    expect(printed.match(/^\S+ \S+ .*$/gm)).toEqual([
      'manifest.yaml:9:39 unknown-key: toy/pairs has no option row',
      'manifest.yaml:21:10 stage: the checkpoint of train is of the model tiny, not base',
    ]);
  });

  it.each([
    ['a number, where the column may be one', 'values: [2]', []],
    ['a text, where the column may be one', 'values: [a]', []],
    ['what no column can be', 'values: [a, 2]', ['values has 2, and the column "x" has the type Utf8']],
  ])('says of options behind a wrong column what is wrong with every column: %s', async (_, values, expected) => {
    const step = `      - { use: filter/equals, with: { column: x, ${values} } }\n    sink:`;
    const { printed } = await planText(changed('    sink:', step));
    expect(printed).toContain('filter/equals reads the column x, which is not there');
    expect(printed.match(/schema: .*/g) ?? []).toEqual(expected.map((message) => `schema: ${message}`));
  });

  it('says of options what is wrong with them where nobody knows what the stage takes', async () => {
    const { printed } = await planText(`name: n
operators: [./operators]
stages:
  pairs: { use: filtering, source: { use: toy/pairs } }
  tokens: { use: tokenization, from: pairs, tokenizer: pairs, with: { prompts: {} } }
  score: { use: evaluation, from: tokens, checkpoint: pairs, with: { tasks: [] } }
`);
    expect(printed.match(/(?<=stage: ).*/g)).toEqual([
      'prompts is empty, so no column of token ids would be written',
      'tasks is empty, so nothing would be scored',
    ]);
    expect(printed).not.toContain('throws');
  });

  it.each([
    ['filter/score, with: { column: fit, min: 7 }', '7', 'min: 7 is outside of the scale of the column "fit"'],
    ['filter/score, with: { column: fit }', 'filter/score', 'neither min nor max is given'],
    ['filter/equals, with: { column: caption, values: [a, 2] }', '2', 'values has 2, and the column'],
    ['filter/language, with: { column: caption, keep: [en, xx] }', 'xx', 'the language "xx" cannot be'],
    ['filter/caption-length, with: { column: caption, max: 2 }', '2', 'min is 3 and max is 2'],
  ])('points at the option that an operator objects to: %s', async (step, value, expected) => {
    const scored = operatorFiles['operators/fit.ts']!.replace(
      'new Float32())',
      "new Float32(), true, new Map([['alignflow.score.min', '-1'], ['alignflow.score.max', '1']]))",
    );
    const folder = makeExample(changed('    sink:', `      - { use: ${step} }\n    sink:`), {
      'operators/fit.ts': scored,
    });
    const { problems } = await planManifest(join(folder, 'manifest.yaml'), { workingFolder: folder });
    expect(problems).toHaveLength(1);
    const [{ at, message }] = problems as [Problem];
    expect(at.text.slice(at.column - 1, at.column - 1 + at.length)).toBe(value);
    expect(message).toContain(expected);
  });
});

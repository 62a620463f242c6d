import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { explainPlan } from '../../../pipeline/plan/explain.js';
import { planManifest } from '../../../pipeline/plan/plan-manifest.js';
import { changed, makeExample, manifest, operatorFiles, planText } from './example.js';

/** A manifest whose last stage takes the rows of two others. */
const mixture = (given: string) => `name: n
operators: [./operators]
stages:
  pairs: { use: keep, source: { use: toy/pairs }, sink: { use: sink/toy } }
  fine: { use: keep, source: { use: toy/pairs }, sink: { use: sink/toy } }
  all: { use: keep, ${given} }
`;

const mistakes = `name: example
seed: -1
memory: 2 gigs
operators: [./operators]
stages:
  pairs:
    use: keep
    source: { use: toy/pairs, with: { rows: 0 } }
    steps:
      - { use: toy/lenght, with: { min: 1 } }
      - { use: toy/length, with: { mim: 1, by: letters, share: 120% } }
      - use: toy/fit
    sink: { use: sink/toy }
  other:
    use: keep
    source: { use: toy/pairs, with: { extra: caption2 } }
    steps:
      - { use: toy/length, with: { column: captoin } }
      - { use: toy/length, with: { column: caption2 } }
    sink: { use: sink/toy }
  train:
    use: learn
    from: pears
    init: score
    stepz: 4
    require: { los: '< 2.5', loss: 'about 2' }
  score:
    use: judge
    from: pairs
    checkpoint: other
  last:
    use: jugde
    from: other
`;

describe('planManifest', () => {
  it('finds all mistakes of a manifest at once', async () => {
    const { plan, printed } = await planText(mistakes);
    expect(plan).toBeUndefined();
    await expect(printed).toMatchFileSnapshot('golden/mistakes.txt');
  });

  it('plans a right manifest', async () => {
    const folder = makeExample();
    const { plan, problems } = await planManifest(join(folder, 'manifest.yaml'), { workingFolder: folder });
    expect(problems).toEqual([]);
    await expect(explainPlan(plan!, folder)).toMatchFileSnapshot('golden/example.txt');
    expect(plan!.output).toBe(join(folder, 'runs/example'));

    const [pairs, train, more] = plan!.stages;
    expect(pairs!.steps.map(({ label, options, holds }) => ({ label, options, holds }))).toEqual([
      { label: 'toy/length[0]', options: { column: 'caption', min: 1, by: 'words', share: 0.9 }, holds: 0 },
      { label: 'toy/fit[1]', options: { into: 'fit', table: 128e6, model: 'clip' }, holds: 128e6 },
    ]);
    expect(pairs!.sink?.reader?.source.name).toBe('source/toy');
    expect(train!.options).toEqual({ model: 'tiny', steps: 5, column: 'caption', time: 300_000 });
    // The stage `train` stores no rows: it passes on those of `pairs`.
    expect(more!.rows?.from).toEqual([{ stage: 'pairs', weight: 1 }]);
    expect(more!.needs).toEqual(['pairs', 'train']);
    expect(more!.inputs.init?.folder).toBe(join(folder, 'runs/example/train'));
  });

  it('reads the resolved text back to the same plan', async () => {
    const { plan } = await planText(manifest);
    const again = await planText(plan!.resolved);
    expect(again.plan!.stages.map(({ fingerprint }) => fingerprint)).toEqual(
      plan!.stages.map(({ fingerprint }) => fingerprint),
    );
  });

  it('follows columns past a filter and a sink with wrong options', async () => {
    const text = manifest
      .replace('min: 1,', 'min: x,')
      .replace('sink: { use: sink/toy }', 'sink: { use: sink/toy, with: { a: 1 } }')
      .replace('with: { steps: 5,', 'with: { column: captoin, steps: 5,');
    const { printed } = await planText(text);
    expect(printed.match(/^\S+ \S+ .*$/gm)).toEqual([
      'manifest.yaml:11:41 type: toy/length: option min is text',
      'manifest.yaml:14:36 unknown-key: sink/toy has no option a',
      'manifest.yaml:18:21 column: the stage train reads the column captoin, which is not there',
    ]);
  });

  it('applies overrides', async () => {
    const { plan } = await planText(manifest, ['stages.train.with.steps=9', 'seed=3']);
    expect(plan!.stages[1]!.options.steps).toBe(9);
    expect(plan!.seed).toBe(3);
    const wrong = await planText(manifest, ['stages.train.with.stepz=9']);
    await expect(wrong.printed).toMatchFileSnapshot('golden/wrong-override.txt');
  });

  it.each([
    ['a stage that needs itself', changed('init: train', 'init: more'), 'cycle: stages need each other: more -> more'],
    [
      'a cycle of two stages',
      changed('from: pairs\n    with: { steps: 5', 'from: pairs\n    init: more\n    with: { steps: 5'),
      'cycle: stages need each other: train -> more -> train',
    ],
    ['no rows at all', changed('    from: train\n', ''), 'missing: a learn stage needs rows'],
    [
      'a part that is not taken',
      changed('checkpoint: more', 'checkpoint: more\n    init: more'),
      'a judge stage takes no init',
    ],
    ['a part that is missing', changed('    checkpoint: more\n', ''), 'missing: a judge stage needs checkpoint'],
    [
      'a checkpoint of another model',
      changed('init: train\n', 'init: train\n    with: { model: base }\n'),
      'the checkpoint of train is of the model tiny, not base',
    ],
    [
      'too little memory',
      changed('memory: 2GB', 'memory: 100MB'),
      'memory: the stage pairs keeps 128 MB (toy/fit[1] 128 MB), and memory is 100 MB',
    ],
    [
      'a column of another type',
      changed('{ rows: 100 }', '{ extra: n }').replace('min: 1,', 'column: n,'),
      'toy/length reads the column n, which is Int32',
    ],
    [
      'a key that no rows have, with the nearest column',
      changed('memory: 2GB', 'memory: 2GB\nkey: captoin'),
      'column: no rows have the column captoin, which is to name them',
    ],
    [
      'a key that is no text and no number',
      changed('memory: 2GB', 'memory: 2GB\nkey: image'),
      'column: the column image, which is to name rows, is Binary',
    ],
    [
      'data that is not there, at its path',
      changed('{ use: toy/pairs, with: { rows: 100 } }', '{ use: source/parquet, with: { path: none.parquet } }'),
      'manifest.yaml:9:50 source: none.parquet: there is no such file or folder',
    ],
    [
      'an operator where a source belongs',
      changed('use: toy/pairs', 'use: toy/fit'),
      'toy/fit is an operator, not a source',
    ],
  ])('refuses %s', async (_name, text, expected) => {
    const { plan, printed } = await planText(text);
    expect(plan).toBeUndefined();
    expect(printed).toContain(expected);
  });

  it('mixes stages by weight, if their columns agree', async () => {
    const second = `  fine:
    use: keep
    source: { use: toy/pairs }
    sink: { use: sink/toy }
  train:
    use: learn
    from: { pairs: 3, fine: 1 }
`;
    const step = '      - use: toy/fit\n        with: { model: clip, table: 128MB }\n';
    const head = manifest.slice(0, manifest.indexOf('  train:'));
    const wrong = await planText(head + second);
    expect(wrong.printed).toContain('the rows of fine cannot be mixed with those of pairs');
    const right = await planText(head.replace(step, '') + second);
    expect(right.plan!.stages[2]!.rows!.from).toEqual([
      { stage: 'pairs', weight: 0.75 },
      { stage: 'fine', weight: 0.25 },
    ]);
  });

  it.each([
    ['from: [pairs, fine]', { mixing: undefined }, 'rows from pairs (50 %) and fine (50 %)\n'],
    ['from: [pairs, fine], mix: rounds', { mixing: { by: 'weight', until: 'all' } }, 'pairs (50 %) and fine (50 %)\n'],
    [
      'from: [pairs, fine], mix: { until: first }',
      { mixing: { by: 'weight', until: 'first' } },
      'pairs (50 %) and fine (50 %), until the first has run out\n',
    ],
    [
      'from: [pairs, fine], mix: exhaustion',
      { mixing: { by: 'exhaustion', until: 'all' } },
      'rows from pairs, then fine\n',
    ],
    [
      'from: { pairs: 3, fine: 1 }, mix: { by: weight, until: first }',
      { mixing: { by: 'weight', until: 'first' } },
      'pairs (75 %) and fine (25 %), until the first has run out\n',
    ],
  ])('mixes stages with %s', async (given, expected, explained) => {
    const { plan, printed } = await planText(mixture(given));
    expect(printed).toBe('0 problems\n');
    const { rows, fingerprint } = plan!.stages[2]!;
    expect(rows!.mixing).toEqual(expected.mixing);
    expect(explainPlan(plan!)).toContain(explained);
    const other = await planText(mixture('from: { pairs: 5, fine: 1 }'));
    expect(other.plan!.stages[2]!.fingerprint).not.toBe(fingerprint);
  });

  it('refuses a mixture that ends, for a stage that reads for ever', async () => {
    const learns = (given: string) =>
      planText(mixture(given).replace('all: { use: keep', 'all: { use: learn, with: { steps: 5 }'));
    for (const given of ['from: [pairs, fine], mix: exhaustion', 'from: [pairs, fine], mix: { until: first }'])
      expect((await learns(given)).printed).toContain('so none of its sources runs out');
    expect((await learns('from: [pairs, fine], mix: rounds')).printed).toBe('0 problems\n');
  });

  it('mixes tokens of one tokenizer only', async () => {
    const text = (given: string) => `name: n
operators: [./operators]
stages:
  first: { use: words, source: { use: toy/pairs }, sink: { use: sink/toy } }
  second: { use: words, source: { use: toy/pairs }, sink: { use: sink/toy }, ${given} }
  train: { use: learn, from: { first: 1, second: 1 } }
`;
    const wrong = await planText(text('with: { vocabulary: 100 }'));
    expect(wrong.printed).toContain(
      'manifest.yaml:6:42 hand-over: the stages first and second do not share a tokenizer: that of first and that of second',
    );
    const right = await planText(text('tokenizer: first'));
    expect(right.printed).toBe('0 problems\n');
    expect(right.plan!.stages[2]!.inputs.from).toMatchObject({
      stage: 'first',
      artefacts: { tokenizer: { vocabulary: 100, trainedBy: 'first' } },
    });
    expect(right.plan!.stages[1]!.inputs.tokenizer?.stage).toBe('first');
    const none = await planText(text('tokenizer: first').replace('use: words', 'use: keep'));
    expect(none.printed).toContain('tokenizer of the stage second names first, which hands over no tokenizer');
  });

  it('goes on after an operator that does not load, and reports its own line', async () => {
    const folder = makeExample(changed('min: 1,', 'mim: 1,'), {
      'operators/fit.ts': operatorFiles['operators/fit.ts']!.replace("'rxjs'", "'no-such-package'"),
    });
    const { problems } = await planManifest(join(folder, 'manifest.yaml'), { workingFolder: folder });
    expect(problems.map(({ code, at }) => [code, at.file, at.line])).toEqual([
      ['unknown-key', join(folder, 'manifest.yaml'), 11],
      ['load', join(folder, 'operators/fit.ts'), 4],
    ]);
    expect(problems[1]).toMatchObject({
      message: 'cannot find the module no-such-package',
      fix: 'npm install no-such-package',
      at: { text: "import { map } from 'no-such-package';" },
    });
  });
});

describe('fingerprints', () => {
  const fingerprints = async (text: string, files: Record<string, string> = {}) => {
    const folder = makeExample(text, files);
    const { plan } = await planManifest(join(folder, 'manifest.yaml'), { workingFolder: folder });
    return plan!.stages.map(({ fingerprint }) => fingerprint);
  };

  it('stay the same where nothing that counts changes, and change from the changed stage on', async () => {
    const base = await fingerprints(manifest);
    expect(new Set(base).size).toBe(4);
    expect(await fingerprints(changed('memory: 2GB', 'memory: 3GB').replace('< 2.5', '< 2.6'))).toEqual(base);
    const same = (now: readonly string[]) => now.map((fingerprint, i) => fingerprint === base[i]);
    expect(same(await fingerprints(changed('steps: 5,', 'steps: 6,')))).toEqual([true, false, false, false]);
    expect(same(await fingerprints(changed('rows: 100', 'rows: 101')))).toEqual([false, false, false, false]);
    expect(same(await fingerprints(changed('tasks: [recall, captions]', 'tasks: [recall]')))).toEqual([
      true,
      true,
      true,
      false,
    ]);
    expect(same(await fingerprints(changed("train: [head, '**.cross_attn.**']", 'train: [head]')))).toEqual([
      true,
      true,
      false,
      false,
    ]);
  });

  it("change with the source of a user's operator", async () => {
    const base = await fingerprints(manifest);
    const file = operatorFiles['operators/learn.ts']!;
    const now = await fingerprints(manifest, { 'operators/learn.ts': `${file}// another version\n` });
    expect(now.map((fingerprint, i) => fingerprint === base[i])).toEqual([true, false, false, false]);
  });
});

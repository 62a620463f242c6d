import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import sinkParquet from '../../operators/sinks/parquet.js';
import { batchOf, binaryColumn, utf8Column } from '../../pipeline/batch/build.js';
import { renderProblems } from '../../pipeline/manifest/render.js';
import { explainPlan } from '../../pipeline/plan/explain.js';
import type { Plan } from '../../pipeline/plan/plan.js';
import { planManifest } from '../../pipeline/plan/plan-manifest.js';
import contrastive, { type Contrastive, contrastiveGroups } from '../../stages/contrastive.js';
import { parameterShapes } from '../../stages/models/shapes.js';
import { modelConfig } from '../../stages/models/sizes.js';
import { trainedParameters } from '../../stages/training/groups.js';
import { ratesOf } from '../../stages/training/rates.js';
import { recipeOf } from '../../stages/training/recipe.js';
import { makeFolder } from '../pipeline/folder.js';

/** The paper's two training stages at full size, with the vocabulary of its tokenizer, on a file with one row. */
const manifest = `name: full-size
memory: 300GB
stages:
  pairs:
    use: filtering
    source: { use: source/parquet, with: { path: pairs } }
    steps: [{ use: image/resize, with: { column: image, into: pixels, size: 224 } }]
  tokens: { use: tokenization, from: pairs, with: { vocabulary: 49954 } }
  contrast:
    use: contrastive
    from: tokens
    with: { model: internvl-14b, steps: 175000, warmup: 5000, dropPath: 0.2, unmasked: 0.017 }
  generate:
    use: generative
    from: tokens
    init: contrast
    train: [query_tokens, 'qllama.model.layers.*.cross_attn.**', 'clip_projector2.**', 'itm_head.**', logit_scale]
    with: { steps: 80000, warmup: 2000 }
  score: { use: evaluation, from: tokens, checkpoint: generate, with: { mode: g } }
`;

/** Plans a manifest beside the file; its problems as `check` prints them. */
async function planText(text: string): Promise<{ plan: Plan | undefined; printed: string; folder: string }> {
  const folder = makeFolder({ 'manifest.yaml': text, 'pairs/.keep': '' });
  const batch = batchOf({
    image: binaryColumn([Uint8Array.of(1)]),
    caption: utf8Column(['a cat']),
    key: utf8Column(['1']),
    language: utf8Column(['en']),
  });
  const { signal } = new AbortController();
  const writer = await sinkParquet.open(
    { compression: 'none', rowGroup: 1, rowGroupBytes: 1, file: 1 },
    { stage: 'test', folder: join(folder, 'pairs'), schema: batch.schema, signal },
  );
  await writer.write(batch);
  await writer.close();
  const { plan, problems } = await planManifest(join(folder, 'manifest.yaml'), { workingFolder: folder });
  return { plan, printed: renderProblems(problems, { color: false, workingFolder: folder }), folder };
}

/** The manifest with one piece of its text replaced. */
function changed(from: string, to: string): string {
  expect(manifest).toContain(from);
  return manifest.replace(from, to);
}

describe('the model of the paper', () => {
  it('is planned with 13,834,975,747 parameters and its memory', async () => {
    const { plan, printed, folder } = await planText(manifest);
    expect(printed).toBe('0 problems\n');
    await expect(explainPlan(plan!, folder)).toMatchFileSnapshot('golden/internvl-14b.txt');
    const of = (name: string) => plan!.stages.find((stage) => stage.name === name)!.facts;
    const facts = (name: string) => Object.fromEntries(of(name).facts!);
    expect(facts('contrast')).toMatchObject({ parameters: '13,834,975,747', trained: '12,620,029,697' });
    expect(facts('generate')).toMatchObject({ parameters: '13,834,975,747', trained: '1,010,334,467' });
    // Four bytes for each parameter, and gradient and two moments for each that is trained.
    expect(of('contrast').memory).toBe(4 * 13_834_975_747 + 12 * 12_620_029_697);
    expect(of('score').memory).toBe(4 * 13_834_975_747);
  });

  it('is refused where it does not fit into memory', async () => {
    const { printed } = await planText(changed('memory: 300GB', 'memory: 64GB'));
    expect(printed).toMatch(/memory: the stage contrast keeps 207 GB \(the stage itself 207 GB\), and memory is 64 GB/);
  });
});

describe('hand-overs', () => {
  it.each([
    [
      'mode g of a checkpoint that no generative stage trained',
      changed('checkpoint: generate', 'checkpoint: contrast'),
      /mode g needs what a generative stage trains, and the checkpoint of contrast comes from contrastive alone[\s\S]*init: contrast/,
    ],
    [
      'captions of a checkpoint that no generative stage trained',
      changed('checkpoint: generate, with: { mode: g }', 'checkpoint: contrast, with: { tasks: [captioning] }'),
      /captioning needs what a generative stage trains/,
    ],
    ['no task', changed('with: { mode: g }', 'with: { tasks: [] }'), /tasks is empty, so nothing would be scored/],
    [
      'zero-shot without a language',
      changed('with: { mode: g }', 'with: { languages: [] }'),
      /languages is empty, so nothing would be scored/,
    ],
    [
      'a checkpoint of another size',
      changed('    init: contrast\n', '    init: other\n').replace(
        '  generate:',
        '  other: { use: contrastive, from: tokens, init: contrast, with: { model: internvl-14b, steps: 1, warmup: 0, vision: { depth: 47 } } }\n  generate:',
      ),
      /checkpoint of contrast is of another size: vision_model\.encoder\.layers\.47\.ls1 is \[3200\] there and missing here/,
    ],
    [
      'tokens of another tokenizer of the same size',
      changed(
        '  score: { use: evaluation, from: tokens',
        '  others: { use: tokenization, from: pairs, with: { vocabulary: 49954 } }\n  score: { use: evaluation, from: others',
      ),
      /checkpoint of generate knows the tokens of tokens, those of others were made by others[\s\S]*give the stage others a `tokenizer: tokens`/,
    ],
    [
      'columns that are not there',
      changed('use: contrastive\n    from: tokens', 'use: contrastive\n    from: pairs'),
      /the stage contrast reads the column tokens, which is not there/,
    ],
    [
      'rows whose tokenizer is not known',
      changed('use: contrastive\n    from: tokens', 'use: contrastive\n    from: kept').replace(
        '  contrast:',
        '  kept: { use: filtering, from: tokens }\n  contrast:',
      ),
      /the stage knows no tokenizer[\s\S]*name the tokenization stage in `tokenizer`/,
    ],
    [
      'a model that is not there',
      changed('model: internvl-14b', 'model: internvl-14B'),
      /internvl-14B[\s\S]*internvl-14b/,
    ],
    [
      'token ids over the text',
      changed('vocabulary: 49954', 'vocabulary: 49954, prompts: { caption: "summarize:" }'),
      /prompts would write token ids over the text column caption/,
    ],
    [
      'no prompts',
      changed('vocabulary: 49954', 'vocabulary: 49954, prompts: {}'),
      /prompts is empty, so no column of token ids would be written/,
    ],
    [
      'another number of trained parameters than is expected',
      changed('warmup: 5000', 'warmup: 5000, trainedParameters: 7'),
      /\d+ values in \d+ parameters are trained[\s\S]*expected: 7, as trainedParameters says/,
    ],
    [
      'a group that matches nothing',
      changed('warmup: 5000', "warmup: 5000, groups: [{ match: ['vision_modl.**'], learningRate: frozen }]"),
      /no parameter matches 'vision_modl\.\*\*'[\s\S]*the nearest of 1048 names: vision_model\./,
    ],
    [
      'a group that the groups before it leave nothing',
      changed(
        'warmup: 5000',
        "warmup: 5000, groups: [{ match: ['vision_model.**'], learningRate: 1 }, { match: ['vision_model.**.ls1'], learningRate: 2 }]",
      ),
      /the group vision_model\.\*\*\.ls1 has no parameter: all that it matches are in groups before it/,
    ],
    [
      'contrastive training of what only the generative losses reach',
      changed('warmup: 5000', "warmup: 5000, groups: [{ match: ['**.bias'], learningRate: 1 }]"),
      /the loss does not depend on \d+ trained parameters, the first of them clip_projector2\.norm1_q\.bias/,
    ],
    [
      'generative training of what only the contrastive loss reaches',
      changed(
        "train: [query_tokens, 'qllama.model.layers.*.cross_attn.**', 'clip_projector2.**', 'itm_head.**', logit_scale]",
        "train: ['**']",
      ),
      /the loss does not depend on 14 trained parameters, the first of them clip_projector\./,
    ],
    [
      'a warm-up that is as long as the run',
      changed('warmup: 5000', 'warmup: 175000'),
      /a warm-up of 175000 steps in a run of 175000[\s\S]*set `warmup` to 174999 at most/,
    ],
    [
      'such a warm-up of a group',
      changed('warmup: 5000', 'warmup: 5000, groups: [{ match: [logit_scale], learningRate: 1, warmup: 200000 }]'),
      /a warm-up of 200000 steps in a run of 175000/,
    ],
    [
      'Nesterov without momentum',
      changed('warmup: 5000', 'warmup: 5000, optimiser: { name: sgd, momentum: 0, nesterov: true }'),
      /sgd with nesterov: true has a momentum of 0[\s\S]*raise `momentum`/,
    ],
    [
      'such an optimiser of a group',
      changed(
        'warmup: 2000',
        'warmup: 2000, groups: [{ match: [logit_scale], learningRate: 1, optimiser: { name: sgd, momentum: 0, nesterov: true } }]',
      ),
      /sgd with nesterov: true has a momentum of 0/,
    ],
    [
      'an epsilon of 0',
      changed('warmup: 5000', 'warmup: 5000, optimiser: { name: adamw, epsilon: 0 }'),
      /option optimiser\.epsilon is 0[\s\S]*more than 0/,
    ],
    [
      'an epsilon of 0 beside Muon',
      changed('warmup: 5000', 'warmup: 5000, optimiser: { name: muon, epsilon: 0 }'),
      /option optimiser\.epsilon is 0/,
    ],
    ['half a step', changed('steps: 175000', 'steps: 175000.5'), /steps/],
  ])('refuse %s', async (_what, text, message) => {
    const { plan, printed } = await planText(text);
    expect(plan).toBeUndefined();
    expect(printed).toMatch(message);
  });

  it('accept a group that leaves nothing to a group of the stage', async () => {
    const own = changed('warmup: 5000', 'warmup: 5000, groups: [{ match: [logit_scale], learningRate: frozen }]');
    expect((await planText(own)).printed).toBe('0 problems\n');
  });

  it('accept a copy of the tokenizer', async () => {
    const copied = changed(
      '  score: { use: evaluation, from: tokens',
      '  others: { use: tokenization, from: pairs, tokenizer: tokens }\n  score: { use: evaluation, from: others',
    );
    expect((await planText(copied)).printed).toBe('0 problems\n');
  });
});

it('the contrastive stage decays matrices alone, and freezes what its loss does not reach', () => {
  const shapes = Object.fromEntries(parameterShapes(modelConfig('tiny')));
  const groups = contrastiveGroups({ learningRate: { vision: 3, text: 2, scale: 1 }, weightDecay: 0.1 });
  const trained = new Map(trainedParameters(groups, shapes).map((parameter) => [parameter.name, parameter]));
  const settings = (name: string) => {
    const found = trained.get(name);
    return found && [groups[found.group]!.learningRate, found.weightDecay];
  };
  expect(settings('vision_model.encoder.layers.0.attn.qkv.weight')).toEqual([3, 0.1]);
  expect(settings('vision_model.embeddings.patch_embedding.weight')).toEqual([3, 0.1]);
  expect(settings('vision_model.embeddings.patch_embedding.bias')).toEqual([3, 0]);
  expect(settings('vision_model.embeddings.position_embedding')).toEqual([3, 0]);
  expect(settings('vision_model.embeddings.class_embedding')).toEqual([3, 0]);
  expect(settings('vision_model.encoder.layers.0.ls1')).toEqual([3, 0]);
  expect(settings('clip_projector.cross_attn.q_bias')).toEqual([3, 0]);
  expect(settings('clip_projector.cross_attn.proj.weight')).toEqual([3, 0.1]);
  expect(settings('qllama.model.embed_tokens.weight')).toEqual([2, 0.1]);
  expect(settings('qllama.model.norm.weight')).toEqual([2, 0]);
  expect(settings('text_projection')).toEqual([2, 0.1]);
  expect(settings('logit_scale')).toEqual([1, 0]);
  const frozen = Object.keys(shapes).filter((name) => !trained.has(name));
  expect([
    ...new Set(
      frozen.map((name) =>
        name
          .replace(/layers\.\d+/, 'layers.N')
          .split('.')
          .slice(0, 5)
          .join('.'),
      ),
    ),
  ]).toEqual([
    'qllama.model.layers.N.cross_attn',
    'qllama.lm_head.weight',
    'query_tokens',
    ...['norm1_q', 'norm1_k', 'norm1_v'].flatMap((norm) => [
      `clip_projector2.${norm}.weight`,
      `clip_projector2.${norm}.bias`,
    ]),
    ...['q', 'k', 'v'].flatMap((part) => [
      `clip_projector2.cross_attn.${part}.weight`,
      `clip_projector2.cross_attn.${part}_bias`,
    ]),
    'clip_projector2.cross_attn.proj.weight',
    'clip_projector2.cross_attn.proj.bias',
    'itm_head.weight',
    'itm_head.bias',
  ]);
});

it('groups of the manifest go before those of the stage, and have what is left out from it', () => {
  const config = {
    ...contrastive.defaults,
    steps: 1000,
    learningRate: { vision: 3, text: 2, scale: 1 },
    layerDecay: { vision: 0.5, text: 1 },
    groups: [
      { match: ['**.bias'], learningRate: 0.1, schedule: { shape: 'constant' } },
      { match: ['vision_model.**'], learningRate: 4, optimiser: { name: 'adamw', epsilon: 1e-6 } },
    ],
  } as unknown as Contrastive;
  const recipe = recipeOf(config, contrastiveGroups(config), { beta2: 0.95, warmup: 100 });
  expect(recipe.groups.slice(0, 2)).toEqual([
    { match: ['**.bias'], learningRate: 0.1, weightDecay: 0.1, decay: { shape: 'constant' } },
    {
      match: ['vision_model.**'],
      learningRate: 4,
      weightDecay: 0.1,
      optimiser: { name: 'adamw', beta2: 0.95, epsilon: 1e-6 },
    },
  ]);
  expect(recipe.optimiser).toEqual({ name: 'adamw', beta2: 0.95 });
  expect(recipe.warmup).toBe(100);
  const short = recipeOf({ ...config, steps: 60 }, contrastiveGroups(config), { beta2: 0.95, warmup: 100 });
  expect(short.warmup).toBe(59);
  const shapes = Object.fromEntries(parameterShapes(modelConfig('tiny')));
  const trained = trainedParameters(recipe.groups, shapes, recipe.layerDecay);
  const of = (name: string) => trained.find((parameter) => parameter.name === name);
  expect(of('vision_model.encoder.layers.3.attn.qkv.weight')).toMatchObject({ group: 1, rateFactor: 0.5 });
  expect(of('vision_model.encoder.layers.3.attn.proj.bias')).toMatchObject({
    group: 0,
    weightDecay: 0,
    rateFactor: 0.5,
  });
  expect(ratesOf(recipe).feeds(999, 1)).toMatchObject({ 'learning_rate.0': 0.1, 'optimiser.1.second': 1 - 0.95 });
});

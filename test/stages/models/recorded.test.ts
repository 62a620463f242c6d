import * as tf from '@tensorflow/tfjs-core';
import { afterEach, expect, it, vi } from 'vitest';
import { compiledProgram } from '../../../stages/backend/graph/compiled.js';
import type { Step, StepMemory } from '../../../stages/backend/program.js';
import { startBackend } from '../../../stages/backend/start.js';
import { contrastiveLoss } from '../../../stages/losses/contrastive.js';
import { generativeForward } from '../../../stages/models/generative.js';
import { encodeImage, encodeText } from '../../../stages/models/internvl.js';
import { withCheckpoints } from '../../../stages/models/ops/checkpoint.js';
import { type Precision, withPrecision } from '../../../stages/models/ops/precision.js';
import type { Parameters } from '../../../stages/models/parameters.js';
import { generativeLosses } from './generative-losses.js';
import { config, distance, groupOf, imageHidden } from './reference.js';

/** A step that gives the loss and some gradients, and moves one variable as it is told. */
function stepOf(names: readonly string[], lossOf: (parameters: Parameters, feeds: Parameters) => tf.Tensor): Step {
  return (variables, feeds) => {
    const { value, grads } = tf.valueAndGrads((...values: tf.Tensor[]) => {
      const changed = Object.fromEntries(names.map((name, i) => [name, values[i]!]));
      return lossOf({ ...variables, ...changed }, feeds) as tf.Scalar;
    })(names.map((name) => variables[name]!));
    return {
      outputs: { loss: value, ...Object.fromEntries(names.map((name, i) => [name, grads[i]!])) },
      updates: { logit_scale: tf.add(variables.logit_scale!, feeds.shift!) },
    };
  };
}

const steps = {
  contrastive: (parameters: Parameters, feeds: Parameters) => {
    const vision = { images: feeds.images!, keep: feeds.keep!, dropPath: feeds.dropPath! };
    const text = { tokens: feeds['contrastive/tokens']!, ends: feeds['contrastive/ends']! };
    const image = encodeImage(parameters, config, vision);
    return contrastiveLoss(image, encodeText(parameters, config, text), parameters.logit_scale!);
  },
  generative: (parameters: Parameters, feeds: Parameters) => {
    const textsOf = (view: string) => ({ tokens: feeds[`${view}/tokens`]!, ends: feeds[`${view}/ends`]! });
    const outputs = generativeForward(parameters, config, {
      image: feeds.image!,
      batch: 5,
      itm: textsOf('itm'),
      itc: textsOf('itc'),
      itg: textsOf('itg'),
    });
    const targets = {
      itmLabels: feeds['itm/labels']!,
      itmWeights: feeds['itm/weights']!,
      itcWeights: feeds['itc/weights']!,
      itgLabels: tf.reshape(feeds['itg/labels']!, [-1]),
      itgWeights: tf.reshape(feeds['itg/weights']!, [-1]),
    };
    return generativeLosses(outputs, targets, parameters.logit_scale!).loss;
  },
};

const kinds = Object.keys(steps) as (keyof typeof steps)[];
afterEach(() => vi.unstubAllEnvs());

it.each(kinds)('the %s step can be recorded and replayed', async (kind) => {
  await expectReference(kind, false);
});

it.each(kinds)('the %s step with checkpointed layers has the same gradients, in less memory', async (kind) => {
  const [all, less] = [await expectReference(kind, false), await expectReference(kind, true)];
  if (all !== undefined) expect(less!.peak).toBeLessThan(0.9 * all.peak);
  vi.stubEnv('ALIGNFLOW_COMPILE', '0');
  await expectReference(kind, true);
});

it.each(kinds)('the %s step in bfloat16 is recorded too, and near the reference', async (kind) => {
  await expectReference(kind, false, 'bf16');
  await expectReference(kind, true, 'bf16');
});

/** Expects the gradients of the reference, in the first run and later ones; the memory of the step where it is recorded. */
async function expectReference(
  kind: keyof typeof steps,
  checkpoints: boolean,
  precision: Precision = 'fp32',
): Promise<StepMemory | undefined> {
  const { kind: backend } = await startBackend();
  const compiles = backend === 'tensorflow' && process.env.ALIGNFLOW_COMPILE !== '0';
  tf.engine().startScope();
  const expected = groupOf(`gradients/${kind}`);
  const feeds: Parameters = { ...groupOf('inputs'), image: imageHidden() };
  const step = stepOf(Object.keys(expected), steps[kind]);
  const program = compiledProgram(
    (...given) => withPrecision(precision, () => withCheckpoints(checkpoints, () => step(...given))),
    groupOf('weights'),
  );
  try {
    const [first, moved, back] = [1, -1, 0].map((by) => program.run({ ...feeds, shift: tf.scalar(by) }));
    expect(program.mode).toBe(compiles ? 'compiled' : 'eager');
    for (const outputs of [first!, back!]) {
      const far = Object.keys(expected).filter(
        (name) => distance(outputs[name]!, `gradients/${kind}/${name}`) > (precision === 'fp32' ? 2e-5 : 0.1),
      );
      expect(far).toEqual([]);
    }
    expect(moved!.loss!.dataSync()[0]).not.toBeCloseTo(first!.loss!.dataSync()[0]!, 3);
    return program.memory;
  } finally {
    program.dispose();
    tf.engine().endScope();
  }
}

import * as tf from '@tensorflow/tfjs-core';
import { AlignflowError } from '../../../pipeline/errors.js';
import type { Addon, Attribute, TensorflowBackend, TensorMetadata } from '../addon.js';
import { dataTypes, typeAttribute } from '../native.js';
import { standIn } from '../stand-in.js';
import { openShapes } from './shapes.js';

/** A value that was made in JavaScript while the step ran. */
export interface RecordedConstant {
  readonly kind: 'constant';
  readonly id: number;
  readonly shape: readonly number[];
  readonly dtype: number;
  /** Little-endian elements. */
  readonly bytes: Uint8Array;
}

/** An op that the step ran. */
export interface RecordedOp {
  readonly kind: 'op';
  readonly name: string;
  readonly attributes: readonly Attribute[];
  readonly inputs: readonly number[];
  readonly outputs: readonly TensorMetadata[];
}

/** Everything that a step did, in order. */
export type Recording = readonly (RecordedConstant | RecordedOp)[];

/** A step that cannot become a graph. Its message says why; the step can still run op by op. */
export class UnrecordableError extends AlignflowError {
  override readonly name = 'UnrecordableError';
}

/** More than this in constants, and they should have been feeds or variables. */
const largestConstants = 64 * 2 ** 20;

/** Constants of more bytes with one value throughout (tfjs's gradients of sums make such) are filled by the graph. */
const FILLED = 64 * 2 ** 10;

/**
 * Runs `step` and records what reaches the addon: ops, and tensors made from values. Nothing is computed: what an op gives is stood for by
 * its shape and type (`shapes.ts`), so that a recording takes neither the time nor the memory of a step. `known` are the tensors
 * that the step may use from outside. What a graph cannot do (reading values, tensors from elsewhere, text, constants beyond
 * 64 MB) ends in an `UnrecordableError`, but not before the step has come to its end: broken off in the middle of a gradient, it
 * would leave tensors behind.
 */
export function record<Result>(
  backend: TensorflowBackend,
  known: readonly TensorMetadata[],
  step: () => Result,
): { recording: Recording; result: Result } {
  const addon = backend.binding;
  const recording: (RecordedConstant | RecordedOp)[] = [];
  const shapes = openShapes(addon, known);
  let constants = 0;
  let obstacle: string | undefined;

  const executeOp: Addon['executeOp'] = (name, attributes, inputs, count) => {
    if (inputs.some((id) => !shapes.has(id))) {
      obstacle ??= `${name} uses a tensor that is no variable, no feed and not made in the step`;
    }
    const outputs = shapes.outputsOf(name, attributes, inputs, count);
    recording.push({ kind: 'op', name, attributes, inputs: [...inputs], outputs });
    return outputs;
  };
  const createTensor: Addon['createTensor'] = (shape, dtype, values) => {
    if (isOfOneValue(values)) {
      const dims = createTensor([shape.length], dataTypes.int32, Int32Array.from(shape));
      const value = createTensor([], dtype, values.subarray(0, 1));
      const attributes = [{ ...typeAttribute('T', 'float32'), value: dtype }, typeAttribute('index_type', 'int32')];
      return executeOp('Fill', attributes, [dims, value], 1)[0]!.id;
    }
    const id = addon.createTensor(shape, dtype, values);
    if (!ArrayBuffer.isView(values) || dtype === dataTypes.string) {
      obstacle ??= 'the step makes a tensor of text';
      return id;
    }
    const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength).slice();
    constants += bytes.length;
    if (constants > largestConstants) obstacle ??= 'the step makes more than 64 MB of constants; make them feeds';
    recording.push({ kind: 'constant', id, shape: [...shape], dtype, bytes });
    shapes.add({ id, shape: [...shape], dtype }, bytes);
    return id;
  };
  const recorder = standIn(addon, {
    createTensor,
    executeOp,
    deleteTensor(id) {
      if (!shapes.isStandIn(id)) addon.deleteTensor(id);
    },
    tensorDataSync(id) {
      obstacle ??= 'the step reads the values of a tensor';
      return shapes.withReal([id], ([real]) => addon.tensorDataSync(real!));
    },
    runSavedModel(session, inputs, ...names) {
      obstacle ??= 'the step runs another program';
      return shapes.withReal(inputs, (real) => addon.runSavedModel(session, real, ...names));
    },
  });

  backend.binding = recorder;
  const engine = tf.engine();
  engine.startScope();
  try {
    const result = step();
    if (obstacle !== undefined) throw new UnrecordableError({ what: obstacle });
    return { result, recording };
  } finally {
    // Before the addon is back, which knows no stand-ins.
    engine.endScope();
    backend.binding = addon;
    shapes.close();
  }
}

function isOfOneValue(values: unknown): values is Float32Array | Int32Array {
  if (!(values instanceof Float32Array || values instanceof Int32Array) || values.byteLength <= FILLED) return false;
  const [first] = values;
  return values.every((value) => Object.is(value, first));
}

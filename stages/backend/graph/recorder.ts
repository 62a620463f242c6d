import { AlignflowError } from '../../../pipeline/errors.js';
import type { Addon, Attribute, TensorflowBackend, TensorMetadata } from '../addon.js';
import { dataTypes } from '../native.js';

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

/**
 * Runs `step` and records what reaches the addon: ops, and tensors made from values. `known` are the tensors that the
 * step may use from outside. Throws an `UnrecordableError` for what a graph cannot do: reading values, tensors from
 * elsewhere, text, and constants beyond 64 MB.
 */
export function record<Result>(
  backend: TensorflowBackend,
  known: readonly TensorMetadata[],
  step: () => Result,
): { recording: Recording; result: Result } {
  const addon = backend.binding;
  const recording: (RecordedConstant | RecordedOp)[] = [];
  const ids = new Set(known.map(({ id }) => id));
  let constants = 0;

  const recorder = standIn(addon, {
    createTensor(shape, dtype, values) {
      if (!ArrayBuffer.isView(values) || dtype === dataTypes.string)
        throw unrecordable('the step makes a tensor of text');
      const id = addon.createTensor(shape, dtype, values);
      const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength).slice();
      constants += bytes.length;
      if (constants > largestConstants)
        throw unrecordable('the step makes more than 64 MB of constants; make them feeds');
      recording.push({ kind: 'constant', id, shape: [...shape], dtype, bytes });
      ids.add(id);
      return id;
    },
    executeOp(name, attributes, inputs, count) {
      if (inputs.some((id) => !ids.has(id))) {
        throw unrecordable(`${name} uses a tensor that is no variable, no feed and not made in the step`);
      }
      const outputs = addon.executeOp(name, attributes, inputs, count);
      recording.push({ kind: 'op', name, attributes, inputs: [...inputs], outputs });
      for (const { id } of outputs) ids.add(id);
      return outputs;
    },
    tensorDataSync() {
      throw unrecordable('the step reads the values of a tensor');
    },
    runSavedModel() {
      throw unrecordable('the step runs another program');
    },
  });

  backend.binding = recorder;
  try {
    return { result: step(), recording };
  } finally {
    backend.binding = addon;
  }
}

/** The addon with some functions replaced. Its exports are read-only, so a plain object stands before them. */
function standIn(addon: Addon, replaced: Partial<Addon>): Addon {
  const copy: Record<string, unknown> = {};
  for (const key of Object.getOwnPropertyNames(addon)) copy[key] = Reflect.get(addon, key);
  return { ...(copy as unknown as Addon), ...replaced };
}

function unrecordable(what: string): UnrecordableError {
  return new UnrecordableError({ what });
}

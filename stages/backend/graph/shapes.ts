/** Shapes and types of what ops would give, without computing it for every op of a step. */
import { AlignflowError, reasonOf } from '../../../pipeline/errors.js';
import type { Addon, Attribute, TensorMetadata } from '../addon.js';
import { memoryForTensors } from '../machine-memory.js';
import { boolAttribute, bytesOf, dataTypes, typeAttribute } from '../native.js';

/** Tensors of a recording, most of which are stand-ins: an id below 0, a shape, a type, and no values. */
export interface Shapes {
  /** Adds a tensor that is there, with its bytes where a shape may depend on them (axes, sizes). */
  add(tensor: TensorMetadata, bytes?: Uint8Array): void;
  has(id: number): boolean;
  isStandIn(id: number): boolean;
  /** Stand-ins for what an op gives. Throws TensorFlow's message where the op does not take these inputs. */
  outputsOf(op: string, attributes: readonly Attribute[], inputs: readonly number[], count: number): TensorMetadata[];
  /** Calls the addon with tensors that are there: zeros for stand-ins. */
  withReal<Result>(ids: readonly number[], call: (ids: readonly number[]) => Result): Result;
  /** Frees what was made. */
  close(): void;
}

/** Bytes of a constant whose values shapes may depend on, as far as equal ones are worth finding: axes, sizes, permutations. */
const LARGEST_KEY = 256;

/** What an op gives, and one of its inputs once more, have to fit beside its inputs. */
const SHARE_OF_INPUTS = 3;

/**
 * Opens the tensors of a recording. TensorFlow itself says what an op gives: it runs on zeros, once for each different set of op,
 * attributes and input shapes, which a model of equal layers has few of, and what it gave is freed at once.
 *
 * An op whose tensors do not fit the memory by far is an `AlignflowError`.
 *
 * @param known tensors from outside
 * @param limit most bytes that an op may be given
 */
export function openShapes(
  addon: Addon,
  known: readonly TensorMetadata[],
  limit = memoryForTensors() / SHARE_OF_INPUTS,
): Shapes {
  const tensors = new Map<number, { readonly tensor: TensorMetadata; readonly key: string }>();
  const seen = new Map<string, readonly Omit<TensorMetadata, 'id'>[]>();
  const scalars = new Map<number, number>();
  let next = -1;

  const add = (tensor: TensorMetadata, bytes?: Uint8Array): void => {
    const { shape, dtype } = tensor;
    const values =
      bytes === undefined ? '' : bytes.length > LARGEST_KEY ? `#${tensor.id}` : Buffer.from(bytes).toString('hex');
    tensors.set(tensor.id, { tensor, key: `${dtype}[${shape.join()}]${values}` });
  };
  for (const tensor of known) add(tensor);

  /** A zero of a type; the addon makes tensors of the types that JavaScript has, and the rest by casting. */
  const zeroOf = (dtype: number): number => {
    let zero = scalars.get(dtype);
    if (zero === undefined) {
      if (!scalars.has(dataTypes.float32))
        scalars.set(dataTypes.float32, addon.createTensor([], dataTypes.float32, new Float32Array(1)));
      zero = scalars.get(dtype) ?? cast(addon, scalars.get(dataTypes.float32)!, dtype);
      scalars.set(dtype, zero);
    }
    return zero;
  };
  const zeros = ({ shape, dtype }: TensorMetadata): number => {
    const dims = addon.createTensor([shape.length], dataTypes.int32, Int32Array.from(shape));
    const attributes = [{ ...typeAttribute('T', 'float32'), value: dtype }, typeAttribute('index_type', 'int32')];
    try {
      return addon.executeOp('Fill', attributes, [dims, zeroOf(dtype)], 1)[0]!.id;
    } finally {
      addon.deleteTensor(dims);
    }
  };
  const withReal = <Result>(ids: readonly number[], call: (ids: readonly number[]) => Result): Result => {
    const made: number[] = [];
    try {
      const real = ids.map((id) => {
        if (id >= 0) return id;
        made.push(zeros(tensors.get(id)!.tensor));
        return made.at(-1)!;
      });
      return call(real);
    } finally {
      for (const id of made) addon.deleteTensor(id);
    }
  };

  const give = (op: string, inputs: readonly number[], call: (ids: readonly number[]) => TensorMetadata[]) => {
    const given = inputs.flatMap((id) => (id < 0 ? [tensors.get(id)!.tensor] : []));
    if (given.reduce((sum, tensor) => sum + bytesOf(tensor), 0) > limit) throw tooLarge(op, given);
    try {
      return withReal(inputs, call);
    } catch (error) {
      throw reasonOf(error).includes('OOM when allocating') ? tooLarge(op, given) : error;
    }
  };

  return {
    add,
    has: (id) => tensors.has(id),
    isStandIn: (id) => id < 0,
    outputsOf(op, attributes, inputs, count) {
      const key = JSON.stringify([op, attributes, count, inputs.map((id) => tensors.get(id)?.key ?? `unknown ${id}`)]);
      let given = seen.get(key);
      if (given === undefined) {
        const outputs = give(op, inputs, (real) => addon.executeOp(op, attributes, real, count));
        for (const { id } of outputs) addon.deleteTensor(id);
        given = outputs.map(({ shape, dtype }) => ({ shape, dtype }));
        seen.set(key, given);
      }
      return given.map(({ shape, dtype }) => {
        const tensor = { id: next--, shape: [...shape], dtype };
        add(tensor);
        return tensor;
      });
    },
    withReal,
    close() {
      for (const zero of scalars.values()) addon.deleteTensor(zero);
    },
  };
}

function tooLarge(op: string, given: readonly TensorMetadata[]): AlignflowError {
  const shapes = given.map(({ shape }) => `[${shape.join(', ')}]`).join(' and ');
  return new AlignflowError({
    what: `a step does not fit the memory by far: ${op} of ${shapes}`,
    expected: 'a batch, and a model, that this machine can hold',
    fix: 'take fewer rows in order/batch, or a smaller model',
  });
}

function cast(addon: Addon, id: number, dtype: number): number {
  const attributes = [
    typeAttribute('SrcT', 'float32'),
    { ...typeAttribute('DstT', 'float32'), value: dtype },
    boolAttribute('Truncate', false),
  ];
  return addon.executeOp('Cast', attributes, [id], 1)[0]!.id;
}

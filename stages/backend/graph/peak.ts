import { bytesOf } from '../native.js';
import type { StepMemory } from '../program.js';
import type { RecordedStep } from './definition.js';
import type { RecordedOp } from './recorder.js';

/** Ops whose result is the memory of their first input. */
const views = new Set(['Reshape', 'Identity', 'ExpandDims', 'Squeeze', 'AlignflowAfter']);

/** Ops that write their result over an input of its size which nobody reads any more. */
const inPlace = new Set(
  'Add AddV2 Sub Mul MulNoNan RealDiv Maximum Minimum BiasAdd Neg Exp Log Sqrt Rsqrt Square Erf Sigmoid Tanh Sign AddN AlignflowAdd AlignflowGeluGradient AlignflowResidual'.split(
    ' ',
  ),
);

/**
 * How much memory a recorded step needs when its ops run in the order in which they were recorded: each tensor from the op that makes
 * it to the last one that reads it. Equal ops count once, as TensorFlow's graph optimiser makes one of them.
 */
export function stepMemory({ recording, variables, feeds, outputs, updates }: RecordedStep): StepMemory {
  const memory = createMemory();
  const constants = recording.filter((entry) => entry.kind === 'constant');
  for (const { id } of variables) memory.add(id, 0);
  for (const feed of feeds) memory.add(feed.id, bytesOf(feed));
  for (const { id, bytes } of constants) memory.add(id, bytes.length);
  const ops = distinct(
    recording.filter((entry) => entry.kind === 'op'),
    memory.sameAs,
  );
  const last = new Map<number, number>();
  ops.forEach((op, i) => {
    if (views.has(op.name)) memory.sameAs(op.outputs[0]!.id, op.inputs[0]!);
    for (const id of op.inputs) last.set(memory.of(id), i);
  });
  // What is there all the time, or given out at the end.
  const fixed = new Set([...variables, ...feeds, ...constants].map(({ id }) => id));
  for (const id of outputs) fixed.add(memory.of(id));
  const updated = new Set(updates.map(({ id }) => memory.of(id)));

  ops.forEach((op, i) => {
    const ends = [...new Set(op.inputs.map(memory.of))].filter((id) => last.get(id) === i && !fixed.has(id));
    const made = views.has(op.name) ? [] : op.outputs;
    const size = made.length === 0 ? 0 : bytesOf(made[0]!);
    const over = inPlace.has(op.name) ? ends.find((id) => size > 0 && memory.bytes(id) === size) : undefined;
    if (over !== undefined) memory.free(over);
    for (const tensor of made) memory.add(memory.of(tensor.id), bytesOf(tensor));
    for (const id of ends) memory.free(id);
    for (const tensor of made) {
      const id = memory.of(tensor.id);
      // The new value of a variable takes the place of the old one; what nobody reads is gone at once.
      if (!fixed.has(id) && (updated.has(id) || !last.has(id))) memory.free(id);
    }
  });
  return { variables: variables.reduce((sum, tensor) => sum + bytesOf(tensor), 0), peak: memory.peak() };
}

/** The largest of what steps over the same variables need; undefined for none. */
export function largestOf(steps: readonly StepMemory[]): StepMemory | undefined {
  return steps.reduce<StepMemory | undefined>(
    (most, one) => (most === undefined || one.peak > most.peak ? one : most),
    undefined,
  );
}

/** Ops without those that are equal to an earlier one, whose results are then the earlier one's. */
function distinct(ops: readonly RecordedOp[], sameAs: (id: number, other: number) => void): RecordedOp[] {
  const seen = new Map<string, RecordedOp>();
  const canonical = new Map<number, number>();
  return ops.filter((op) => {
    const inputs = op.inputs.map((id) => canonical.get(id) ?? id);
    const key = JSON.stringify([op.name, op.attributes, inputs]);
    const earlier = seen.get(key);
    if (earlier === undefined) {
      seen.set(key, op);
      return true;
    }
    op.outputs.forEach(({ id }, k) => {
      canonical.set(id, earlier.outputs[k]!.id);
      sameAs(id, earlier.outputs[k]!.id);
    });
    return false;
  });
}

/** Which memory each tensor is in, and how much there is of it. */
function createMemory() {
  const aliases = new Map<number, number>();
  const sizes = new Map<number, number>();
  let now = 0;
  let most = 0;
  const of = (id: number): number => {
    const other = aliases.get(id);
    return other === undefined ? id : of(other);
  };
  return {
    of,
    sameAs(id: number, other: number) {
      const place = of(other);
      if (place !== id) aliases.set(id, place);
    },
    bytes: (id: number) => sizes.get(id) ?? 0,
    add(id: number, bytes: number) {
      if (sizes.has(id)) return;
      sizes.set(id, bytes);
      now += bytes;
      most = Math.max(most, now);
    },
    free(id: number) {
      now -= sizes.get(id) ?? 0;
      sizes.delete(id);
    },
    peak: () => most,
  };
}

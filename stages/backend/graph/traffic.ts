import { bytesOf } from '../native.js';
import type { RecordedStep } from './definition.js';
import type { RecordedOp } from './recorder.js';

/** What happens to the memory of a step's tensors: one is made, is gone, or becomes a variable, whose old value is gone. */
export type Traffic =
  | { readonly kind: 'made'; readonly id: number; readonly bytes: number }
  | { readonly kind: 'gone'; readonly id: number }
  | { readonly kind: 'kept'; readonly id: number; readonly variable: number };

/** Ops whose result is the memory of their first input. */
const views = new Set(['Reshape', 'Identity', 'ExpandDims', 'Squeeze', 'AlignflowAfter']);

/** Ops that write their result over an input of its size which nobody reads any more. */
const inPlace = new Set(
  'Add AddV2 Sub Mul MulNoNan RealDiv Maximum Minimum BiasAdd Neg Exp Log Sqrt Rsqrt Square Erf Sigmoid Tanh Sign AddN AlignflowAdd AlignflowGeluGradient AlignflowResidual'.split(
    ' ',
  ),
);

/**
 * The tensors of a recorded step as they come and go when its ops run in the order in which they were recorded: each is there from
 * the op that makes it to the last one that reads it. Equal ops count once, as TensorFlow's graph optimiser makes one of them.
 * Feeds, constants and outputs are there to the end.
 */
export function trafficOf({ recording, variables, feeds, outputs, updates }: RecordedStep): Traffic[] {
  const traffic: Traffic[] = [];
  const places = createPlaces();
  /** Of the tensors that are there. Variables are there already, and count for nothing. */
  const sizes = new Map(variables.map(({ id }) => [id, 0]));
  const make = (id: number, bytes: number) => {
    if (sizes.has(id)) return;
    sizes.set(id, bytes);
    traffic.push({ kind: 'made', id, bytes });
  };
  const lose = (id: number) => {
    if (sizes.delete(id)) traffic.push({ kind: 'gone', id });
  };

  const constants = recording.filter((entry) => entry.kind === 'constant');
  for (const feed of feeds) make(feed.id, bytesOf(feed));
  for (const { id, bytes } of constants) make(id, bytes.length);
  const ops = distinct(
    recording.filter((entry) => entry.kind === 'op'),
    places.join,
  );
  const last = new Map<number, number>();
  ops.forEach((op, i) => {
    if (views.has(op.name)) places.join(op.outputs[0]!.id, op.inputs[0]!);
    for (const id of op.inputs) last.set(places.of(id), i);
  });
  const fixed = new Set([...variables, ...feeds, ...constants].map(({ id }) => id));
  for (const id of outputs) fixed.add(places.of(id));
  const updated = new Map(updates.map(({ id, variable }) => [places.of(id), variable]));

  ops.forEach((op, i) => {
    const ends = [...new Set(op.inputs.map(places.of))].filter((id) => last.get(id) === i && !fixed.has(id));
    const made = views.has(op.name) ? [] : op.outputs;
    const size = made.length === 0 ? 0 : bytesOf(made[0]!);
    const over = inPlace.has(op.name) ? ends.find((id) => size > 0 && sizes.get(id) === size) : undefined;
    if (over !== undefined) lose(over);
    for (const tensor of made) make(places.of(tensor.id), bytesOf(tensor));
    for (const id of ends) lose(id);
    for (const tensor of made) {
      const id = places.of(tensor.id);
      if (fixed.has(id)) continue;
      const variable = updated.get(id);
      if (variable !== undefined && sizes.delete(id)) traffic.push({ kind: 'kept', id, variable });
      else if (!last.has(id)) lose(id); // Nobody reads it.
    }
  });
  return traffic;
}

/** Ops without those that are equal to an earlier one, whose results are then the earlier one's. */
function distinct(ops: readonly RecordedOp[], join: (id: number, other: number) => void): RecordedOp[] {
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
      join(id, earlier.outputs[k]!.id);
    });
    return false;
  });
}

/** Which tensors share their memory. */
function createPlaces() {
  const aliases = new Map<number, number>();
  const of = (id: number): number => {
    const other = aliases.get(id);
    return other === undefined ? id : of(other);
  };
  return {
    of,
    /** The first is in the memory of the second. */
    join(id: number, other: number): void {
      const place = of(other);
      if (place !== id) aliases.set(id, place);
    },
  };
}

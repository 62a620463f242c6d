import { bytesOf } from '../native.js';
import type { StepMemory } from '../program.js';
import { type Chunk, createAllocator } from './allocator.js';
import type { RecordedStep } from './definition.js';
import { type Traffic, trafficOf } from './traffic.js';

/**
 * How much memory recorded steps need that run in turn over the same variables, when their ops run in the order in which they were
 * recorded.
 */
export function stepMemory(steps: readonly [RecordedStep, ...RecordedStep[]]): StepMemory {
  const traffic = steps.map(trafficOf);
  const variables = steps[0].variables.map(bytesOf);
  return {
    variables: variables.reduce((sum, bytes) => sum + bytes, 0),
    peak: Math.max(...traffic.map(peakOf)),
    resident: residentOf(traffic, variables),
  };
}

/** The most bytes that tensors take at once. */
function peakOf(traffic: readonly Traffic[]): number {
  const sizes = new Map<number, number>();
  let now = 0;
  let most = 0;
  for (const event of traffic) {
    if (event.kind === 'made') {
      sizes.set(event.id, event.bytes);
      now += event.bytes;
      most = Math.max(most, now);
    } else now -= sizes.get(event.id)!;
  }
  return most;
}

/** Turns after which memory grows no more: the new values of variables have found their places. */
const TURNS = 3;

/** What the allocator touches for variables of these sizes and some turns of the steps. */
function residentOf(steps: readonly (readonly Traffic[])[], sizes: readonly number[]): number {
  const allocator = createAllocator();
  const variables = sizes.map((bytes) => allocator.take(bytes));
  for (const traffic of Array.from({ length: TURNS }, () => steps).flat()) {
    const chunks = new Map<number, Chunk | undefined>();
    for (const event of traffic) {
      if (event.kind === 'made') {
        chunks.set(event.id, allocator.take(event.bytes));
        continue;
      }
      const chunk = chunks.get(event.id);
      chunks.delete(event.id);
      if (event.kind === 'gone') allocator.give(chunk);
      else {
        allocator.give(variables[event.variable]);
        variables[event.variable] = chunk;
      }
    }
    for (const chunk of chunks.values()) allocator.give(chunk);
  }
  return allocator.touched();
}

/** The largest of what several steps need by themselves; undefined for none. */
export function largestOf(steps: readonly StepMemory[]): StepMemory | undefined {
  return steps.reduce<StepMemory | undefined>(
    (most, one) => (most === undefined || one.resident > most.resident ? one : most),
    undefined,
  );
}

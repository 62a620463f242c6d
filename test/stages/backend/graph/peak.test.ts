import { describe, expect, it } from 'vitest';
import type { RecordedStep } from '../../../../stages/backend/graph/definition.js';
import { largestOf, stepMemory } from '../../../../stages/backend/graph/peak.js';
import type { RecordedOp } from '../../../../stages/backend/graph/recorder.js';
import { bytesOf, dataTypes } from '../../../../stages/backend/native.js';

const tensor = (id: number, ...shape: number[]) => ({ id, shape, dtype: dataTypes.float32 as number });

const op = (name: string, inputs: number[], ...outputs: ReturnType<typeof tensor>[]): RecordedOp => ({
  kind: 'op',
  name,
  attributes: [],
  inputs,
  outputs,
});

/** A step fed tensor 0, 100 numbers: 400 bytes. */
const step = (more: Partial<RecordedStep>): RecordedStep => ({
  name: 'step',
  variables: [],
  feeds: [tensor(0, 100)],
  outputs: [],
  updates: [],
  recording: [],
  ...more,
});

describe('stepMemory', () => {
  it('holds a tensor from the op that makes it to the last one that reads it', () => {
    const recording = [
      op('Softmax', [0], tensor(1, 100)), // 400 beside the feed
      op('Sum', [1], tensor(2, 1)), // 1 ends
      op('Tile', [0], tensor(3, 200)),
      op('MatMul', [3, 2], tensor(4, 50)),
    ];
    // The feed, what the last product reads, and what it gives.
    expect(stepMemory([step({ recording, outputs: [4] })]).peak).toBe(400 + 800 + 4 + 200);
  });

  it('writes plain ops over what nobody reads any more, but not over feeds', () => {
    const recording = [
      op('Exp', [0], tensor(1, 100)),
      op('Square', [1], tensor(2, 100)),
      op('Neg', [2], tensor(3, 100)),
    ];
    expect(stepMemory([step({ recording, outputs: [3] })]).peak).toBe(400 + 400);
    const both = [op('Exp', [0], tensor(1, 100)), op('Square', [1], tensor(2, 100)), op('Mul', [1, 2], tensor(3, 100))];
    expect(stepMemory([step({ recording: both, outputs: [3] })]).peak).toBe(400 + 800);
  });

  it('counts views, equal ops and new values of variables for nothing', () => {
    const variables = [tensor(-1, 100)];
    const recording = [
      op('Cast', [-1], tensor(1, 100)),
      op('Reshape', [1], tensor(2, 10, 10)),
      op('Cast', [-1], tensor(3, 100)),
      op('MatMul', [2, 3], tensor(4, 10)),
      op('Sub', [-1, 4], tensor(5, 100)),
      op('Tile', [4], tensor(6, 25)),
    ];
    const { variables: held, peak } = stepMemory([
      step({ variables, recording, updates: [{ id: 5, variable: 0 }], outputs: [6] }),
    ]);
    expect(held).toBe(400);
    // The feed, the product and, for a moment, the new value.
    expect(peak).toBe(400 + 40 + 400);
  });

  it('tells what the allocator touches: new values beside the old ones, and what is between', () => {
    const mega = 2 ** 18; // Numbers of a MiB.
    const variables = [tensor(-1, mega), tensor(-2, mega)];
    const recording = [
      op('Tile', [-1], tensor(1, 2 * mega)),
      op('Sum', [1], tensor(2, mega)),
      op('Sub', [-2, 2], tensor(3, mega)),
    ];
    const { peak, resident } = stepMemory([step({ variables, recording, updates: [{ id: 3, variable: 1 }] })]);
    expect(peak).toBe(400 + 3 * 2 ** 20);
    // The variables and the three MiB of the sum.
    expect(resident).toBe(5 * 2 ** 20);
  });

  it('counts constants, and elements by their type', () => {
    const constant = {
      kind: 'constant',
      id: 7,
      shape: [3],
      dtype: dataTypes.int32,
      bytes: new Uint8Array(12),
    } as const;
    expect(stepMemory([step({ recording: [constant] })]).peak).toBe(412);
    expect(bytesOf({ shape: [2, 3], dtype: dataTypes.bfloat16 })).toBe(12);
    expect(bytesOf({ shape: [], dtype: dataTypes.uint8 })).toBe(1);
    expect(bytesOf({ shape: [5], dtype: dataTypes.string })).toBe(0);
  });
});

it('the largest of several steps is what counts', () => {
  const [small, large] = [3, 9].map((resident) => ({ variables: 1, peak: 1, resident }));
  expect(largestOf([small!, large!, small!])).toBe(large);
  expect(largestOf([])).toBeUndefined();
});

import * as tf from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { compiledProgram } from '../../../../stages/backend/graph/compiled.js';
import { eagerProgram, type Program, type Step } from '../../../../stages/backend/program.js';
import { startBackend } from '../../../../stages/backend/start.js';

await startBackend({ warn: () => {} });

function all(program: Program): number[] {
  const { all } = program.run({});
  const values = [...all!.dataSync()];
  all!.dispose();
  return values;
}

it.each([
  ['compiled', compiledProgram],
  ['eager', eagerProgram],
] as const)('makes a first value when its turn comes, and frees it (%s)', (_, make) => {
  const before = tf.memory().numTensors;
  const alive: number[] = [];
  const first = () => {
    alive.push(tf.memory().numTensors - before);
    return tf.tensor1d([alive.length]);
  };
  const step: Step = ({ a, b, c }) => ({ outputs: { all: tf.concat([a!, b!, c!]) }, updates: { a: b! } });
  const program = make(step, { a: first, b: first, c: first });
  // Of those before it there is one of each, the program's.
  expect(alive).toEqual([0, 1, 2]);
  expect(all(program)).toEqual([1, 2, 3]);
  expect(all(program)).toEqual([2, 2, 3]);
  program.dispose();
  expect(tf.memory().numTensors).toBe(before);
});

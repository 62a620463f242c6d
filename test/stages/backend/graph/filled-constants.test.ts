import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { compiledProgram } from '../../../../stages/backend/graph/compiled.js';
import { eagerProgram, type Step } from '../../../../stages/backend/program.js';
import { startBackend } from '../../../../stages/backend/start.js';

const started = await startBackend({ warn: () => {} });

describe.skipIf(started.kind !== 'tensorflow')('large constants of one value', () => {
  it('are filled in the graph, so that they may be as large as the batch', () => {
    const weight = tf.tensor1d([2, 3]);
    // The gradient of a mean is dy times ones of the shape of what was averaged: 96 MB, where 64 MB of constants are refused.
    const step: Step = ({ w }, { x }) => {
      const loss = (v: tf.Tensor) => tf.mean(tf.mul(tf.mean(tf.add(x!, tf.sum(v)), 1), 0.5)) as tf.Scalar;
      const { value, grads } = tf.valueAndGrads((v: tf.Tensor) => loss(v))([w!]);
      return { outputs: { value, gradient: grads[0]! }, updates: {} };
    };
    const x = tf.fill([24, 1_000_000], 0.25);
    const programs = [compiledProgram, eagerProgram].map((make) => make(step, { w: weight }));
    const values = programs.map((program) => {
      const outputs = program.run({ x });
      const numbers = [outputs.value!, outputs.gradient!].map((tensor) => [...tensor.dataSync()]);
      tf.dispose(outputs);
      return numbers;
    });
    expect(programs.map(({ mode }) => mode)).toEqual(['compiled', 'eager']);
    expect(values[0]!.flat().map((value) => value.toFixed(4))).toEqual(['2.6250', '0.5000', '0.5000']);
    expect(values[0]!.flat().map((value) => value.toFixed(4))).toEqual(
      values[1]!.flat().map((value) => value.toFixed(4)),
    );
    for (const program of programs) program.dispose();
    tf.dispose([weight, x]);
  });
});

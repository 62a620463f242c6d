import { describe, expect, it } from 'vitest';
import { chooseComputation, type Machinery } from '../../../stages/training/computation.js';

const here: Machinery = {
  backend: 'tensorflow',
  gpu: false,
  bfloat16IsFaster: true,
  ownKernels: true,
  whyEager: undefined,
};
const usual = { backend: 'tensorflow', mode: 'compiled', precision: 'bf16', ownKernels: true } as const;
const from = (changes: object) => ({ computation: { ...usual, ...changes }, file: 'step-00000005' });

describe('chooseComputation', () => {
  it('is what suits the process, or what is asked for', () => {
    expect(chooseComputation(undefined, here)).toMatchObject({ ...usual, whyEager: undefined });
    expect(chooseComputation('fp32', here)).toMatchObject({ precision: 'fp32', words: 'products in float32' });
    const eager = { ...here, whyEager: 'ALIGNFLOW_COMPILE=0 asks for it' };
    expect(chooseComputation(undefined, eager)).toMatchObject({ mode: 'eager', whyEager: eager.whyEager });
  });

  it('is that of the checkpoint where the process would choose another', () => {
    expect(chooseComputation(undefined, here, from({ precision: 'fp32' })).precision).toBe('fp32');
    expect(chooseComputation(undefined, { ...here, bfloat16IsFaster: false }, from({})).precision).toBe('bf16');
    expect(chooseComputation(undefined, here, from({ mode: 'eager' }))).toMatchObject({
      mode: 'eager',
      whyEager: 'as before the checkpoint',
    });
  });

  it.each([
    [
      'steps cannot be recorded',
      { whyEager: 'ALIGNFLOW_COMPILE=0 asks for it' },
      'tensorflow with our kernels, eager, in bf16',
    ],
    ['kernels are left out', { ownKernels: false }, 'tensorflow, compiled, in bf16'],
    ['the device is another', { gpu: true }, 'tensorflow on a GPU with our kernels, compiled, in bf16'],
    ['the backend is another', { backend: 'wasm', ownKernels: false, whyEager: 'no graphs' }, 'wasm, eager, in fp32'],
  ])('refuses to go on where %s', (_, change, words) => {
    expect(() => chooseComputation(undefined, { ...here, ...change } as Machinery, from({}))).toThrow(
      `step-00000005: the steps up to the checkpoint were computed by tensorflow with our kernels, compiled, in bf16, and here they would be by ${words}\n`,
    );
  });
});

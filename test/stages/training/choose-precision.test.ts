import { describe, expect, it } from 'vitest';
import { choosePrecision } from '../../../stages/training/choose-precision.js';

const with16 = { has: ['AVX-512 bf16'] };
const without = { has: ['AVX2'] };

describe('choosePrecision', () => {
  it.each([
    [undefined, 'tensorflow', with16, 'bf16', 'products in bfloat16'],
    [undefined, 'tensorflow', without, 'fp32', 'products in float32'],
    ['bf16', 'tensorflow', without, 'bf16', 'products in bfloat16'],
    ['fp32', 'tensorflow', with16, 'fp32', 'products in float32'],
    [undefined, 'wasm', with16, 'fp32', 'products in float32'],
    ['bf16', 'wasm', with16, 'fp32', 'products in float32: bf16 needs TensorFlow'],
  ] as const)('asked for %s on %s with %j: %s', (asked, backend, processor, precision, words) => {
    expect(choosePrecision(asked, backend, processor)).toEqual({ precision, words });
  });
});

import { describe, expect, it } from 'vitest';
import { choosePrecision } from '../../../stages/training/choose-precision.js';

describe('choosePrecision', () => {
  it.each([
    [undefined, 'tensorflow', true, 'bf16', 'products in bfloat16'],
    [undefined, 'tensorflow', false, 'fp32', 'products in float32'],
    ['bf16', 'tensorflow', false, 'bf16', 'products in bfloat16'],
    ['fp32', 'tensorflow', true, 'fp32', 'products in float32'],
    [undefined, 'wasm', true, 'fp32', 'products in float32'],
    ['bf16', 'wasm', true, 'fp32', 'products in float32: bf16 needs TensorFlow'],
  ] as const)('asked for %s on %s, where bf16 is faster: %s', (asked, backend, faster, precision, words) => {
    expect(choosePrecision(asked, backend, faster)).toEqual({ precision, words });
  });
});

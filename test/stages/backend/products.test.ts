import { afterEach, describe, expect, it, vi } from 'vitest';
import { thisProcessor } from '../../../stages/backend/processor.js';
import { chooseLibrary, fasterLibrary, libraryInUse, multipliesBfloat16 } from '../../../stages/backend/products.js';

afterEach(() => vi.unstubAllEnvs());

describe('the library of matrix products', () => {
  it.each([
    [['AVX2', 'FMA'], 'Eigen'],
    [['AVX2', 'FMA', 'AVX-512'], undefined],
    [['NEON', 'bf16'], undefined],
    [[], undefined],
  ])('is, with %j, %s', (has, expected) => {
    expect(fasterLibrary({ has })).toBe(expected);
  });

  it('is set for this processor', async () => {
    vi.stubEnv('TF_ENABLE_ONEDNN_OPTS', undefined);
    expect(libraryInUse()).toBeUndefined();
    await chooseLibrary();
    expect(libraryInUse()).toBe(fasterLibrary(await thisProcessor()));
  });

  it.each([
    ['0', 'Eigen'],
    ['1', 'oneDNN'],
  ])('is what the environment says: %s', async (set, expected) => {
    vi.stubEnv('TF_ENABLE_ONEDNN_OPTS', set);
    await chooseLibrary();
    expect(libraryInUse()).toBe(expected);
  });
});

describe('bfloat16', () => {
  it.each([
    [['AVX2', 'AVX-512', 'AVX-512 bf16'], true],
    [['AVX2', 'AVX-512', 'AMX bf16'], true],
    [['NEON', 'bf16'], true],
    [['AVX2', 'AVX-512', 'AVX-512 VNNI'], false],
    [[], false],
  ])('is multiplied by a processor with %j: %s', (has, expected) => {
    expect(multipliesBfloat16({ has })).toBe(expected);
  });
});

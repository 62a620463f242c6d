import { afterEach, describe, expect, it, vi } from 'vitest';
import { configureGpu, gpusMultiplyBfloat16, parseGpus } from '../../../stages/backend/gpu.js';

afterEach(() => vi.unstubAllEnvs());

describe('GPUs', () => {
  it('are read from what the driver lists', () => {
    expect(parseGpus('NVIDIA H100 80GB HBM3, 9.0\nNVIDIA GeForce RTX 2080 Ti, 7.5\n')).toEqual([
      { name: 'NVIDIA H100 80GB HBM3', computeCapability: 9 },
      { name: 'NVIDIA GeForce RTX 2080 Ti', computeCapability: 7.5 },
    ]);
    expect(parseGpus('No devices were found\n')).toEqual([]);
  });

  it.each([
    [[9], true],
    [[8, 9], true],
    [[7.5, 9], false],
    [[], false],
  ])('of capability %j multiply bfloat16: %s', (capabilities, expected) => {
    const gpus = capabilities.map((computeCapability) => ({ name: 'NVIDIA', computeCapability }));
    expect(gpusMultiplyBfloat16(gpus)).toBe(expected);
  });

  it('are one, take memory as needed, keep float32 and repeat themselves, unless the environment says otherwise', () => {
    vi.stubEnv('CUDA_VISIBLE_DEVICES', undefined);
    vi.stubEnv('TF_FORCE_GPU_ALLOW_GROWTH', undefined);
    vi.stubEnv('NVIDIA_TF32_OVERRIDE', '1');
    vi.stubEnv('TF_DETERMINISTIC_OPS', undefined);
    configureGpu();
    expect(process.env.CUDA_VISIBLE_DEVICES).toBe('0');
    expect(process.env.TF_FORCE_GPU_ALLOW_GROWTH).toBe('true');
    expect(process.env.NVIDIA_TF32_OVERRIDE).toBe('1');
    expect(process.env.TF_DETERMINISTIC_OPS).toBe('1');
  });
});

import { tensorflowBackend } from './addon.js';
import { runCommand } from './command.js';

/** An NVIDIA GPU, as its driver shows it. */
export interface Gpu {
  readonly name: string;
  /** What its generation can do: 8.0 is Ampere, 9.0 Hopper. */
  readonly computeCapability: number;
}

/**
 * What TensorFlow with CUDA is told as it loads, where the environment says nothing. It sees the first GPU alone: of several, tensors made
 * op by op would be on the last one and recorded steps on the first. Memory is taken as it is needed: by
 * itself TensorFlow takes nearly all of it, and a second process finds none. Products of float32 are computed in float32:
 * by themselves they are in TF32, which keeps 10 bits of each factor, and `precision: fp32` would not be what it says. Kernels are
 * those that give the same bits each time, as everywhere else in a run: a step of the `tiny` model takes a seventh longer on an H200.
 */
const defaults: Readonly<Record<string, string>> = {
  CUDA_VISIBLE_DEVICES: '0',
  TF_FORCE_GPU_ALLOW_GROWTH: 'true',
  NVIDIA_TF32_OVERRIDE: '0',
  TF_DETERMINISTIC_OPS: '1',
};

/** Tells TensorFlow with CUDA what it reads while it loads. Which GPU is used, and whether one is, says `CUDA_VISIBLE_DEVICES`. */
export function configureGpu(): void {
  for (const [name, value] of Object.entries(defaults)) process.env[name] ??= value;
}

/** Whether tensors are computed on a GPU. */
export function usesGpu(): boolean {
  return tensorflowBackend()?.binding.isUsingGpuDevice() ?? false;
}

/** The GPUs that the driver shows; none where there is no driver. */
export async function findGpus(): Promise<Gpu[]> {
  const { ok, output } = await runCommand('nvidia-smi', ['--query-gpu=name,compute_cap', '--format=csv,noheader']);
  return ok ? parseGpus(output) : [];
}

/** The lines of `nvidia-smi --query-gpu=name,compute_cap --format=csv,noheader`. */
export function parseGpus(output: string): Gpu[] {
  return [...output.matchAll(/^(.*\S), (\d+\.\d+)$/gm)].map(([, name = '', capability]) => ({
    name,
    computeCapability: Number(capability),
  }));
}

/** Whether GPUs multiply bfloat16 themselves, which began with Ampere: TensorFlow may be on any of them, so all must. */
export function gpusMultiplyBfloat16(gpus: readonly Gpu[]): boolean {
  return gpus.length > 0 && gpus.every(({ computeCapability }) => computeCapability >= 8);
}

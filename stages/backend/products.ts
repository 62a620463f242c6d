import { findGpus, gpusMultiplyBfloat16, usesGpu } from './gpu.js';
import { type Processor, thisProcessor } from './processor.js';

/** What computes TensorFlow's matrix products on the processor. */
export type ProductLibrary = 'oneDNN' | 'Eigen';

/** TensorFlow's own switch between the two, which it reads while it loads. */
const SWITCH = 'TF_ENABLE_ONEDNN_OPTS';

/**
 * The library that is faster on a processor; `undefined` where TensorFlow's own choice stands. With AVX2 and no AVX-512 it is
 * Eigen: in seven turns, the contrastive step of the emoji manifest made 695 to 1,059 samples/s with it (median 1,014) and 572 to
 * 716 with oneDNN (median 676) on AMD Zen 3, 2 cores, TensorFlow 2.21. With AVX-512, where TensorFlow's default is oneDNN, that is
 * the faster one: in three turns 1,393 to 1,520 samples/s (median 1,492), and 1,370 to 1,474 with Eigen (median 1,397).
 */
export function fasterLibrary({ has }: Pick<Processor, 'has'>): ProductLibrary | undefined {
  return has.includes('AVX2') && !has.includes('AVX-512') ? 'Eigen' : undefined;
}

/** Whether a processor multiplies bfloat16 itself: then such products are faster than those of float32, and else slower. */
export function multipliesBfloat16({ has }: Pick<Processor, 'has'>): boolean {
  return ['AVX-512 bf16', 'AMX bf16', 'bf16'].some((set) => has.includes(set));
}

/** Whether what computes here, a GPU or the processor, multiplies bfloat16 itself. Call it when the backend runs. */
export async function bfloat16IsFaster(): Promise<boolean> {
  return usesGpu() ? gpusMultiplyBfloat16(await findGpus()) : multipliesBfloat16(await thisProcessor());
}

/** Sets TensorFlow's switch for this processor, before it is loaded. What the environment says goes before it. */
export async function chooseLibrary(): Promise<void> {
  if (process.env[SWITCH] === undefined && fasterLibrary(await thisProcessor()) === 'Eigen') process.env[SWITCH] = '0';
}

/** The library that the environment asks for; `undefined` where it leaves that to TensorFlow. */
export function libraryInUse(): ProductLibrary | undefined {
  const set = process.env[SWITCH];
  return set === undefined ? undefined : set === '0' ? 'Eigen' : 'oneDNN';
}

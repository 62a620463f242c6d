import { AlignflowError } from '../../pipeline/errors.js';
import type { BackendKind } from '../backend/choice.js';
import type { Program } from '../backend/program.js';
import type { Precision } from '../models/ops/precision.js';
import { choosePrecision } from './choose-precision.js';

/** How steps are computed. A run that went on in another way would have other losses than one that was never interrupted. */
export interface Computation {
  readonly backend: BackendKind;
  /** Left out where it is the processor. */
  readonly device?: 'gpu';
  readonly mode: Program['mode'];
  readonly precision: Precision;
  /** Whether by our own kernels, where there are any. */
  readonly ownKernels: boolean;
}

/** What a process can compute with. */
export interface Machinery {
  readonly backend: BackendKind;
  readonly gpu: boolean;
  /** Whether bfloat16 is the faster precision (`bfloat16IsFaster`). */
  readonly bfloat16IsFaster: boolean;
  readonly ownKernels: boolean;
  /** Why steps run op by op; undefined where they can be recorded. */
  readonly whyEager: string | undefined;
}

/** The computation of a run as far as it is known before its first step. */
export interface ChosenComputation extends Computation {
  /** What there is to say of the precision. */
  readonly words: string;
  /** Why the mode is eager; undefined where it is compiled. */
  readonly whyEager: string | undefined;
}

/**
 * The computation of a run: as the manifest asks, and where it leaves that open, as before the checkpoint that the run goes on from, or as
 * suits the process. Throws an `AlignflowError` where it cannot be that of the checkpoint.
 *
 * @param before of a run that goes on, and its checkpoint
 */
export function chooseComputation(
  asked: Precision | undefined,
  { backend, gpu, bfloat16IsFaster, ownKernels, whyEager: obstacle }: Machinery,
  before?: { readonly computation: Computation; readonly file: string },
): ChosenComputation {
  const { precision, words } = choosePrecision(asked ?? before?.computation.precision, backend, bfloat16IsFaster);
  const whyEager = obstacle ?? (before?.computation.mode === 'eager' ? 'as before the checkpoint' : undefined);
  const mode = whyEager === undefined ? 'compiled' : 'eager';
  const chosen: Computation = { backend, ...(gpu ? { device: 'gpu' } : {}), mode, precision, ownKernels };
  if (before !== undefined && describe(before.computation) !== describe(chosen)) {
    throw new AlignflowError({
      what: `the steps up to the checkpoint were computed by ${describe(before.computation)}, and here they would be by ${describe(chosen)}`,
      where: { file: before.file },
      expected: 'the same, so that the losses are those of a run that was never interrupted',
      fix: 'set ALIGNFLOW_BACKEND, ALIGNFLOW_COMPILE and ALIGNFLOW_KERNELS as they were, take the same device, or delete the checkpoint, and the stage starts anew',
    });
  }
  return { ...chosen, words, whyEager };
}

function describe({ backend, device, mode, precision, ownKernels }: Computation): string {
  return `${backend}${device === 'gpu' ? ' on a GPU' : ''}${ownKernels ? ' with our kernels' : ''}, ${mode}, in ${precision}`;
}

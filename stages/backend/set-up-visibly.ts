import { AlignflowError } from '../../pipeline/errors.js';
import { formatSeconds } from '../../pipeline/terminal/format.js';
import { type SetupOutcome, setUp } from './setup.js';
import { createSetupProgress } from './setup-progress.js';
import type { Variant } from './wheels.js';

/**
 * Runs `setUp` with its progress on standard error; returns the line that says what came of it.
 * Throws `AlignflowError` when the setup failed, and when CUDA was asked for and cannot be had.
 */
export async function setUpVisibly(variant?: Variant): Promise<string> {
  const progress = createSetupProgress(process.stderr);
  const startedAt = performance.now();
  let outcome: SetupOutcome;
  try {
    outcome = await setUp({ ...(variant === undefined ? {} : { variant }), report: progress.report });
  } finally {
    progress.stop();
  }
  if (outcome.kind === 'tensorflow') {
    const { installation, built } = outcome;
    const how = built ? `, set up in ${formatSeconds((performance.now() - startedAt) / 1000)}` : '';
    return `TensorFlow is ready in ${installation.folder}${how}`;
  }
  const { reason, fix } = outcome;
  if (variant === 'gpu') throw new AlignflowError({ what: reason, ...(fix === undefined ? {} : { fix }) });
  return `The WebAssembly backend will be used, which is slow: ${reason}${fix === undefined ? '' : `; ${fix}`}`;
}

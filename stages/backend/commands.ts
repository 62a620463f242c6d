import type { Command } from 'commander';
import { AlignflowError } from '../../pipeline/errors.js';
import { formatSeconds } from '../../pipeline/terminal/format.js';
import { describeDiagnosis } from './doctor-text.js';
import { type SetupOutcome, setUp } from './setup.js';
import { createSetupProgress } from './setup-progress.js';
import type { Variant } from './wheels.js';

/** Adds `setup` and `doctor` to the command line. Their actions throw `AlignflowError` when they fail. */
export function addBackendCommands(program: Command): void {
  program
    .command('setup')
    .description('make TensorFlow ready: fetch it with pip, compile its addon; does nothing when that is done')
    .option('--gpu', 'TensorFlow with CUDA, for an NVIDIA GPU on Linux x64 (fetches 2.5 GB)')
    .action(async ({ gpu }: { gpu?: true }) => {
      process.stdout.write(`${await setUpVisibly(gpu === true ? 'gpu' : undefined)}\n`);
    });
  program
    .command('doctor')
    .description('say which tensor backend is in use, how fast it can be here, and what is missing')
    .action(async () => {
      const { diagnose } = await import('./doctor.js'); // Only here, for it loads tfjs.
      process.stdout.write(`${describeDiagnosis(await diagnose())}\n`);
    });
}

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

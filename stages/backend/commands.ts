import type { Command } from 'commander';

/**
 * Adds `setup` and `doctor` to the command line. Their actions throw `AlignflowError` when they fail. What they do is loaded
 * when they are called, for it loads the tensor library.
 */
export function addBackendCommands(program: Command): void {
  program
    .command('setup')
    .description('make TensorFlow ready: fetch it with pip, compile its addon; does nothing when that is done')
    .option('--gpu', 'TensorFlow with CUDA, for an NVIDIA GPU on Linux x64 (fetches 2.5 GB)')
    .action(async ({ gpu }: { gpu?: true }) => {
      const { setUpVisibly } = await import('./set-up-visibly.js');
      process.stdout.write(`${await setUpVisibly(gpu === true ? 'gpu' : undefined)}\n`);
    });
  program
    .command('doctor')
    .description('say which tensor backend is in use, how fast it can be here, and what is missing')
    .action(async () => {
      const { diagnose } = await import('./doctor.js');
      const { describeDiagnosis } = await import('./doctor-text.js');
      process.stdout.write(`${describeDiagnosis(await diagnose())}\n`);
    });
}

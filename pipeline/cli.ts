/** The command line of the pipeline. Commands set an exit code: 0 done, 1 a stage or gate failed, 2 the manifest is wrong. */
import { Command, CommanderError } from 'commander';
import pico from 'picocolors';
import { addCheckCommand } from './commands/check.js';
import { addDescribeCommand } from './commands/describe.js';
import { addDroppedCommand } from './commands/dropped.js';
import { addNewCommand } from './commands/new.js';
import { addPlanCommand } from './commands/plan.js';
import { addRunCommand, type Prepare } from './commands/run.js';
import { addSchemaCommand } from './commands/schema.js';
import { addWorkerCommand } from './commands/worker.js';
import { packageVersion } from './discovery/package.js';
import { AlignflowError } from './errors.js';
import type { DrawRow } from './run/dropped-examples.js';

/** The command `alignflow` with the commands of the pipeline. `prepare` makes ready what stages need before a run, `draw` draws rows. */
export function createProgram(prepare: Prepare, draw: DrawRow): Command {
  const program = new Command('alignflow')
    .description('From raw image-text data to an aligned vision-language model with one manifest.')
    .version(packageVersion)
    .showHelpAfterError()
    .exitOverride();
  addRunCommand(program, prepare, draw);
  addCheckCommand(program);
  addPlanCommand(program);
  addDescribeCommand(program);
  addDroppedCommand(program);
  addSchemaCommand(program);
  addNewCommand(program);
  addWorkerCommand(program);
  return program;
}

/** Runs a command line and sets the process's exit code. An `AlignflowError` is told in its own words, a defect with its stack. */
export async function runProgram(program: Command, argv: readonly string[]): Promise<void> {
  try {
    await program.parseAsync(argv);
  } catch (error) {
    if (error instanceof CommanderError) {
      process.exitCode = error.exitCode === 0 ? 0 : 2;
    } else {
      process.exitCode = 1;
      process.stderr.write(`${pico.red('error')} ${describeError(error)}\n`);
    }
  }
}

function describeError(error: unknown): string {
  if (!(error instanceof AlignflowError)) return `${stackOf(error)}\nThis is a defect of alignflow, or of an operator.`;
  const { defect, cause } = error.fault;
  return defect === true ? `${error.message}\n${stackOf(cause)}` : error.message;
}

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

/** The command line of the pipeline. Commands set an exit code: 0 done, 1 a stage or gate failed, 2 the manifest is wrong. */
import { Command, CommanderError } from 'commander';
import pico from 'picocolors';
import type { Prepare } from './commands/run.js';
import { packageVersion } from './discovery/package.js';
import { AlignflowError } from './errors.js';
import type { DrawRow } from './run/dropped-examples.js';

/** What the commands of the pipeline need of the tensor side. */
export interface Tools {
  /** Makes ready what stages need before a run. */
  readonly prepare: Prepare;
  /** Draws a dropped row for the report. */
  readonly draw: DrawRow;
}

type AddCommand = (program: Command, tools: Tools) => void;

/** The commands of the pipeline in the order of the help text. Only the module of the one that is called is loaded. */
const COMMANDS: Readonly<Record<string, () => Promise<AddCommand>>> = {
  run: async () => (await import('./commands/run.js')).addRunCommand,
  check: async () => (await import('./commands/check.js')).addCheckCommand,
  plan: async () => (await import('./commands/plan.js')).addPlanCommand,
  diff: async () => (await import('./commands/diff.js')).addDiffCommand,
  describe: async () => (await import('./commands/describe.js')).addDescribeCommand,
  dropped: async () => (await import('./commands/dropped.js')).addDroppedCommand,
  report: async () => (await import('./commands/report.js')).addReportCommand,
  schema: async () => (await import('./commands/schema.js')).addSchemaCommand,
  new: async () => (await import('./commands/new.js')).addNewCommand,
  worker: async () => (await import('./commands/worker.js')).addWorkerCommand,
};

/** The command `alignflow` with the command of the pipeline that the command line calls, or with all of them. */
export async function createProgram(argv: readonly string[], tools: Tools): Promise<Command> {
  const program = new Command('alignflow')
    .description('From raw image-text data to an aligned vision-language model with one manifest.')
    .version(packageVersion)
    .showHelpAfterError()
    .exitOverride();
  const called = argv[2] ?? '';
  const names = Object.hasOwn(COMMANDS, called) ? [called] : Object.keys(COMMANDS);
  for (const name of names) (await COMMANDS[name]!())(program, tools);
  return program;
}

/** Runs a command line and sets the process's exit code. An `AlignflowError` is told in its own words, a defect with its stack. */
export async function runProgram(program: Command, argv: readonly string[]): Promise<void> {
  process.on('beforeExit', tellStalled);
  try {
    await program.parseAsync(argv);
  } catch (error) {
    if (error instanceof CommanderError) {
      process.exitCode = error.exitCode === 0 ? 0 : 2;
    } else {
      process.exitCode = 1;
      process.stderr.write(`${pico.red('error')} ${describeError(error)}\n`);
    }
  } finally {
    process.off('beforeExit', tellStalled);
  }
}

let turns = 0;

/** Node ends, as if all were well, when nothing is left to wait for. The second time that it is about to, nobody else knew why. */
function tellStalled(): void {
  if (turns++ === 0) {
    setImmediate(() => undefined);
    return;
  }
  process.exitCode = 1;
  const what = 'the command waits for what never comes: a promise of a source or an operator is never resolved';
  process.stderr.write(`${pico.red('error')} ${what}\n`);
}

function describeError(error: unknown): string {
  if (!(error instanceof AlignflowError)) return `${stackOf(error)}\nThis is a defect of alignflow, or of an operator.`;
  const { defect, cause } = error.fault;
  return defect === true ? `${error.message}\n${stackOf(cause)}` : error.message;
}

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

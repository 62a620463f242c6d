/** The command line of the pipeline. Commands set an exit code: 0 done, 1 a stage or gate failed, 2 the manifest is wrong. */
import { Command, CommanderError } from 'commander';
import pico from 'picocolors';
import { guardProcess } from './commands/process-guard.js';
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

type AddCommand = (program: Command, tools: Tools & { readonly outside: AbortSignal }) => void;

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

/** Aborted, with what to tell, when an error that nobody caught ends the process: there is one process, so there is one of these. */
const outside = new AbortController();

/** The command `alignflow` with the command of the pipeline that the command line calls, or with all of them. */
export async function createProgram(argv: readonly string[], tools: Tools): Promise<Command> {
  const program = new Command('alignflow')
    .description('From raw image-text data to an aligned vision-language model with one manifest.')
    .version(packageVersion)
    .showHelpAfterError()
    .exitOverride();
  const called = argv[2] ?? '';
  const names = Object.hasOwn(COMMANDS, called) ? [called] : Object.keys(COMMANDS);
  for (const name of names) (await COMMANDS[name]!())(program, { ...tools, outside: outside.signal });
  return program;
}

/** Runs a command line and sets the process's exit code. An `AlignflowError` is told in its own words, a defect with its stack. */
export async function runProgram(program: Command, argv: readonly string[]): Promise<void> {
  const release = guardProcess(outside, tell);
  try {
    await program.parseAsync(argv);
    outside.signal.throwIfAborted();
  } catch (error) {
    if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : 2;
    else {
      process.exitCode = 1;
      tell(error);
    }
  } finally {
    release();
  }
  // What has thrown may go on for ever.
  if (outside.signal.aborted) process.exit(1);
}

function tell(error: unknown): void {
  process.stderr.write(`${pico.red('error')} ${describeError(error)}\n`);
}

function describeError(error: unknown): string {
  if (!(error instanceof AlignflowError)) return `${stackOf(error)}\nThis is a defect of alignflow, or of an operator.`;
  const { defect, cause } = error.fault;
  return defect === true ? `${error.message}\n${stackOf(cause)}` : error.message;
}

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

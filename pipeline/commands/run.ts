import type { Command } from 'commander';
import { lastValueFrom, tap } from 'rxjs';
import { AlignflowError } from '../errors.js';
import { renderProblems } from '../manifest/render.js';
import type { Plan } from '../plan/plan.js';
import { planManifest } from '../plan/plan-manifest.js';
import type { DrawRow } from '../run/dropped-examples.js';
import { openEventLog } from '../run/event-log.js';
import { run } from '../run/run.js';
import { openTensorboardLog } from '../run/tensorboard.js';
import { threads } from '../run/threads.js';
import { createProgressView } from '../terminal/progress.js';
import { collectOverrides, SET_HELP } from './overrides.js';

interface RunCommandOptions {
  readonly set: readonly string[];
  readonly events?: string;
  readonly tensorboard?: string;
  readonly retryFailed?: boolean;
  readonly progress: boolean;
}

/** Makes ready what the stages of a plan need (a tensor backend), and says what that is: `TensorFlow 2.21, 2 threads`. */
export type Prepare = (plan: Plan) => Promise<string>;

interface RunTools {
  readonly prepare: Prepare;
  readonly draw: DrawRow;
  /** Aborted by an error that nobody caught: it ends the run. */
  readonly outside: AbortSignal;
}

/** `alignflow run MANIFEST`: plans, then runs stage by stage, with live progress. */
export function addRunCommand(program: Command, { prepare, draw, outside }: RunTools): void {
  program
    .command('run')
    .description('run a manifest; what is complete is skipped, what was interrupted goes on')
    .argument('<manifest>', 'the YAML file')
    .option('--set <path=value>', SET_HELP, collectOverrides, [])
    .option('--retry-failed', 'try the rows again that failed in complete stages, and what follows from them')
    .option('--progress', 'show how far it is: a tree in a terminal, elsewhere a line every ten seconds', true)
    .option('--no-progress', 'show only what begins and ends')
    .option('--events <file>', 'write what happens as JSON lines; - for standard output')
    .option('--tensorboard <folder>', 'write the figures of training for TensorBoard')
    .action(
      async (manifest: string, { set, events, tensorboard, retryFailed = false, progress }: RunCommandOptions) => {
        const { plan, problems } = await planManifest(manifest, { set });
        if (problems.length > 0) process.stderr.write(renderProblems(problems));
        if (plan === undefined) {
          process.exitCode = 2;
          return;
        }
        const warn = (line: string) => void process.stderr.write(`${line}\n`);
        const log = events === undefined ? undefined : await openEventLog(events, warn);
        const board = tensorboard === undefined ? undefined : await openTensorboardLog(tensorboard, warn);
        const backend = await prepare(plan);
        const interruption = new AbortController();
        const interrupt = () => interruption.abort(interrupted);
        process.once('SIGINT', interrupt);
        process.once('SIGTERM', interrupt);
        const view = createProgressView(process.stderr, { progress });
        try {
          const options = { backend, draw, threads, retryFailed, signal: outside, stop: interruption.signal };
          await lastValueFrom(
            run(plan, options).pipe(
              tap((event) => {
                view.show(event);
                log?.write(event);
                board?.write(event);
              }),
            ),
          );
        } finally {
          view.stop();
          await log?.close();
          await board?.close();
          process.off('SIGINT', interrupt);
          process.off('SIGTERM', interrupt);
        }
      },
    );
}

const interrupted = new AlignflowError({
  what: 'interrupted',
  fix: 'start the same command again: it skips what is complete and goes on from the last checkpoint',
});

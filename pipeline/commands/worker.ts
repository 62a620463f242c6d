import { once } from 'node:events';
import type { Command } from 'commander';
import { AlignflowError } from '../errors.js';
import { createBudget } from '../graph/budget.js';
import { nearestName } from '../manifest/nearest.js';
import { renderProblems } from '../manifest/render.js';
import type { Plan, PlannedStage } from '../plan/plan.js';
import { planManifest } from '../plan/plan-manifest.js';
import { openLedger } from '../run/ledger.js';
import { readStream } from '../worker/ipc-stream.js';
import { serveRows } from '../worker/serve-rows.js';
import { collectOverrides, SET_HELP } from './overrides.js';

interface WorkerOptions {
  readonly stage: string;
  readonly ledger?: string;
  readonly set: readonly string[];
}

/** `alignflow worker MANIFEST --stage NAME`: a stage's steps over Arrow IPC, from standard input to standard output. */
export function addWorkerCommand(program: Command): void {
  program
    .command('worker')
    .description('send record batches through the steps of a stage: Arrow IPC from standard input to standard output')
    .argument('<manifest>', 'the YAML file')
    .requiredOption('--stage <name>', 'the stage whose steps are run')
    .option('--ledger <file>', 'write the dropped rows there, as Parquet')
    .option('--set <path=value>', SET_HELP, collectOverrides, [])
    .action(async (manifest: string, options: WorkerOptions) => {
      const output = claimOutput();
      const { plan, problems } = await planManifest(manifest, { set: options.set });
      if (plan === undefined) {
        process.stderr.write(renderProblems(problems));
        process.exitCode = 2;
        return;
      }
      await work(plan, stageOf(plan, options.stage), output, options.ledger);
    });
}

async function work(
  plan: Plan,
  stage: PlannedStage,
  output: (bytes: Uint8Array) => Promise<void>,
  ledgerFile: string | undefined,
): Promise<void> {
  const ledger = ledgerFile === undefined ? undefined : await openLedger(ledgerFile);
  const { signal } = new AbortController();
  try {
    await serveRows(stage, await readStream(process.stdin), {
      signal,
      budget: createBudget(plan.memory),
      ...(plan.key === undefined ? {} : { key: plan.key }),
      drop: (row) => ledger?.append(row),
      room: async () => ledger?.room(),
      write: output,
    });
    await ledger?.close();
  } catch (error) {
    await ledger?.abort();
    process.stdin.destroy();
    throw error;
  }
}

/**
 * Takes standard output for the rows alone: what else would be printed there goes to standard error. The returned function
 * resolves when more may be written, so that a slow host holds the worker up and not its memory.
 */
function claimOutput(): (bytes: Uint8Array) => Promise<void> {
  const { stdout, stderr } = process;
  const write = stdout.write.bind(stdout);
  stdout.write = stderr.write.bind(stderr) as typeof stdout.write;
  let gone: Error | undefined;
  stdout.on('error', (error) => {
    gone = error;
  });
  return async (bytes) => {
    if (gone === undefined && !write(bytes)) await once(stdout, 'drain').catch(() => undefined);
    if (gone !== undefined)
      throw new AlignflowError({ what: `the host takes no more rows: ${gone.message}`, cause: gone });
  };
}

function stageOf({ stages }: Plan, name: string): PlannedStage {
  const stage = stages.find((one) => one.name === name);
  const able = stages.filter(({ steps }) => steps.length > 0).map((one) => one.name);
  if (stage !== undefined && stage.steps.length > 0) return stage;
  const nearest = nearestName(name, able);
  throw new AlignflowError({
    what: stage === undefined ? `there is no stage ${name}` : `the stage ${name} has no steps to run`,
    expected: `one of ${able.join(', ') || 'the stages with steps, of which this manifest has none'}`,
    ...(nearest === undefined ? {} : { fix: `did you mean ${nearest}?` }),
  });
}

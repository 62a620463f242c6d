import type { Command } from 'commander';
import { stepCount } from '../../pipeline/commands/arguments.js';
import { collectOverrides } from '../../pipeline/commands/overrides.js';
import { untilInterrupted } from '../../pipeline/commands/until-interrupted.js';
import { AlignflowError } from '../../pipeline/errors.js';
import { renderProblems } from '../../pipeline/manifest/render.js';
import type { Plan, PlannedStage } from '../../pipeline/plan/plan.js';
import { planManifest } from '../../pipeline/plan/plan-manifest.js';
import { writeWhole } from '../../pipeline/run/atomic-file.js';
import { trainingMetrics } from '../training/options.js';

interface ProfileCommandOptions {
  readonly stage?: string;
  readonly steps: number;
  readonly trace?: string;
  readonly set: readonly string[];
}

/** `alignflow profile MANIFEST`: where the time of a training stage goes. */
export function addProfileCommand(program: Command): void {
  program
    .command('profile')
    .description('where the time and memory of a training stage go, by module and by op; nothing of it stays')
    .argument('<manifest>', 'the YAML file; the stages before that one are complete')
    .option('--stage <name>', 'the stage; the only one that trains unless given')
    .option('--steps <count>', 'steps to measure', stepCount, 20)
    .option('--trace <file>', 'write the ops for Chrome\u2019s trace viewer')
    .option('--set <path=value>', 'override one value of the manifest: seed=3', collectOverrides, [])
    .action(profile);
}

async function profile(manifest: string, { stage, steps, trace, set }: ProfileCommandOptions): Promise<void> {
  const { plan, problems } = await planManifest(manifest, { set });
  if (plan === undefined) {
    process.stderr.write(renderProblems(problems));
    process.exitCode = 2;
    return;
  }
  const chosen = trainingStage(plan, stage);
  // Loaded when it is needed, like all that has tensors.
  const { setUpVisibly } = await import('../backend/set-up-visibly.js');
  await setUpVisibly();
  const { startBackend } = await import('../backend/start.js');
  const { kind } = await startBackend();
  if (trace !== undefined && kind !== 'tensorflow') throw noTrace(trace);
  const { profileStage } = await import('./profile.js');
  const found = await untilInterrupted((signal) => profileStage({ plan, stage: chosen, steps, signal }));
  const { describeProfile } = await import('./profile-text.js');
  process.stdout.write(describeProfile(found));
  if (trace === undefined) return;
  const { chromeTrace } = await import('./chrome-trace.js');
  await writeWhole(trace, chromeTrace(found));
}

function noTrace(file: string): AlignflowError {
  return new AlignflowError({
    what: 'there would be no op in the trace: the WebAssembly backend is in use, whose ops are not timed one by one',
    where: { file },
    expected: 'TensorFlow',
    fix: 'run `alignflow setup`, or leave --trace out',
  });
}

/** The stage of that name, or the only one that trains. */
function trainingStage({ stages, file }: Plan, name: string | undefined): PlannedStage {
  const training = stages.filter(({ stage }) =>
    trainingMetrics.every((metric) => stage.takes.metrics?.includes(metric)),
  );
  const found = name === undefined ? training : training.filter((stage) => stage.name === name);
  if (found.length === 1) return found[0]!;
  const names = training.map((stage) => stage.name);
  throw new AlignflowError({
    what:
      name === undefined ? `${names.length} stages of this manifest train` : `no stage ${name} of this manifest trains`,
    where: { file },
    expected: names.length === 0 ? 'a contrastive or generative stage' : `--stage and one of ${names.join(', ')}`,
  });
}

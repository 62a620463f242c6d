import { type Command, Option } from 'commander';
import { renderProblems } from '../manifest/render.js';
import { explainPlan } from '../plan/explain.js';
import { withPeaks } from '../plan/peaks.js';
import { type Planned, planManifest } from '../plan/plan-manifest.js';
import { predict } from '../sample/predict.js';
import { sampleRun } from '../sample/sample-run.js';
import { describePredictions } from '../terminal/prediction-text.js';
import { rowCount } from './arguments.js';
import { collectOverrides, SET_HELP } from './overrides.js';
import { untilInterrupted } from './until-interrupted.js';

const MEMORY_HELP = 'say how much memory each training stage will need at its peak; loads TensorFlow';

interface PlanCommandOptions {
  readonly set: readonly string[];
  readonly sample?: number;
  readonly json: boolean;
  readonly memory: boolean;
}

/**
 * `alignflow plan MANIFEST`: prints what a run would do. Exit code 2 if the manifest is wrong, 1 if a stage failed on the sample or does
 * not fit the memory.
 */
export function addPlanCommand(program: Command): void {
  program
    .command('plan')
    .description('print what a run would do: stages, operators, columns, figures of each model')
    .argument('<manifest>', 'the YAML file')
    .option('--set <path=value>', SET_HELP, collectOverrides, [])
    .option('--sample <rows>', 'run the data stages on a sample, and predict rows, bytes, time and memory', rowCount)
    .addOption(new Option('--memory', MEMORY_HELP).default(false).conflicts('sample'))
    .option('--json', 'write the predictions of a sample as JSON', false)
    .action(async (manifest: string, { set, sample, json, memory }: PlanCommandOptions) => {
      const planInto = (output?: string): Promise<Planned> =>
        planManifest(manifest, { set: output === undefined ? set : [...set, `output=${output}`] });
      const { plan, problems } = await planInto();
      if (plan === undefined) {
        process.stderr.write(renderProblems(problems));
        process.exitCode = 2;
      } else if (sample === undefined) {
        const { plan: explained, faults } = memory ? await withPeaks(plan) : { plan, faults: [] };
        process.stdout.write(explainPlan(explained));
        // The facts of each stage say it too.
        if (faults[0] !== undefined) throw faults[0];
      } else {
        const stages = await untilInterrupted((signal) =>
          sampleRun(async (output) => (await planInto(output)).plan!, {
            rows: sample,
            signal,
            begin: (stage) => void process.stderr.write(`sampling ${stage}\n`),
          }),
        );
        if (stages.some(({ failure }) => failure !== undefined)) process.exitCode = 1;
        const predictions = predict(stages, plan.memory);
        process.stdout.write(
          json ? `${JSON.stringify(predictions, undefined, 1)}\n` : describePredictions(predictions),
        );
      }
    });
}

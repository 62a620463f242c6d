import type { Command } from 'commander';
import { AlignflowError } from '../errors.js';
import { stageOf } from '../manifest/names.js';
import { nearestName } from '../manifest/nearest.js';
import { renderProblems } from '../manifest/render.js';
import { type Planned, planManifest } from '../plan/plan-manifest.js';
import { type Comparison, compareFates } from '../sample/compare.js';
import type { Fates } from '../sample/follow-rows.js';
import { type SampledStage, sampleRun } from '../sample/sample-run.js';
import { describeComparisons } from '../terminal/comparison-text.js';
import { rowCount, wholeNumber } from './arguments.js';
import { collectOverrides } from './overrides.js';
import { untilInterrupted } from './until-interrupted.js';

interface DiffOptions {
  readonly sample: number;
  readonly stage?: string;
  readonly show: number;
  readonly set: readonly string[];
  readonly json: boolean;
}

/** `alignflow diff FIRST SECOND`: the rows of a sample that two manifests treat differently. */
export function addDiffCommand(program: Command): void {
  program
    .command('diff')
    .description('run the data stages of two manifests on the same sample: which rows change sides, and why')
    .argument('<first>', 'the YAML file of one')
    .argument('<second>', 'the YAML file of the other, or the same with --set')
    .option('--sample <rows>', 'rows of each source', rowCount, 2000)
    .option('--set <path=value>', 'change a value of the second manifest: seed=3', collectOverrides, [])
    .option('--stage <name>', 'this stage alone, or a branch: pairs.short')
    .option('--show <count>', 'rows to show one by one, of each stage', wholeNumber, 10)
    .option('--json', 'write the comparison as JSON, with every row that changes sides', false)
    .action(compareManifests);
}

async function compareManifests(first: string, second: string, options: DiffOptions): Promise<void> {
  const planInto = (manifest: string, set: readonly string[]) => (output?: string) =>
    planManifest(manifest, { set: output === undefined ? set : [...set, `output=${output}`] });
  const both = [planInto(first, []), planInto(second, options.set)] as const;
  const planned = [await both[0](), await both[1]()] as const;
  const [{ plan: one }, { plan: other }] = planned;
  if (one === undefined || other === undefined) {
    process.stderr.write(planned.map(({ problems }) => renderProblems(problems)).join(''));
    process.exitCode = 2;
    return;
  }
  const sampled = async (into: (output: string) => Promise<Planned>, name: string) => {
    const stages = await untilInterrupted((signal) =>
      sampleRun(async (output) => (await into(output)).plan!, {
        rows: options.sample,
        seed: one.seed,
        signal,
        begin: (stage) => void process.stderr.write(`sampling ${stage} of ${name}\n`),
      }),
    );
    return tellFailures(stages, name);
  };
  const comparisons = compare(await sampled(both[0], 'the first'), await sampled(both[1], 'the second'));
  const chosen = options.stage === undefined ? comparisons : [known(options.stage, comparisons)];
  process.stdout.write(
    options.json ? `${JSON.stringify(chosen, undefined, 1)}\n` : describeComparisons(chosen, options.show),
  );
}

/** The stages and branches that both have, in the order of the first. One that failed in either has no fates to compare. */
function compare(first: readonly SampledStage[], second: readonly SampledStage[]): readonly Comparison[] {
  const [one, other] = [fatesOf(first), fatesOf(second)];
  const fractions = new Map(first.map((stage) => [stage.stage.name, sampledFraction(stage)]));
  return [...one].flatMap(([scope, fates]) => {
    const others = other.get(scope);
    return others === undefined ? [] : [compareFates(scope, fates, others, fractions.get(stageOf(scope)))];
  });
}

/** How much of a source was sampled; 0 where that is not known. */
function sampledFraction({ units, total }: SampledStage): number {
  return total === undefined ? 0 : units.reduce((rows, unit) => rows + unit.rows, 0) / total.rows;
}

function fatesOf(stages: readonly SampledStage[]): Map<string, Fates> {
  return new Map(stages.flatMap(({ fates, failure }) => (failure === undefined ? [...fates] : [])));
}

/** Says of stages that failed on the sample why there is nothing to compare: the command has failed then. */
function tellFailures(stages: readonly SampledStage[], name: string): readonly SampledStage[] {
  for (const { stage, failure } of stages)
    if (failure !== undefined)
      process.stderr.write(`${stage.name} of ${name} failed on the sample: ${failure.message}\n`);
  if (stages.some(({ failure }) => failure !== undefined)) process.exitCode = 1;
  return stages;
}

function known(name: string, comparisons: readonly Comparison[]): Comparison {
  const found = comparisons.find(({ scope }) => scope === name);
  if (found !== undefined) return found;
  const names = comparisons.map(({ scope }) => scope);
  const nearest = nearestName(name, names);
  throw new AlignflowError({
    what: `both manifests have no stage ${name} that only passes rows on`,
    expected: `one of ${names.join(', ')}`,
    ...(nearest === undefined ? {} : { fix: `did you mean ${nearest}?` }),
  });
}

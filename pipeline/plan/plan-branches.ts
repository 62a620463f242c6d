import { join } from 'node:path';
import type { Schema } from 'apache-arrow';
import { schemaDifference } from '../batch/equal.js';
import type { ManifestBranch, ManifestStage } from '../manifest/manifest.js';
import { nearestName } from '../manifest/nearest.js';
import type { Report } from '../manifest/problem.js';
import { deriveSeed } from '../run/random.js';
import type { Held } from './memory.js';
import type { Part, Parts } from './parts.js';
import type { PlannedBranch, PlannedSink } from './plan.js';
import { planSteps, type StepsOutcome } from './plan-steps.js';

/** The branches of a stage write into folders of this folder of it. */
export const BRANCHES = 'branches';

/** What a stage's branches are planned with. */
export interface BranchesRequest {
  readonly stage: ManifestStage;
  /** The stage's folder. */
  readonly folder: string;
  readonly seed: number;
  readonly steps: StepsOutcome;
  /** The rows that the stage writes; undefined where a problem hides it. */
  readonly written: Schema | undefined;
  /** Plans the sink of a branch: its own, or the one that stages have by themselves. */
  readonly sinkOf: (branch: ManifestBranch) => Promise<SinkOutcome>;
  readonly parts: Parts;
  readonly report: Report;
}

/** A sink, and what it was planned from. */
export interface SinkOutcome {
  readonly part: Part<'sink'> | undefined;
  readonly planned: PlannedSink | undefined;
}

/** What planning a branch came to. */
export interface BranchOutcome {
  readonly name: string;
  /** Undefined after a problem. */
  readonly planned: PlannedBranch | undefined;
  /** The rows that it hands over; undefined where a problem hides it. */
  readonly schema: Schema | undefined;
  readonly rejectedBy: readonly string[];
  /** What its steps keep, as far as it is known. */
  readonly held: readonly Held[];
  readonly parts: readonly (Part<'operator'> | Part<'sink'>)[];
}

/** Plans the branches of a stage, each from the rows that some steps drop, or from those that the stage writes. */
export async function planBranches(request: BranchesRequest): Promise<readonly BranchOutcome[]> {
  checkRejected(request);
  const outcomes: BranchOutcome[] = [];
  for (const branch of request.stage.branches) outcomes.push(await planBranch(branch, request));
  return outcomes;
}

async function planBranch(branch: ManifestBranch, request: BranchesRequest): Promise<BranchOutcome> {
  const { name, at } = branch;
  const { stage, steps, written, parts, report } = request;
  const places = stage.steps.flatMap(({ rejected }, i) => (rejected?.value === name ? [i] : []));
  const rejectedBy = places.map((i) => `${stage.steps[i]!.use.value}[${i}]`);
  const input = places.length === 0 ? written : rejectedSchema(places, request);
  const seed = deriveSeed(request.seed, 'branch', name);
  const own = await planSteps(branch.steps, stage.unread.has('branches') ? undefined : input, seed, parts, report);
  const sink = await request.sinkOf(branch);
  const whole = input !== undefined && own.schema !== undefined && own.steps !== undefined && steps.steps !== undefined;
  const planned =
    whole && sink.planned !== undefined
      ? {
          name,
          at,
          rejectedBy,
          folder: join(request.folder, BRANCHES, name),
          input,
          steps: own.steps,
          output: own.schema,
          sink: sink.planned,
        }
      : undefined;
  const used = [...own.parts, ...(sink.part === undefined ? [] : [sink.part])];
  return { name, planned, schema: own.schema, rejectedBy, held: own.held, parts: used };
}

/** The columns of the rows that some steps drop, which are those that came into the steps and must be the same for all. */
function rejectedSchema(places: readonly number[], { stage, steps, report }: BranchesRequest): Schema | undefined {
  const [first, ...others] = places.map((i) => ({ step: stage.steps[i]!, input: steps.inputs[i] }));
  if (first?.input === undefined) return undefined;
  for (const { step, input } of others) {
    const difference = input && schemaDifference(first.input, input);
    if (difference === undefined) continue;
    const message = `the rows that ${step.use.value} drops cannot go with those of ${first.step.use.value}: ${difference}`;
    report({ code: 'schema', message, at: step.rejected!.at, fix: 'give them a branch of their own' });
    return undefined;
  }
  return first.input;
}

/** Each `rejected` must name a branch. */
function checkRejected({ stage, report }: BranchesRequest): void {
  const names = stage.branches.map(({ name }) => name);
  for (const { rejected } of stage.steps) {
    if (rejected === undefined || names.includes(rejected.value)) continue;
    const nearest = nearestName(rejected.value, names);
    report({
      code: 'unknown-branch',
      message: `the stage ${stage.name} has no branch ${rejected.value}`,
      at: rejected.at,
      expected: names.length === 0 ? `branches: { ${rejected.value}: {} } in the stage` : `one of ${names.join(', ')}`,
      ...(nearest === undefined ? {} : { nearest }),
    });
  }
}

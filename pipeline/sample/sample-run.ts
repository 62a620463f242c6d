/** Runs the data stages of a plan on a sample of their rows, in a folder that is gone afterwards. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AlignflowError } from '../errors.js';
import { createBudget } from '../graph/budget.js';
import type { Plan, PlannedStage } from '../plan/plan.js';
import { deriveSeed } from '../run/random.js';
import { openStage } from '../run/stage-folder.js';
import { runStage } from '../run/stage-run.js';
import { stageSources } from '../run/stage-sources.js';
import { totalRows, type Unit } from '../source.js';
import { type RowSample, sampleRows } from './choose-rows.js';
import { addMoment, emptyMoment, type Moment, momentOf, type RowsSeen } from './counts.js';
import { type Fates, type FollowedRows, followRows } from './follow-rows.js';

/** A plan that writes into the folder that it is given. */
export type PlanInto = (output: string) => Promise<Plan>;

/** What a sample is made with. */
export interface SampleOptions {
  /** Rows of each source, about. */
  readonly rows: number;
  /** Chooses them; the manifest's unless given. */
  readonly seed?: number;
  readonly signal: AbortSignal;
  /** Told of each stage before it runs. */
  readonly begin?: (stage: string) => void;
}

/** What a stage made of one unit: differences of counts. */
export interface SampledUnit extends Moment {
  /** Rows of the sample, and rows that there are in the unit. */
  readonly rows: number;
  readonly of: number;
}

/** A stage after its sample. */
export interface SampledStage {
  readonly stage: PlannedStage;
  /** In the order in which they were read. */
  readonly units: readonly SampledUnit[];
  /** Rows and units that there are; undefined for rows of an earlier stage, and where a source does not say. */
  readonly total: { readonly rows: number; readonly units: number } | undefined;
  /** Time before the first row, in which a source looks for what there is. */
  readonly setup: number;
  /** The most that each operator had in its queue, by name. */
  readonly queues: ReadonlyMap<string, number>;
  /** What became of its rows, by its name and those of its branches. */
  readonly fates: ReadonlyMap<string, Fates>;
  /** Why there is nothing more. */
  readonly failure?: AlignflowError;
}

/**
 * Runs every stage that only passes rows on (filtering, tokenization) on about `rows` rows of its source, or on what the sampled stages
 * before it wrote. Rows are treated as in a whole run: the same origins, the same random choices. A stage that fails is the last one
 * of those behind it.
 */
export async function sampleRun(planInto: PlanInto, options: SampleOptions): Promise<readonly SampledStage[]> {
  const folder = await mkdtemp(join(tmpdir(), 'alignflow-sample-'));
  try {
    const plan = await planInto(folder);
    const done: SampledStage[] = [];
    const follow = followRows();
    for (const stage of plan.stages) {
      const needed = stage.needs.map((name) => done.find((one) => one.stage.name === name));
      if (!stage.stage.passesRows || needed.some((one) => one === undefined || one.failure !== undefined)) continue;
      options.begin?.(stage.name);
      // Code, libraries and caches that are used for the first time would make few rows look expensive.
      const few = { ...options, rows: Math.min(WARM_UP, options.rows) };
      const { setup } = await sampleStage(stage, plan, few, followRows()(stage));
      done.push({ ...(await sampleStage(stage, plan, options, follow(stage))), setup });
    }
    return done;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Rows that each stage is run on before its sample. */
const WARM_UP = 128;

async function sampleStage(
  stage: PlannedStage,
  plan: Plan,
  { rows, seed = plan.seed, signal }: SampleOptions,
  followed: FollowedRows,
): Promise<SampledStage> {
  const own = stage.rows !== undefined && 'source' in stage.rows.from;
  const taken = takeUnits();
  let listed: readonly Unit[] = [];
  const choose = (all: readonly Unit[]): RowSample => {
    taken.begin();
    return sampleRows(all, rows, deriveSeed(seed, 'sample'));
  };
  const result = (failure?: AlignflowError): SampledStage => {
    const known = totalRows(listed);
    const total = own && known !== undefined ? { rows: known, units: listed.length } : undefined;
    return { stage, total, fates: followed.fates, ...taken.all(), ...(failure === undefined ? {} : { failure }) };
  };
  await openStage({ kind: 'new', folder: stage.folder }, stage.fingerprint, plan.resolved);
  try {
    await runStage(stage, {
      base: plan.folder,
      ...(plan.key === undefined ? {} : { key: plan.key }),
      sources: await stageSources(stage, plan),
      budget: createBudget(plan.memory),
      signal,
      stopping: signal,
      emit: () => undefined,
      ...(own ? { choose } : {}),
      units: (all) => {
        listed = [...all];
        followed.units(listed);
      },
      watch: followed,
      unitDone: (unit, seen) => taken.take(seen, listed[unit]?.rows),
    });
    return result();
  } catch (error) {
    if (signal.aborted || !(error instanceof AlignflowError)) throw error;
    return result(error);
  }
}

/** Gathers what was made of each unit. */
function takeUnits() {
  const startedAt = emptyMoment().seconds;
  let setup = 0;
  const units: SampledUnit[] = [];
  let before = emptyMoment();
  let seen: RowsSeen | undefined;
  return {
    /** The units are known, and the first is read now. */
    begin(): void {
      setup = emptyMoment().seconds - startedAt;
      before = emptyMoment();
    },
    take(rows: RowsSeen, of: number | undefined): void {
      const now = momentOf(rows);
      const between = addMoment(now, before, -1);
      const read = between.operators[0]?.rowsIn ?? 0;
      // The source was asked for its first rows before it looked for what there is.
      const found = seen === undefined ? withoutSetup(between, setup) : between;
      units.push({ ...found, rows: read, of: of ?? read });
      [before, seen] = [now, rows];
    },
    all() {
      if (seen === undefined) return { units, setup, queues: new Map<string, number>() };
      // What came after the last unit (rows that an operator had kept, the end of a file) is of all of them.
      const rest = addMoment(momentOf(seen), before, -1);
      const rows = units.reduce((sum, unit) => sum + unit.rows, 0);
      const whole = units.map((unit) => addMoment(unit, rest, unit.rows / Math.max(1, rows)));
      return {
        units: whole,
        setup,
        queues: new Map(seen.accounts.map(({ operator, heldMost }) => [operator, heldMost])),
      };
    },
  };
}

function withoutSetup(moment: Moment, setup: number): Moment {
  const [source, ...steps] = moment.operators;
  if (source === undefined) return moment;
  return { ...moment, operators: [{ ...source, seconds: Math.max(0, source.seconds - setup) }, ...steps] };
}

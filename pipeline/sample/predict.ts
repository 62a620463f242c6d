/** What a whole run would do, from what the data stages did with a sample. */

import type { Counts } from './counts.js';
import { estimatePerRow, estimateShare, exactly, type Interval, product, sum } from './estimate.js';
import type { SampledStage, SampledUnit } from './sample-run.js';

/** What is to be expected of one stage. Intervals hold with 95 % confidence. */
export interface StagePrediction {
  readonly stage: string;
  readonly use: string;
  /** What the prediction is made from, and of how much. */
  readonly sampled: { readonly rows: number; readonly units: number };
  readonly of?: { readonly rows: number; readonly units: number };
  /** Rows that it reads; undefined where a source does not say how many it has. */
  readonly rows: Interval | undefined;
  /** At least the time of its busiest operator, at most that of all work done in turn: how much of it overlaps, few rows do not tell. */
  readonly seconds: Pick<Interval, 'low' | 'high'> | undefined;
  /** Bytes that it holds: what its operators keep, and what is in flight, which is bounded by the run's memory. */
  readonly memory: number;
  /** The source first, the sink last. */
  readonly operators: readonly OperatorPrediction[];
  readonly branches: readonly { readonly name: string; readonly operators: readonly OperatorPrediction[] }[];
  /** Why the stage could not be run on the sample. */
  readonly failure?: string;
}

/** What is to be expected of one operator. What depends on the number of rows is undefined where that is not known. */
export interface OperatorPrediction {
  readonly name: string;
  /** Whether it carries a state from row to row, so that a sample shows less of what it does: duplicates are far apart. */
  readonly stateful: boolean;
  /** Share of the rows that it is given, 0 to 1. */
  readonly keeps: Interval;
  readonly rowsOut: Interval | undefined;
  readonly bytes: Interval | undefined;
  /** Time in which it is at work. */
  readonly seconds: Interval | undefined;
  /** What it keeps, by its own word, and the most that was in its queue, for batches of full size. */
  readonly memory: number;
}

/** Predicts the stages of a sampled run. `memory` is what the run may hold. */
export function predict(sampled: readonly SampledStage[], memory: number): readonly StagePrediction[] {
  const written = new Map<string, Interval | undefined>();
  return sampled.map((one) => {
    const prediction = predictStage(one, rowsOf(one, written), memory);
    const { stage, operators, branches } = prediction;
    written.set(stage, operators.at(-1)?.rowsOut);
    for (const branch of branches) written.set(`${stage}.${branch.name}`, branch.operators.at(-1)?.rowsOut);
    return prediction;
  });
}

/** Rows that a stage will read: all of its source, or what the stages before it will write. */
function rowsOf(
  { stage, total }: SampledStage,
  written: ReadonlyMap<string, Interval | undefined>,
): Interval | undefined {
  if (stage.rows === undefined || 'source' in stage.rows.from) return total && exactly(total.rows);
  const shares = stage.rows.from.map((share) => written.get(share.stage));
  return shares.some((share) => share === undefined) ? undefined : sum(shares as Interval[]);
}

/** What all predictions of a stage are made from. */
interface Basis {
  readonly units: readonly SampledUnit[];
  /** Rows that there are in all, where that is known. */
  readonly rows: Interval | undefined;
  /** How much of them was sampled. */
  readonly fraction: number;
  readonly memoryOf: (operator: string) => number;
  readonly stateful: (operator: string) => boolean;
}

function predictStage(one: SampledStage, rows: Interval | undefined, memory: number): StagePrediction {
  const { stage, units, total, queues, setup, failure } = one;
  const read = units.reduce((count, unit) => count + unit.rows, 0);
  // Batches of the sample are as much smaller than those of a run as it has fewer rows of its units.
  const smaller = total === undefined ? 1 : units.reduce((count, { of }) => count + of, 0) / Math.max(1, read);
  const steps = new Map(
    [...stage.steps, ...stage.branches.flatMap((branch) => branch.steps)].map((step) => [step.label, step]),
  );
  const basis: Basis = {
    units,
    rows,
    fraction: total === undefined ? 0 : read / total.rows,
    memoryOf: (operator) => (steps.get(operator)?.holds ?? 0) + smaller * (queues.get(operator) ?? 0),
    stateful: (operator) => steps.get(operator)?.operator.carries === 'state',
  };
  // A source reads whole units for the sample too.
  const reading = sourceSeconds(basis);
  const operators = predictOperators(basis, (unit) => unit.operators).map((operator, i) =>
    i === 0 ? { ...operator, seconds: reading } : operator,
  );
  const working = predictAmount(basis, (unit) => unit.seconds - (unit.operators[0]?.seconds ?? 0));
  const inFlight = [...queues.values()].reduce((bytes, queue) => bytes + smaller * queue, 0);
  return {
    stage: stage.name,
    use: stage.stage.name,
    sampled: { rows: read, units: units.length },
    ...(total === undefined ? {} : { of: total }),
    rows,
    seconds: reading && working && { low: setup + longest(operators), high: setup + sum([reading, working]).high },
    memory: stage.steps.reduce((bytes, step) => bytes + step.holds, 0) + Math.min(memory, inFlight),
    operators,
    branches: (units[0]?.branches ?? []).map(({ name }, i) => ({
      name,
      operators: predictOperators(basis, (unit) => unit.branches[i]!.operators),
    })),
    ...(failure === undefined ? {} : { failure: failure.message }),
  };
}

function longest(operators: readonly OperatorPrediction[]): number {
  return Math.max(0, ...operators.map(({ seconds }) => seconds?.low ?? 0));
}

function predictOperators(
  basis: Basis,
  operatorsOf: (unit: SampledUnit) => readonly Counts[],
): readonly OperatorPrediction[] {
  const { units, rows, fraction, memoryOf, stateful } = basis;
  if (units[0] === undefined) return [];
  return operatorsOf(units[0]).map(({ operator }, i) => {
    const countsIn = (unit: SampledUnit) => operatorsOf(unit)[i]!;
    const kept = units.map(countsIn).map(({ rowsIn, rowsOut }) => ({ rows: rowsIn, amount: rowsOut }));
    const through = units.map((unit) => ({ rows: unit.rows, amount: countsIn(unit).rowsOut }));
    return {
      name: operator,
      stateful: stateful(operator),
      keeps: estimateShare(kept, fraction),
      rowsOut: rows && product(rows, estimateShare(through, fraction)),
      bytes: predictAmount(basis, (unit) => countsIn(unit).bytes),
      seconds: predictAmount(basis, (unit) => countsIn(unit).seconds),
      memory: memoryOf(operator),
    };
  });
}

/** An amount that goes with the rows, of all of them. */
function predictAmount(
  { units, rows, fraction }: Basis,
  amountOf: (unit: SampledUnit) => number,
): Interval | undefined {
  const clusters = units.map((unit) => ({ rows: unit.rows, amount: amountOf(unit) }));
  return rows && product(rows, estimatePerRow(clusters, fraction));
}

/** The time in which all units are read. */
function sourceSeconds({ units, rows }: Basis): Interval | undefined {
  const clusters = units.map(({ of, operators }) => ({ rows: of, amount: operators[0]?.seconds ?? 0 }));
  return rows && product(rows, estimatePerRow(clusters));
}

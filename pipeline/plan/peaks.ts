import { AlignflowError } from '../errors.js';
import { formatBytes, formatCount } from '../terminal/format.js';
import type { Plan, PlannedStage } from './plan.js';

/** A plan with the memory that each stage will need at its peak among its facts, and what is wrong with those that do not fit. */
export interface PeakedPlan {
  readonly plan: Plan;
  readonly faults: readonly AlignflowError[];
}

/** Asks each stage for its peak. */
export async function withPeaks(plan: Plan): Promise<PeakedPlan> {
  const stages: PlannedStage[] = [];
  const faults: AlignflowError[] = [];
  for (const stage of plan.stages) {
    const { peakMemory } = stage.stage;
    if (peakMemory === undefined) {
      stages.push(stage);
      continue;
    }
    let said: string;
    try {
      said = await describe(stage, peakMemory, plan.memory);
    } catch (error) {
      if (!(error instanceof AlignflowError)) throw error;
      said = `too much: ${error.fault.what}`;
      faults.push(error.at({ stage: stage.name }));
    }
    const facts = [...(stage.facts.facts ?? []), ['peak', said] as const];
    stages.push({ ...stage, facts: { ...stage.facts, facts } });
  }
  return { plan: { ...plan, stages }, faults };
}

async function describe(
  { steps, options, inputs }: PlannedStage,
  peakMemory: NonNullable<PlannedStage['stage']['peakMemory']>,
  memory: number,
): Promise<string> {
  const rows = steps
    .map(({ operator, options }) => operator.batchRows?.(options))
    .findLast((count) => count !== undefined);
  if (rows === undefined) return 'unknown: no step makes batches of a size (order/batch does)';
  const found = await peakMemory(options, inputs, rows);
  if ('unknown' in found) return `unknown: ${found.unknown}`;
  const needs = `about ${formatBytes(found.bytes)} for the process and up to ${formatBytes(memory)} for rows on their way`;
  return `${needs}, with ${formatCount(rows)} rows a batch in ${found.precision}`;
}

import { formatBytes, formatCount } from '../terminal/format.js';
import type { Plan, PlannedStage } from './plan.js';

/** The plan, with the memory that each stage will need at its peak among its facts. */
export async function withPeaks(plan: Plan): Promise<Plan> {
  const stages: PlannedStage[] = [];
  for (const stage of plan.stages) stages.push(await withPeak(stage, plan.memory));
  return { ...plan, stages };
}

async function withPeak(stage: PlannedStage, memory: number): Promise<PlannedStage> {
  const { peakMemory } = stage.stage;
  if (peakMemory === undefined) return stage;
  const said = await describe(stage, peakMemory, memory);
  const facts = [...(stage.facts.facts ?? []), ['peak', said] as const];
  return { ...stage, facts: { ...stage.facts, facts } };
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

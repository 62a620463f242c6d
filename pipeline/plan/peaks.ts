import { formatBytes, formatCount } from '../terminal/format.js';
import type { Plan, PlannedStage } from './plan.js';

/** The plan, with the memory that each stage will need at its peak among its facts. */
export async function withPeaks(plan: Plan): Promise<Plan> {
  const stages: PlannedStage[] = [];
  for (const stage of plan.stages) stages.push(await withPeak(stage));
  return { ...plan, stages };
}

async function withPeak(stage: PlannedStage): Promise<PlannedStage> {
  const { peakMemory } = stage.stage;
  if (peakMemory === undefined) return stage;
  const said = await describe(stage, peakMemory);
  const facts = [...(stage.facts.facts ?? []), ['peak', said] as const];
  return { ...stage, facts: { ...stage.facts, facts } };
}

async function describe(
  { steps, options, inputs }: PlannedStage,
  peakMemory: NonNullable<PlannedStage['stage']['peakMemory']>,
): Promise<string> {
  const rows = steps
    .map(({ operator, options }) => operator.batchRows?.(options))
    .findLast((count) => count !== undefined);
  if (rows === undefined) return 'unknown: no step makes batches of a size (order/batch does)';
  const found = await peakMemory(options, inputs, rows);
  if ('unknown' in found) return `unknown: ${found.unknown}`;
  return `about ${formatBytes(found.bytes)} for the process, with ${formatCount(rows)} rows a batch in ${found.precision}`;
}

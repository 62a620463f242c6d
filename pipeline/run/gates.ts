import { AlignflowError } from '../errors.js';
import type { Result } from '../metrics.js';
import type { Gate, PlannedStage } from '../plan/plan.js';

/** How a gate ended. */
export interface GateOutcome {
  readonly metric: string;
  readonly rule: string;
  readonly value: number;
  readonly passed: boolean;
}

/**
 * Holds a stage's figures against the manifest's `require`. Throws one `AlignflowError` that names every condition that
 * is missed, and every metric that the stage did not report.
 */
export function checkGates(
  { name, gates }: Pick<PlannedStage, 'name' | 'gates'>,
  results: readonly Result[],
): GateOutcome[] {
  const figures = new Map(results.map(({ metric, value }) => [metric, value]));
  const outcomes = gates.map((gate) => {
    const value = figures.get(gate.metric) ?? Number.NaN;
    return { metric: gate.metric, rule: gate.condition, value, passed: passes(gate, value) };
  });
  const missed = outcomes.filter(({ passed }) => !passed);
  if (missed.length > 0) {
    const at = gates.find(({ metric }) => metric === missed[0]!.metric)!.at;
    throw new AlignflowError({
      what: missed
        .map(({ metric, rule, value }) =>
          Number.isNaN(value)
            ? `${metric} was not reported, but ${rule} is required`
            : `${metric} is ${value}, but ${rule} is required`,
        )
        .join('; '),
      where: { file: at.file, line: at.line, column: at.column, stage: name },
      fix: 'change the stage until it reaches this, or change its `require`',
    });
  }
  return outcomes;
}

function passes({ least, most }: Gate, value: number): boolean {
  if (Number.isNaN(value)) return false;
  const above = least === undefined || (least.inclusive ? value >= least.value : value > least.value);
  const below = most === undefined || (most.inclusive ? value <= most.value : value < most.value);
  return above && below;
}

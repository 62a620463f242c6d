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

/** Holds a stage's figures against the manifest's `require`. A figure that was not reported is NaN, and does not pass. */
export function checkGates({ gates }: Pick<PlannedStage, 'gates'>, results: readonly Result[]): GateOutcome[] {
  const figures = new Map(results.map(({ metric, value }) => [metric, value]));
  return gates.map((gate) => {
    const value = figures.get(gate.metric) ?? Number.NaN;
    return { metric: gate.metric, rule: gate.condition, value, passed: passes(gate, value) };
  });
}

/** One error that names every condition that is missed; undefined when all are met. */
export function gateFailure(
  { name, gates }: Pick<PlannedStage, 'name' | 'gates'>,
  outcomes: readonly GateOutcome[],
): AlignflowError | undefined {
  const missed = outcomes.filter(({ passed }) => !passed);
  const first = gates[outcomes.findIndex(({ passed }) => !passed)];
  if (first === undefined) return undefined;
  return new AlignflowError({
    what: missed
      .map(({ metric, rule, value }) =>
        Number.isNaN(value)
          ? `${metric} was not reported or is no number, but ${rule} is required`
          : `${metric} is ${value}, but ${rule} is required`,
      )
      .join('; '),
    where: { file: first.at.file, line: first.at.line, column: first.at.column, stage: name },
    fix: 'change the stage until it reaches this, or change its `require`; what it made is in its folder',
  });
}

function passes({ least, most }: Gate, value: number): boolean {
  if (Number.isNaN(value)) return false;
  const above = least === undefined || (least.inclusive ? value >= least.value : value > least.value);
  const below = most === undefined || (most.inclusive ? value <= most.value : value < most.value);
  return above && below;
}

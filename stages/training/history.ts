import type { StepMetrics } from '../../pipeline/metrics.js';

/** The metrics of all steps of a run, which a checkpoint keeps: what goes on from it has the curve of an undisturbed run. */
export interface History {
  add(metrics: StepMetrics): void;
  /** The metrics of the last steps, `count` or all that there are. */
  last(count: number): readonly StepMetrics[];
  /** What a checkpoint keeps: the history, and the step that it is saved in. */
  with(metrics: StepMetrics): StoredHistory;
}

/** Steps as JSON holds them, one array each: step, samples, then a value for each name. What is not finite is null. */
interface StoredHistory {
  readonly names: readonly string[];
  readonly steps: readonly (readonly (number | null)[])[];
}

/** A history that begins with what a checkpoint kept; with nothing where that is nothing of ours. */
export function createHistory(stored: unknown): History {
  const steps = [...restore(stored)];
  return {
    add: (metrics) => void steps.push(metrics),
    last: (count) => (count === 0 ? [] : steps.slice(-count)),
    with(metrics) {
      const names = Object.keys(metrics.values);
      const row = ({ step, samples, values }: StepMetrics) => [
        step,
        samples,
        ...names.map((name) => finite(values[name])),
      ];
      return { names, steps: [...steps, metrics].map(row) };
    },
  };
}

function restore(stored: unknown): StepMetrics[] {
  const { names = [], steps = [] } = (stored ?? {}) as Partial<StoredHistory>;
  return steps.map(([step, samples, ...values]) => ({
    kind: 'step',
    step: step!,
    samples: samples!,
    values: Object.fromEntries(names.map((name, i) => [name, values[i] ?? Number.NaN])),
  }));
}

function finite(value: number | undefined): number | null {
  return value !== undefined && Number.isFinite(value) ? value : null;
}

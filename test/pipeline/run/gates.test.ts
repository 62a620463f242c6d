import { describe, expect, it } from 'vitest';
import type { Result } from '../../../pipeline/metrics.js';
import type { Gate } from '../../../pipeline/plan/plan.js';
import { checkGates, gateFailure } from '../../../pipeline/run/gates.js';

const at = { file: 'm.yaml', line: 12, column: 5 } as Gate['at'];
const bound = (value: number, inclusive: boolean) => ({ value, inclusive });
const gate = (metric: string, condition: string, bounds: Pick<Gate, 'least' | 'most'>): Gate => ({
  metric,
  condition,
  at,
  ...bounds,
});
const result = (metric: string, value: number): Result => ({ kind: 'result', task: 't', metric, value });
const passes = (bounds: Pick<Gate, 'least' | 'most'>, value: number) =>
  checkGates({ gates: [gate('m', '?', bounds)] }, [result('m', value)])[0]!.passed;

describe('gates', () => {
  it('hold bounds that include their value, or do not', () => {
    expect([0.39, 0.4, 0.41].map((value) => passes({ least: bound(0.4, true) }, value))).toEqual([false, true, true]);
    expect([0.39, 0.4, 0.41].map((value) => passes({ least: bound(0.4, false) }, value))).toEqual([false, false, true]);
    expect([0.39, 0.4, 0.41].map((value) => passes({ most: bound(0.4, true) }, value))).toEqual([true, true, false]);
    expect([0.39, 0.4, 0.41].map((value) => passes({ most: bound(0.4, false) }, value))).toEqual([true, false, false]);
    const range = { least: bound(0, true), most: bound(1, true) };
    expect([-1, 0, 1, 2, Number.NaN].map((value) => passes(range, value))).toEqual([false, true, true, false, false]);
  });

  it('take the last of a figure that was reported twice', () => {
    const [outcome] = checkGates({ gates: [gate('m', '>= 1', { least: bound(1, true) })] }, [
      result('m', 0),
      result('m', 2),
    ]);
    expect(outcome).toEqual({ metric: 'm', rule: '>= 1', value: 2, passed: true });
  });

  it('name all that is missed, at the first one that is', () => {
    const gates = [
      gate('fine', '>= 0', { least: bound(0, true) }),
      { ...gate('low', '>= 0.4', { least: bound(0.4, true) }), at: { ...at, line: 13 } },
      gate('absent', '< 2', { most: bound(2, false) }),
    ];
    const outcomes = checkGates({ gates }, [result('fine', 1), result('low', 0.25)]);
    expect(outcomes.map(({ passed }) => passed)).toEqual([true, false, false]);
    expect(gateFailure({ name: 'score', gates }, outcomes)?.message).toBe(
      'm.yaml:13:5, stage score: low is 0.25, but >= 0.4 is required; absent was not reported or is no number, but < 2 is required\n' +
        '  to do: change the stage until it reaches this, or change its `require`; what it made is in its folder',
    );
  });

  it('are silent when all is well', () => {
    expect(gateFailure({ name: 'score', gates: [] }, checkGates({ gates: [] }, []))).toBeUndefined();
  });
});

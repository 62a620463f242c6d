import type { ManifestGate } from '../manifest/manifest.js';
import { nearestName } from '../manifest/nearest.js';
import type { Report } from '../manifest/problem.js';
import type { Bound, Gate } from './plan.js';

const NUMBER = '([-+]?(?:\\d+\\.?\\d*|\\.\\d+)(?:e[-+]?\\d+)?)';
const COMPARISON = new RegExp(`^\\s*(>=|<=|>|<)\\s*${NUMBER}\\s*$`, 'i');
const BETWEEN = new RegExp(`^\\s*between\\s+${NUMBER}\\s+and\\s+${NUMBER}\\s*$`, 'i');

/** Parses the gates of a stage, and checks that the stage measures what they test. `metrics` may have `*` for any text. */
export function readGates(
  gates: readonly ManifestGate[],
  stage: string,
  metrics: readonly string[],
  report: Report,
): readonly Gate[] {
  return gates.flatMap(({ metric, condition }) => {
    if (!metrics.some((pattern) => matchesPattern(metric.value, pattern))) {
      const nearest = nearestName(metric.value, metrics);
      report({
        code: 'gate',
        message: `a ${stage} stage measures no ${metric.value}`,
        at: metric.at,
        expected: metrics.length === 0 ? 'no gates: it measures nothing' : `one of ${metrics.join(', ')}`,
        ...(nearest === undefined ? {} : { nearest }),
      });
    }
    const bounds = parseCondition(condition.value);
    if (bounds !== undefined)
      return [{ metric: metric.value, condition: condition.value.trim(), at: condition.at, ...bounds }];
    report({
      code: 'gate',
      message: `${condition.value} is no condition`,
      at: condition.at,
      expected: '>= 0.3, > 0.3, <= 0.3, < 0.3, or between 0.2 and 0.5',
    });
    return [];
  });
}

/** The bounds that a condition sets; undefined for anything that is none, and for a range that is empty. */
export function parseCondition(text: string): Pick<Gate, 'least' | 'most'> | undefined {
  const [, operator, number] = COMPARISON.exec(text) ?? [];
  if (operator !== undefined && number !== undefined) {
    const bound: Bound = { value: Number(number), inclusive: operator.endsWith('=') };
    return operator.startsWith('>') ? { least: bound } : { most: bound };
  }
  const [, low, high] = BETWEEN.exec(text) ?? [];
  if (low === undefined || high === undefined || Number(low) > Number(high)) return undefined;
  return { least: { value: Number(low), inclusive: true }, most: { value: Number(high), inclusive: true } };
}

/** True if a metric's name is one that a pattern stands for. */
function matchesPattern(name: string, pattern: string): boolean {
  const [first = '', ...rest] = pattern.split('*');
  if (rest.length === 0) return name === pattern;
  if (!name.startsWith(first)) return false;
  let from = first.length;
  for (const [i, part] of rest.entries()) {
    const last = i === rest.length - 1;
    const found = last ? name.length - part.length : name.indexOf(part, from);
    if (found < from || !name.startsWith(part, found)) return false;
    from = found + part.length;
  }
  return true;
}

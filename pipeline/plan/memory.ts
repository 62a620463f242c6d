import type { Located } from '../manifest/position.js';
import type { Report } from '../manifest/problem.js';
import { formatBytes } from '../manifest/units.js';
import type { PlannedStage, PlannedStep } from './plan.js';

/** Checks that what a stage keeps (its operators across batches, and itself) fits into the memory of the run. */
export function checkMemory(stage: PlannedStage, memory: Located<number>, report: Report): void {
  const parts = memoryOf(stage);
  const sum = parts.reduce((total, [, bytes]) => total + bytes, 0);
  if (sum <= memory.value) return;
  const arithmetic = parts.map(([name, bytes]) => `${name} ${formatBytes(bytes)}`).join(' + ');
  report({
    code: 'memory',
    message: `the stage ${stage.name} keeps ${formatBytes(sum)} (${arithmetic}), and memory is ${formatBytes(memory.value)}`,
    at: stage.at,
    expected: `${formatBytes(memory.value)} at most`,
    fix: 'raise memory, or lower what the largest of these keeps',
  });
}

/** What each part of a stage keeps, in bytes; parts that keep nothing are left out. */
export function memoryOf(stage: PlannedStage): readonly (readonly [name: string, bytes: number])[] {
  const kept = (steps: readonly PlannedStep[], prefix: string) =>
    steps.map(({ label, holds }): readonly [string, number] => [`${prefix}${label}`, holds]);
  const parts = [...kept(stage.steps, ''), ...stage.branches.flatMap(({ name, steps }) => kept(steps, `${name}: `))];
  return [...parts, ['the stage itself', stage.facts.memory ?? 0] as const].filter(([, bytes]) => bytes > 0);
}

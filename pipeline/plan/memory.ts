import type { Located } from '../manifest/position.js';
import type { Report } from '../manifest/problem.js';
import { formatBytes } from '../manifest/units.js';
import type { PlannedStage, PlannedStep } from './plan.js';

/** What an operator of a stage keeps across batches. */
export type Held = Pick<PlannedStep, 'label' | 'holds'>;

/** What a stage keeps, as far as it is known: its operators across batches, those of its branches, and itself. */
export interface Keeps extends Pick<PlannedStage, 'name' | 'at'> {
  readonly steps: readonly Held[];
  readonly branches: readonly { readonly name: string; readonly steps: readonly Held[] }[];
  readonly facts: { readonly memory?: number };
}

/** Checks that what a stage keeps fits into the memory of the run. What a problem hides is not counted. */
export function checkMemory(stage: Keeps, memory: Located<number>, report: Report): void {
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
export function memoryOf(stage: Keeps): readonly (readonly [name: string, bytes: number])[] {
  const kept = (steps: readonly Held[], prefix: string) =>
    steps.map(({ label, holds }): readonly [string, number] => [`${prefix}${label}`, holds]);
  const parts = [...kept(stage.steps, ''), ...stage.branches.flatMap(({ name, steps }) => kept(steps, `${name}: `))];
  return [...parts, ['the stage itself', stage.facts.memory ?? 0] as const].filter(([, bytes]) => bytes > 0);
}

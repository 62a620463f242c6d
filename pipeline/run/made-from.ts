import { createHash } from 'node:crypto';
import type { PlannedStage } from '../plan/plan.js';
import type { StageReport } from './report.js';

/**
 * What a stage's folder is made from: the stage's fingerprint, and the digests of what the stages before it made, which are others where
 * failed rows of theirs have come through.
 */
export function madeFrom(
  { fingerprint, needs }: Pick<PlannedStage, 'fingerprint' | 'needs'>,
  earlier: readonly Pick<StageReport, 'name' | 'digest'>[],
): string {
  const digests = earlier.filter(({ name }) => needs.includes(name)).map(({ name, digest }) => `${name}\0${digest}\n`);
  if (digests.length === 0) return fingerprint;
  return createHash('sha256')
    .update([fingerprint, ...digests].join('\n'))
    .digest('hex');
}

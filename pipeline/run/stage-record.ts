import type { Result } from '../metrics.js';
import type { StageReport } from './report.js';

/** A file that a stage made, relative to its folder. */
export interface StageFile {
  readonly file: string;
  readonly bytes: number;
  /** SHA-256, hexadecimal. */
  readonly sha256: string;
}

/** The completion mark of a stage: what was made, from what, and all that the report shows of it. */
export interface StageRecord {
  readonly fingerprint: string;
  readonly files: readonly StageFile[];
  /** The figures that its digest is made of, beside the files. */
  readonly figures: readonly Pick<Result, 'task' | 'metric' | 'value'>[];
  readonly report: StageReport;
}

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

/** Whether a value has the form of a completion mark: somebody may have edited it, or put another file there. */
export function isStageRecord(value: unknown): value is StageRecord {
  const { fingerprint, files, figures, report } = Object(value) as Partial<Record<keyof StageRecord, unknown>>;
  const { name, use, seconds } = Object(report) as Partial<StageReport>;
  return (
    typeof fingerprint === 'string' &&
    Array.isArray(files) &&
    files.every(isStageFile) &&
    Array.isArray(figures) &&
    typeof name === 'string' &&
    typeof use === 'string' &&
    typeof seconds === 'number'
  );
}

function isStageFile(value: unknown): value is StageFile {
  const { file, bytes, sha256 } = Object(value) as Partial<StageFile>;
  return typeof file === 'string' && typeof bytes === 'number' && typeof sha256 === 'string';
}

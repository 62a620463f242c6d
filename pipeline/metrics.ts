/** What a running stage emits: training and evaluation are streams too, so logging, gating and storing stand behind them. */

/** How far a stage is. */
export interface Progress {
  readonly kind: 'progress';
  readonly done: number;
  /** Undefined where it is not known beforehand. */
  readonly total?: number;
  readonly unit: 'rows' | 'steps' | 'bytes';
  /** What it does now, where a stage has several parts: `encoding images`. */
  readonly doing?: string;
}

/** Figures of one training step. */
export interface StepMetrics {
  readonly kind: 'step';
  /** Step, from 1. */
  readonly step: number;
  /** Rows that it was trained on. */
  readonly samples: number;
  readonly values: Readonly<Record<string, number>>;
}

/** One figure that a stage ends with: of an evaluation, or of training as a whole. Gates test these by name. */
export interface Result {
  readonly kind: 'result';
  /** What was measured: `retrieval`, `zero-shot (ja)`. */
  readonly task: string;
  /** Name that a gate uses: `image_to_text_r1`. */
  readonly metric: string;
  /** Fractions are 0 to 1. */
  readonly value: number;
  readonly note?: string;
}

/** One example for the report. */
export interface Sample {
  readonly kind: 'sample';
  readonly title: string;
  readonly text: string;
  readonly expected?: string;
  /** PNG, JPEG or WebP bytes. */
  readonly image?: Uint8Array;
}

/** A line for the log and the report. */
export interface Note {
  readonly kind: 'note';
  readonly text: string;
}

export type StageEvent = Progress | StepMetrics | Result | Sample | Note;

import type { StageEvent } from '../metrics.js';

/** Where the rows of a running stage are; emitted twice a second at most, behind an event of the stage. */
export interface OperatorsEvent {
  readonly kind: 'stage-operators';
  readonly stage: string;
  /** Bytes of rows that are in flight, and how many may be. */
  readonly held: number;
  readonly memory: number;
  /** In the order of the rows; the source first, the sink last. */
  readonly operators: readonly OperatorCounts[];
}

/** What an operator has done so far. */
export interface OperatorCounts {
  readonly name: string;
  readonly rowsIn: number;
  readonly rowsOut: number;
  readonly dropped: number;
  /** Bytes of the rows that came out. */
  readonly bytes: number;
  /** Bytes in its queue now. */
  readonly held: number;
  /** Time in which it was at work. */
  readonly seconds: number;
  /** Time in which it waited for rows; of a source, for room behind it. */
  readonly waiting: number;
}

/** What a run emits, in order. */
export type RunEvent =
  | { readonly kind: 'run-started'; readonly name: string; readonly output: string; readonly stages: readonly string[] }
  | { readonly kind: 'stage-started'; readonly stage: string; readonly use: string; readonly resumed: boolean }
  /** Rows of a complete stage that failed are tried again. */
  | { readonly kind: 'stage-retried'; readonly stage: string; readonly use: string; readonly rows: number }
  | { readonly kind: 'stage-skipped'; readonly stage: string; readonly use: string; readonly digest: string }
  | { readonly kind: 'stage-event'; readonly stage: string; readonly event: StageEvent }
  | OperatorsEvent
  | {
      readonly kind: 'stage-complete';
      readonly stage: string;
      readonly seconds: number;
      readonly summary: string;
      /** Of all that it made: equal digests are equal bytes. */
      readonly digest: string;
    }
  | { readonly kind: 'run-complete'; readonly seconds: number; readonly report: string };

import type { StageEvent } from '../metrics.js';

/** What a run emits, in order. */
export type RunEvent =
  | { readonly kind: 'run-started'; readonly name: string; readonly output: string; readonly stages: readonly string[] }
  | { readonly kind: 'stage-started'; readonly stage: string; readonly use: string; readonly resumed: boolean }
  | { readonly kind: 'stage-skipped'; readonly stage: string; readonly use: string; readonly digest: string }
  | { readonly kind: 'stage-event'; readonly stage: string; readonly event: StageEvent }
  | {
      readonly kind: 'stage-complete';
      readonly stage: string;
      readonly seconds: number;
      readonly summary: string;
      /** Of all that it made: equal digests are equal bytes. */
      readonly digest: string;
    }
  | { readonly kind: 'run-complete'; readonly seconds: number; readonly report: string };

import type { DroppedRow } from '../graph/chain.js';
import type { Owner } from './lock.js';

/** What a run made and measured, as `report.json` holds it and `report.html` shows it. */
export interface RunReport {
  /** Name of the manifest. */
  readonly name: string;
  readonly seed: number;
  /** When the run began, ISO 8601. */
  readonly startedAt: string;
  /** How long this run took; stages that were complete already add nothing. */
  readonly seconds: number;
  readonly manifestFile: string;
  /** Tensor backend in use: `TensorFlow 2.21 on 2 threads`. */
  readonly backend: string;
  /** The run that `baseline` names, whose figures are beside those of this one. */
  readonly baseline?: BaselineReport;
  /**
   * A later run that has no report yet, as it is at work or was killed. Stages that it has not come to are then shown as a run before
   * left them.
   */
  readonly unreported?: Owner & { readonly atWork: boolean };
  /** In the order of the run. After a failure, the stages that were not reached are missing. */
  readonly stages: readonly StageReport[];
}

/** Another run that this one is compared with. */
export interface BaselineReport {
  /** Its output folder. */
  readonly folder: string;
  /** Name of its manifest. Absent where its report could not be read. */
  readonly name?: string;
  /** Why there is nothing to compare with. */
  readonly missing?: string;
}

/** One stage of a run. */
export interface StageReport {
  readonly name: string;
  /** Kind of stage: `contrastive`. */
  readonly use: string;
  /** `skipped`: it was complete from an earlier run, and this is the report of that run. `unfinished`: it is at work, or was killed. */
  readonly status: 'complete' | 'skipped' | 'failed' | 'unfinished';
  readonly seconds: number;
  /** Rows and where they went. Absent for a stage that reads none. */
  readonly rows?: RowsReport;
  /** Figures over the steps of training, in the order of the steps. */
  readonly curve?: readonly CurvePoint[];
  readonly metrics?: readonly MetricReport[];
  readonly gates?: readonly GateReport[];
  readonly samples?: readonly SampleReport[];
  /** Share of its time that a trainer waited for data, 0 to 1. */
  readonly waitingShare?: number;
  /** Digest of all that the stage wrote: equal digests are equal bytes. */
  readonly digest?: string;
  readonly notes?: readonly string[];
}

/** Rows of a stage. Rows in = rows out + rows in the ledger + rows unused. */
export interface RowsReport {
  readonly in: number;
  /** Rows written, or trained on, each as often as it was, or taken by a stage that writes none. */
  readonly out: number;
  readonly ledger: number;
  /** Rows that were read ahead, or waited in a shuffle, when a trainer had done its steps. Absent for a stage that reads to the end. */
  readonly unused?: number;
  /** In the order of the rows; the source first, the sink last. */
  readonly operators: readonly OperatorReport[];
  /** What its branches made of rows that it dropped or wrote. Absent for a stage without any. */
  readonly branches?: readonly BranchReport[];
  /** Some of the dropped rows, in the order of the operators. */
  readonly examples?: readonly DroppedRowReport[];
}

/** Rows of one branch. Rows in = rows out + rows in the ledger. */
export interface BranchReport extends Pick<RowsReport, 'in' | 'out' | 'ledger' | 'operators'> {
  readonly name: string;
}

/** Rows of one operator. */
export interface OperatorReport {
  readonly name: string;
  readonly rowsIn: number;
  readonly rowsOut: number;
  readonly dropped: readonly DropReport[];
  /** Bytes of the rows that came out. */
  readonly bytes: number;
  /** Time in which it was at work: in its own code, or with rows in asynchronous work. */
  readonly seconds: number;
  /** Time in which it waited for rows; of a source, for room behind it. */
  readonly waiting: number;
  /** What it measured of its rows. Absent where it measured nothing. */
  readonly measured?: readonly MeasureReport[];
}

/** How the values are distributed that an operator measured, of all rows that it judged by them. */
export interface MeasureReport {
  readonly measure: string;
  /** Values that are finite numbers. */
  readonly rows: number;
  readonly notFinite: number;
  readonly least: number;
  readonly median: number;
  readonly most: number;
  /** What the values were held against. */
  readonly thresholds: readonly number[];
  /** `log` where most values lie at the low end of their range: then bins have the same ratio. */
  readonly scale: 'linear' | 'log';
  /** In the order of the values; each has those from `from` to below `to`. */
  readonly bins: readonly BinReport[];
}

/** Rows whose value is in a range. */
export interface BinReport {
  readonly from: number;
  readonly to: number;
  readonly rows: number;
}

/** Rows that an operator dropped for one reason. */
export interface DropReport {
  readonly reason: string;
  readonly rows: number;
}

/** A dropped row as the ledger has it, and what there is to see of it. */
export interface DroppedRowReport extends Omit<DroppedRow, 'stage'> {
  /** Its text columns, cut where they are long. */
  readonly texts: readonly ColumnText[];
  /** Data URL, as of a sample. */
  readonly image?: string;
}

/** A text of a row; null where the row has none. */
export interface ColumnText {
  readonly column: string;
  readonly text: string | null;
}

/** Figures of one training step. */
export interface CurvePoint {
  readonly step: number;
  readonly metrics: Readonly<Record<string, number>>;
}

/** One figure that a stage ended with. Shares are 0 to 1. */
export interface MetricReport {
  readonly task: string;
  readonly metric: string;
  readonly value: number;
  /** The same figure of the run that this one is compared with. */
  readonly baseline?: number;
  readonly note?: string;
}

/** One condition of the manifest's `require`. */
export interface GateReport {
  readonly metric: string;
  /** `>= 0.4` */
  readonly rule: string;
  readonly value: number;
  readonly passed: boolean;
}

/** One example: a retrieval, a generated caption. */
export interface SampleReport {
  readonly title: string;
  /** Data URL of a PNG, JPEG, WebP or GIF image; anything else is not shown. */
  readonly image?: string;
  readonly text: string;
  /** What would have been right. */
  readonly expected?: string;
}

import type { OperatorAccount } from '../graph/account.js';
import { droppedRows } from '../graph/account.js';
import type { Result, Sample, StageEvent, StepMetrics } from '../metrics.js';
import type { PlannedStage } from '../plan/plan.js';
import type { DroppedExample } from './dropped-examples.js';
import type { GateOutcome } from './gates.js';
import { histogramOf } from './histogram.js';
import type { BranchReport, DroppedRowReport, OperatorReport, RowsReport, StageReport } from './report.js';
import type { BranchAccounts } from './stage-branches.js';

/** Points of a training curve that a report keeps at most; between, every second point is dropped again and again. */
const CURVE_POINTS = 600;
/** Samples that a report keeps of a stage. */
const SAMPLES = 60;

/** What is known once a stage has ended. */
export interface StageEnd {
  readonly seconds: number;
  readonly accounts: readonly OperatorAccount[];
  readonly branches: readonly BranchAccounts[];
  /** Dropped rows to show. */
  readonly examples: readonly DroppedExample[];
  readonly digest: string;
  readonly gates: readonly GateOutcome[];
}

/** Gathers a stage's events for its report, in bounded memory. */
export function collectReport({ name, stage }: Pick<PlannedStage, 'name' | 'stage'>) {
  const results: Result[] = [];
  const samples: Sample[] = [];
  const notes: string[] = [];
  let curve: StepMetrics[] = [];
  let every = 1;
  let last: StepMetrics | undefined;
  let trained = 0;
  return {
    results: results as readonly Result[],
    /** The figures that belong to what the stage made: all of them but those of training, which tell of times too. */
    get made(): readonly Result[] {
      return last === undefined ? results : [];
    },
    take(event: StageEvent): void {
      if (event.kind === 'result') results.push(event);
      if (event.kind === 'sample' && samples.length < SAMPLES) samples.push(event);
      if (event.kind === 'note') notes.push(event.text);
      if (event.kind === 'step') {
        last = event;
        trained += event.samples;
        if (event.step % every === 0) curve.push(event);
        if (curve.length > CURVE_POINTS) {
          every *= 2;
          curve = curve.filter(({ step }) => step % every === 0);
        }
      }
    },
    finish({ seconds, accounts, branches, examples, digest, gates }: StageEnd): StageReport {
      if (last !== undefined && curve.at(-1) !== last) curve.push(last);
      const waiting = results.find(({ metric }) => metric === 'waiting_share');
      return {
        name,
        use: stage.name,
        status: 'complete',
        seconds,
        digest,
        notes,
        gates: [...gates],
        metrics: results.map(({ task, metric, value, note }) => ({
          task,
          metric,
          value,
          ...(note === undefined ? {} : { note }),
        })),
        curve: curve.map(({ step, values }) => ({ step, metrics: { ...values } })),
        samples: samples.map(({ title, text, expected, image }) => ({
          title,
          text,
          ...(expected === undefined ? {} : { expected }),
          ...(image === undefined ? {} : { image: dataUrl(image) }),
        })),
        ...(accounts.length === 0
          ? {}
          : {
              rows: {
                ...sumUp(accounts, last === undefined ? undefined : trained),
                ...(branches.length === 0 ? {} : { branches: branches.map(branchReport) }),
                examples: examples.map(droppedRow),
              },
            }),
        ...(waiting === undefined ? {} : { waitingShare: waiting.value }),
      };
    },
  };
}

/** `trained`: rows that a trainer took, of more that it could have had. */
function sumUp(accounts: readonly OperatorAccount[], trained: number | undefined): RowsReport {
  const rowsIn = accounts[0]!.rowsIn;
  const ledger = accounts.reduce((sum, account) => sum + droppedRows(account), 0);
  return {
    in: rowsIn,
    out: trained ?? accounts.at(-1)!.rowsOut,
    ledger,
    ...(trained === undefined ? {} : { unused: rowsIn - trained - ledger }),
    operators: accounts.map((account) => ({
      name: account.operator,
      rowsIn: account.rowsIn,
      rowsOut: account.rowsOut,
      dropped: [...account.dropped].map(([reason, rows]) => ({ reason, rows })),
      bytes: account.bytes,
      seconds: account.seconds,
      waiting: account.waiting,
      ...measuredBy(account),
    })),
  };
}

function measuredBy({ measured }: OperatorAccount): Pick<OperatorReport, 'measured'> {
  const reports = [...measured].map(([measure, values]) => histogramOf(measure, values)).filter(({ rows }) => rows > 0);
  return reports.length === 0 ? {} : { measured: reports };
}

function branchReport({ name, accounts }: BranchAccounts): BranchReport {
  return { name, ...sumUp(accounts, undefined) };
}

function droppedRow({ dropped, texts, image }: DroppedExample): DroppedRowReport {
  const { stage, value, unit, ...row } = dropped;
  return {
    ...row,
    ...(Number.isFinite(value) ? { value: value! } : {}),
    texts,
    ...(image === undefined ? {} : { image: dataUrl(image) }),
  };
}

function dataUrl(image: Uint8Array): string {
  const type = image[0] === 0x89 ? 'png' : image[0] === 0xff ? 'jpeg' : 'webp';
  return `data:image/${type};base64,${Buffer.from(image).toString('base64')}`;
}

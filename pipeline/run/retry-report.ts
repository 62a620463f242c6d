import { formatCount } from '../terminal/format.js';
import type { FailedRows } from './failed-rows.js';
import type { BranchReport, DroppedRowReport, DropReport, OperatorReport, RowsReport, StageReport } from './report.js';

/**
 * The report of a stage whose failed rows were tried again: as if they had come as they did the second time. What was measured stays
 * that of the first time, for its histograms know no single rows.
 */
export function mergeReports(before: StageReport, again: StageReport, failed: FailedRows): StageReport {
  const [old, more] = [before.rows!, again.rows!];
  const operators = addOperators(withoutFailed(old.operators, failed), more.operators);
  const sums = sumUp(operators);
  const through = more.out;
  return {
    ...before,
    status: 'complete',
    seconds: before.seconds + again.seconds,
    rows: {
      ...old,
      ...sums,
      operators,
      ...(old.branches === undefined ? {} : { branches: addBranches(old.branches, more.branches ?? []) }),
      examples: [...(old.examples ?? []).filter((row) => !wasRetried(row, failed)), ...(more.examples ?? [])],
    },
    notes: [
      ...(before.notes ?? []),
      `${formatCount(failed.count)} rows that had failed were tried again: ${formatCount(through)} came through`,
    ],
  };
}

function sumUp(operators: readonly OperatorReport[]): Pick<RowsReport, 'in' | 'out' | 'ledger'> {
  const ledger = operators.flatMap(({ dropped }) => dropped).reduce((sum, { rows }) => sum + rows, 0);
  return { in: operators[0]!.rowsIn, out: operators.at(-1)!.rowsOut, ledger };
}

/** The counts without the rows that failed: each went into the operators up to the one that it failed at. */
function withoutFailed(operators: readonly OperatorReport[], failed: FailedRows): OperatorReport[] {
  const names = operators.map(({ name }) => name);
  const counts = operators.map(({ rowsIn, rowsOut, dropped }) => ({
    rowsIn,
    rowsOut,
    dropped: new Map(dropped.map(({ reason, rows }) => [reason, rows])),
  }));
  for (const { operator, reason } of failed.all()) {
    const at = names.indexOf(operator);
    for (let i = 0; i <= at; i++) counts[i]!.rowsIn--;
    for (let i = 0; i < at; i++) counts[i]!.rowsOut--;
    counts[at]!.dropped.set(reason, counts[at]!.dropped.get(reason)! - 1);
  }
  return operators.map((operator, i) => {
    const { rowsIn, rowsOut, dropped } = counts[i]!;
    return { ...operator, rowsIn, rowsOut, dropped: [...dropped].map(([reason, rows]) => ({ reason, rows })) };
  });
}

function addOperators(first: readonly OperatorReport[], second: readonly OperatorReport[]): OperatorReport[] {
  return first.map((operator, i) => {
    const more = second[i]!;
    return {
      ...operator,
      rowsIn: operator.rowsIn + more.rowsIn,
      rowsOut: operator.rowsOut + more.rowsOut,
      dropped: addDrops(operator.dropped, more.dropped),
      bytes: operator.bytes + more.bytes,
      seconds: operator.seconds + more.seconds,
      waiting: operator.waiting + more.waiting,
    };
  });
}

function addDrops(first: readonly DropReport[], second: readonly DropReport[]): DropReport[] {
  const sums = new Map<string, number>();
  for (const { reason, rows } of [...first, ...second]) sums.set(reason, (sums.get(reason) ?? 0) + rows);
  return [...sums].filter(([, rows]) => rows > 0).map(([reason, rows]) => ({ reason, rows }));
}

function addBranches(first: readonly BranchReport[], second: readonly BranchReport[]): BranchReport[] {
  return first.map((branch, i) => {
    const operators = addOperators(branch.operators, second[i]!.operators);
    return { ...branch, ...sumUp(operators), operators };
  });
}

function wasRetried({ operator, reason, row, ...place }: DroppedRowReport, failed: FailedRows): boolean {
  const failure = failed.in(place)?.get(row);
  return failure?.operator === operator && failure.reason === reason;
}

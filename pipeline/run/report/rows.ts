import { formatCount, formatSeconds } from '../../terminal/format.js';
import type { BranchReport, RowsReport } from '../report.js';
import { droppedPart } from './dropped.js';
import { percent } from './figures.js';
import { flowTable } from './flow.js';
import { histogramsPart } from './histograms.js';
import { html, type Markup } from './markup.js';

/**
 * Rows of a stage: the sum check, the operators and the flow of rows through them, what they measured, and some of the dropped
 * rows.
 * @param seconds what the stage took, if rows were all that it worked on: then the busiest operator is named
 */
export function rowsPart(rows: RowsReport, seconds?: number): Markup {
  const drops = dropsOf(rows);
  return html`<h3>Rows</h3>
${sumCheck(rows)}
${flowTable(rows.operators, place(drops))}
${busiest(rows, seconds)}
${(rows.branches ?? []).map(branchPart)}
${histogramsPart([...rows.operators, ...(rows.branches ?? []).flatMap(({ operators }) => operators)])}
${droppedPart(rows.examples ?? [], place(drops))}`;
}

/** Below this share of the time no operator is worth looking at. */
const BUSY = 0.2;

/** The operator that took the most time, in words, where that is much of the stage's. */
function busiest({ operators }: RowsReport, seconds: number | undefined): Markup | undefined {
  const [first] = operators.toSorted((a, b) => b.seconds - a.seconds);
  if (seconds === undefined || first === undefined || first.seconds < BUSY * seconds) return undefined;
  const share = percent(Math.min(1, first.seconds / seconds));
  return html`<p>The bottleneck is <code>${first.name}</code>: it was busy ${formatSeconds(first.seconds)}, ${share} of the stage's time.</p>`;
}

/** A branch in short: its sum, and the flow through its operators. */
function branchPart(branch: BranchReport): Markup {
  return html`<h4>Branch ${branch.name}</h4>
${sumCheck(branch)}
${flowTable(branch.operators, place(dropsOf(branch)))}`;
}

/** Rows that an operator dropped for one reason. */
interface Drop {
  readonly name: string;
  readonly reason: string;
  readonly rows: number;
}

/** What was dropped, most rows first; the place in this list gives the colour. */
function dropsOf({ operators }: Pick<RowsReport, 'operators'>): Drop[] {
  return operators
    .flatMap(({ name, dropped }) => dropped.map(({ reason, rows }) => ({ name, reason, rows })))
    .filter(({ rows }) => rows > 0)
    .sort((a, b) => b.rows - a.rows);
}

function place(drops: readonly Drop[]): (operator: string, reason: string) => number {
  return (operator, reason) => drops.findIndex((drop) => drop.name === operator && drop.reason === reason);
}

/** Rows in = rows out + rows in the ledger (+ rows that a trainer did not need), or by how many rows that fails. */
function sumCheck({ in: rowsIn, out, ledger, unused }: Pick<RowsReport, 'in' | 'out' | 'ledger' | 'unused'>): Markup {
  const missing = rowsIn - out - ledger - (unused ?? 0);
  const count = (rows: number) => html`<b>${formatCount(rows)}</b>`;
  const left = unused === undefined ? undefined : html` + ${count(unused)} read ahead and not needed`;
  const sum = html`${count(rowsIn)} in ${missing === 0 ? '=' : 'is not'} ${count(out)} ${unused === undefined ? 'out' : 'trained on'} + ${count(ledger)} in the ledger${left}`;
  if (missing === 0) return html`<p class="sum good">✓ ${sum}</p>`;
  const fault = missing > 0 ? `${formatCount(missing)} rows are nowhere` : `${formatCount(-missing)} rows too many`;
  return html`<p class="sum bad">✗ ${sum}: ${fault}</p>`;
}

import { formatCount, formatSeconds } from '../../terminal/format.js';
import type { BranchReport, RowsReport } from '../report.js';
import { droppedPart } from './dropped.js';
import { percent } from './figures.js';
import { html, type Markup } from './markup.js';
import { COLOURS } from './style.js';

/**
 * Rows of a stage: the sum check, a bar of where the rows went, the operators, and some of the dropped rows.
 * @param seconds what the stage took, if rows were all that it worked on: then the busiest operator is named
 */
export function rowsPart(rows: RowsReport, seconds?: number): Markup {
  const drops = dropsOf(rows);
  return html`<h3>Rows</h3>
${sumCheck(rows)}
${dropBar(rows, drops)}
${operatorTable(rows)}
${busiest(rows, seconds)}
${(rows.branches ?? []).map(branchPart)}
${droppedPart(rows.examples ?? [], (operator, reason) =>
  drops.findIndex((drop) => drop.name === operator && drop.reason === reason),
)}`;
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

/** A branch in short: its sum and its operators. */
function branchPart(branch: BranchReport): Markup {
  return html`<h4>Branch ${branch.name}</h4>
${sumCheck(branch)}
${operatorTable(branch)}`;
}

/** Rows that an operator dropped for one reason. */
interface Drop {
  readonly name: string;
  readonly reason: string;
  readonly rows: number;
}

/** What was dropped, most rows first; the place in this list gives the colour. */
function dropsOf({ operators }: RowsReport): Drop[] {
  return operators
    .flatMap(({ name, dropped }) => dropped.map(({ reason, rows }) => ({ name, reason, rows })))
    .filter(({ rows }) => rows > 0)
    .sort((a, b) => b.rows - a.rows);
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

/** One bar of all rows in, with a part for each reason that an operator dropped rows for. */
function dropBar({ in: rowsIn, out, unused = 0 }: RowsReport, drops: readonly Drop[]): Markup | undefined {
  if (rowsIn === 0 || drops.length === 0) return undefined;
  const missing = Math.max(0, rowsIn - out - unused - drops.reduce((sum, { rows }) => sum + rows, 0));
  const part = (look: string, rows: number) => html`<span class="${look}" style="flex-grow:${rows}"></span>`;
  return html`<div class="drops">${out > 0 ? part('kept', out) : undefined}${drops.map(({ rows }, index) =>
    part(`c${index % COLOURS}`, rows),
  )}${missing > 0 ? part('lost', missing) : undefined}</div>
<ul class="legend"><li><i class="kept"></i>kept <b>${formatCount(out)}</b> <small>${percent(out / rowsIn)}</small></li>${drops.map(
    ({ name, reason, rows }, index) => html`
<li><i class="c${index % COLOURS}"></i>${reason} <b>${formatCount(rows)}</b> <small>${percent(rows / rowsIn)}, ${name}</small></li>`,
  )}
</ul>`;
}

function operatorTable({ operators }: Pick<RowsReport, 'operators'>): Markup | undefined {
  if (operators.length === 0) return undefined;
  return html`<div class="wide"><table class="operators"><thead><tr><th scope="col">Operator</th><th scope="col">In</th>
<th scope="col">Out</th><th scope="col">Dropped</th><th scope="col">Time</th></tr></thead><tbody>${operators.map(
    ({ name, rowsIn, rowsOut, dropped, seconds }) => html`
<tr><th scope="row"><code>${name}</code></th><td>${formatCount(rowsIn)}</td><td>${formatCount(rowsOut)}</td>
<td>${formatCount(dropped.reduce((sum, { rows }) => sum + rows, 0))}</td><td>${formatSeconds(seconds)}</td></tr>`,
  )}
</tbody></table></div>`;
}

import { formatBytes, formatCount, formatSeconds } from '../../terminal/format.js';
import type { DropReport, OperatorReport } from '../report.js';
import { percent } from './figures.js';
import { html, type Markup } from './markup.js';
import { COLOURS } from './style.js';

/** Part of a row's height, in percent, in which dropped rows leave to the right: from here to here. */
const LEAVE_FROM = 32;
const LEAVE_TO = 92;
/** Percent of the width that the smallest part is drawn with, to be seen. */
const LEAST = 0.7;

/**
 * The operators as a table whose rows are a flow diagram: a band of the rows that go from one operator to the next, as wide as
 * they are many, from which dropped rows turn to their reason.
 * @param colour the place of an operator's reason among the colours
 */
export function flowTable(
  operators: readonly OperatorReport[],
  colour: (operator: string, reason: string) => number,
): Markup | undefined {
  if (operators.length === 0) return undefined;
  const most = Math.max(1, ...operators.map(({ rowsIn }) => rowsIn));
  return html`<div class="wide"><table class="operators flow"><thead><tr><th scope="col">Operator</th><th scope="col">Rows out</th><th scope="col"></th>
<th scope="col">Dropped</th><th scope="col">Bytes out</th><th scope="col">Busy</th><th scope="col">Waited</th></tr></thead><tbody>${operators.map(
    (operator) => {
      const { name, rowsOut, bytes, seconds, waiting } = operator;
      const dropped = operator.dropped.filter(({ rows }) => rows > 0).toSorted((a, b) => b.rows - a.rows);
      const place = ({ reason }: DropReport) => colour(name, reason) % COLOURS;
      return html`
<tr><th scope="row"><code>${name}</code></th><td>${formatCount(rowsOut)}</td><td class="band">${band(operator, dropped, most, place)}</td>
<td class="reasons">${dropped.map((drop) => html`<p><i class="c${place(drop)}"></i>${drop.reason} <b>${formatCount(drop.rows)}</b> <small>${percent(drop.rows / most)}</small></p>`)}</td><td>${formatBytes(bytes)}</td><td>${formatSeconds(seconds)}</td><td>${formatSeconds(waiting)}</td></tr>`;
    },
  )}
</tbody></table></div>`;
}

/** The part of the flow beside one operator: what stays goes down, what is dropped goes to the right, the most at the bottom. */
function band(
  { rowsOut }: OperatorReport,
  dropped: readonly DropReport[],
  most: number,
  place: (drop: DropReport) => number,
): Markup {
  const kept = wide(rowsOut, most);
  const sum = dropped.reduce((rows, drop) => rows + drop.rows, 0);
  let x = kept;
  let y = LEAVE_TO;
  const parts = dropped.map((drop) => {
    const [left, bottom] = [x, y];
    x = Math.min(100, x + wide(drop.rows, most));
    y -= ((LEAVE_TO - LEAVE_FROM) * drop.rows) / sum;
    return html`<path class="c${place(drop)}" d="${turn(left, x, bottom, y)}"/>`;
  });
  return html`<svg viewBox="0 0 100 100" preserveAspectRatio="none" aria-hidden="true">${
    rowsOut === 0 ? undefined : html`<rect class="kept" width="${kept.toFixed(2)}" height="100"/>`
  }${parts}</svg>`;
}

/** From `left` to `right` on the upper edge round to `bottom` to `top` on the right one. */
function turn(left: number, right: number, bottom: number, top: number): string {
  const n = (value: number) => Number(value.toFixed(2));
  const [l, r, b, t] = [n(left), n(right), n(bottom), n(top)];
  return `M${l} 0C${l} ${b} ${l} ${b} 100 ${b}V${t}C${r} ${t} ${r} ${t} ${r} 0Z`;
}

function wide(rows: number, most: number): number {
  return rows === 0 ? 0 : Math.max(LEAST, (100 * rows) / most);
}

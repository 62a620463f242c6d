import { measuredText, originText } from '../../terminal/plain-text.js';
import type { ColumnText, DroppedRowReport } from '../report.js';
import { picture } from './gallery.js';
import { html, type Markup } from './markup.js';
import { COLOURS } from './style.js';

/** Dropped rows as cards. `place` gives the place of an operator's reason among the colours; -1 where it has none. */
export function droppedPart(
  examples: readonly DroppedRowReport[],
  place: (operator: string, reason: string) => number,
): Markup | undefined {
  if (examples.length === 0) return undefined;
  return html`<h3>Some of the dropped rows</h3>
<ul class="gallery dropped">${examples.map((row) => card(row, place(row.operator, row.reason)))}
</ul>`;
}

function card(row: DroppedRowReport, place: number): Markup {
  const { operator, reason, detail, texts } = row;
  const swatch = place < 0 ? undefined : html`<i class="c${place % COLOURS}"></i>`;
  return html`
<li>${picture(row.image) ?? html`<span class="none">no picture</span>`}
<div><p>${swatch}<b>${reason}</b> <small>${operator}</small></p>${[measuredText(row), detail].map((text) =>
    text === undefined ? undefined : html`<p dir="auto">${text}</p>`,
  )}${texts.map(columnText)}
<small>${originText(row)}</small></div></li>`;
}

function columnText({ column, text }: ColumnText): Markup {
  return html`<p><small>${column}</small> ${text === null ? html`<em>null</em>` : html`<bdi>${text}</bdi>`}</p>`;
}

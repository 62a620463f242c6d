import { formatSeconds } from '../../terminal/format.js';
import type { StageReport } from '../report.js';
import { curvesPart } from './curves.js';
import { gateList, metricTables, percent } from './figures.js';
import { galleryPart } from './gallery.js';
import { html, type Markup } from './markup.js';
import { rowsPart } from './rows.js';

/** What a status is called and how it looks. */
const STATUS = {
  complete: { text: 'complete', look: 'good' },
  skipped: { text: 'complete before', look: 'plain' },
  failed: { text: 'failed', look: 'bad' },
  unfinished: { text: 'not finished', look: 'plain' },
} as const;

/** The status of a stage as a badge. */
export function statusBadge(status: StageReport['status']): Markup {
  const { text, look } = STATUS[status];
  return html`<span class="badge ${look}">${text}</span>`;
}

/** All that is known of one stage. `place` is its number in the run, from 1, and its anchor on the page. */
export function stageSection(stage: StageReport, place: number): Markup {
  const {
    name,
    use,
    status,
    seconds,
    notes = [],
    gates = [],
    metrics = [],
    curve = [],
    samples = [],
    waitingShare,
  } = stage;
  // What trains is busy with other things than rows, which another thread reads.
  const trained = curve.length > 0;
  const facts = [
    use,
    formatSeconds(seconds),
    waitingShare === undefined ? undefined : `waited for data ${percent(waitingShare)} of the time`,
  ].filter((fact) => fact !== undefined);
  return html`
<section id="stage-${place}" class="${status}">
<h2><span>${place}</span> ${name} ${statusBadge(status)}</h2>
<p class="facts">${facts.join(' · ')}${
    stage.digest === undefined ? undefined : html` · <code title="${stage.digest}">${stage.digest.slice(0, 12)}</code>`
  }</p>
${notes.map((note) => html`<p class="note" dir="auto">${note}</p>`)}
${gateList(gates)}
${metricTables(waitingShare === undefined ? metrics : metrics.filter(({ metric }) => metric !== 'waiting_share'))}
${curvesPart(curve)}
${stage.rows === undefined ? undefined : rowsPart(stage.rows, trained ? undefined : seconds)}
${galleryPart(samples)}
</section>`;
}

import { formatCount, formatFigure, formatSeconds } from '../terminal/format.js';
import { describeUnreported } from '../terminal/report-text.js';
import { figure, headline, metricName, tiles } from './report/figures.js';
import { html, type Markup } from './report/markup.js';
import { stageSection, statusBadge } from './report/stage-section.js';
import { STYLE } from './report/style.js';
import type { RunReport, StageReport } from './report.js';

/**
 * The report of a run as one HTML page that needs nothing else: no script, no network, pictures inside, light or dark as
 * the reader's system is. Every text from data is escaped, and the page's own policy forbids all but its style and its
 * pictures.
 */
export function renderReport(report: RunReport): string {
  const { name, stages } = report;
  const failed = stages.find(({ status }) => status === 'failed');
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<meta name="color-scheme" content="light dark">
<title>${name} · alignflow</title>
${STYLE}
</head>
<body>
<header>
<p class="product">alignflow · run report</p>
<h1>${name}</h1>
<dl>${facts(report)}
</dl>
</header>
<main>
${report.unreported === undefined ? undefined : html`<p class="note">${describeUnreported(report.unreported)}.</p>`}
${failed === undefined ? undefined : html`<p class="note bad">The run ended in stage <b>${failed.name}</b>. What came before it is complete.</p>`}
${tiles(stages.flatMap(({ name, metrics = [] }) => metrics.map((metric) => ({ ...metric, task: `${name}: ${metric.task}` }))))}
${overview(stages)}
${stages.map((stage, index) => stageSection(stage, index + 1))}
</main>
</body>
</html>
`.text;
}

function facts({ startedAt, seconds, seed, backend, manifestFile, baseline }: RunReport): Markup[] {
  const entries = [
    [
      'started',
      html`<time datetime="${startedAt}">${startedAt.replace('T', ' ').replace(/(:\d\d)\.\d+Z$/, '$1 UTC')}</time>`,
    ],
    ['took', formatSeconds(seconds)],
    ['seed', seed],
    ['backend', backend],
    ['manifest', html`<code>${manifestFile}</code>`],
    ...(baseline === undefined ? [] : [['compared with', baseline.name ?? `nothing: ${baseline.missing}`] as const]),
  ] as const;
  return entries.map(
    ([term, value]) => html`
<div><dt>${term}</dt><dd>${value}</dd></div>`,
  );
}

function overview(stages: readonly StageReport[]): Markup {
  if (stages.length === 0) return html`<p class="note">No stage has run.</p>`;
  return html`<div class="wide"><table class="overview"><thead><tr><th scope="col">Stage</th><th scope="col"></th><th scope="col">Time</th>
<th scope="col">Rows in</th><th scope="col">Rows out</th><th scope="col">Outcome</th></tr></thead><tbody>${stages.map(
    (stage, index) => html`
<tr><th scope="row"><a href="#stage-${index + 1}">${stage.name}</a> <small>${stage.use}</small></th><td>${statusBadge(stage.status)}</td>
<td>${formatSeconds(stage.seconds)}</td><td>${count(stage.rows?.in)}</td><td>${count(stage.rows?.out)}</td><td>${outcome(stage)}</td></tr>`,
  )}
</tbody></table></div>`;
}

function count(rows: number | undefined): string {
  return rows === undefined ? '' : formatCount(rows);
}

/** The last loss of a stage that trains, or else its best two figures. */
function outcome({ metrics = [], curve = [] }: StageReport): string {
  const loss = curve.at(-1)?.metrics.loss;
  if (loss !== undefined) return `loss ${formatFigure(loss)}`;
  const best = headline(metrics).slice(0, 2);
  return best.map((metric) => `${metricName(metric.metric)} ${figure(metric)}`).join(', ');
}

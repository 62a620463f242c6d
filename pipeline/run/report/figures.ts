import { formatFigure } from '../../terminal/format.js';
import type { GateReport, MetricReport } from '../report.js';
import { html, type Markup } from './markup.js';

/** Names of metrics that are shares, so that they read better in percent. */
const SHARE = /(?:^|_)(?:r\d+|top\d+|accuracy|recall|precision|f1|match|rate|share)(?:_|$)/;
/** Names of metrics that say most about a run. */
const HEADLINE = /(?:^|_)(?:r1|top1|accuracy|match|cider)(?:_|$)/;
/** Most figures on top of the page. */
const TILES = 18;

/** Whether a figure is a share of 0 to 1, by the name of its metric. */
function isShare({ metric, value }: Pick<MetricReport, 'metric' | 'value'>): boolean {
  return SHARE.test(metric) && Number.isFinite(value) && value >= 0 && value <= 1;
}

/** `43.5 %` for a share, four significant digits otherwise, a dash for what is not a number. */
export function figure(metric: Pick<MetricReport, 'metric' | 'value'>): string {
  if (!Number.isFinite(metric.value)) return '–';
  return isShare(metric) ? percent(metric.value) : formatFigure(metric.value);
}

/** `+2.8 points to 31.5 %` for a share with a baseline, `+0.12 to 0.54` for another figure. */
export function change(metric: MetricReport): string | undefined {
  const { value, baseline } = metric;
  if (baseline === undefined || !Number.isFinite(value) || !Number.isFinite(baseline)) return undefined;
  const by = value - baseline;
  const sign = by < 0 ? '−' : '+';
  const size = isShare(metric) ? `${(100 * Math.abs(by)).toFixed(1)} points` : formatFigure(Math.abs(by));
  return `${sign}${size} to ${figure({ ...metric, value: baseline })}`;
}

/** `43.5 %` of 0.435, `< 0.1 %` of what would round to nothing. */
export function percent(share: number): string {
  return share > 0 && share < 0.0005 ? '< 0.1 %' : `${(100 * share).toFixed(1)} %`;
}

/** Name of a metric as text: `image_to_text_r1` is `image to text R@1`. */
export function metricName(metric: string): string {
  return metric
    .replace(/(^|_)r(\d+)(?=_|$)/, '$1R@$2')
    .replace(/(^|_)top(\d+)(?=_|$)/, '$1top-$2')
    .replace(/(^|_)cider(?=_|$)/, '$1CIDEr')
    .replace(/(^|_)bleu_(\d)(?=_|$)/, '$1BLEU-$2')
    .replaceAll('_', ' ');
}

/** The figures that say most: recall at 1, top-1, accuracy, exact match, CIDEr; all of them where there is none of these. */
export function headline(metrics: readonly MetricReport[]): readonly MetricReport[] {
  const best = metrics.filter(({ metric }) => HEADLINE.test(metric));
  return (best.length > 0 ? best : metrics).slice(0, TILES);
}

/** The headline figures as tiles. */
export function tiles(metrics: readonly MetricReport[]): Markup | undefined {
  if (metrics.length === 0) return undefined;
  return html`<ul class="tiles">${headline(metrics).map(
    (metric) => html`
<li><strong>${figure(metric)}</strong><span>${metricName(metric.metric)}</span><small>${metric.task}</small>${small(change(metric))}</li>`,
  )}
</ul>`;
}

/** All figures of a stage, a block per task, with a bar for each share. */
export function metricTables(metrics: readonly MetricReport[]): Markup | undefined {
  if (metrics.length === 0) return undefined;
  const tasks = new Set(metrics.map(({ task }) => task));
  return html`<h3>Figures</h3>
<div class="blocks">${[...tasks].map(
    (task) => html`
<table class="figures"><caption>${task}</caption><tbody>${metrics
      .filter((row) => row.task === task)
      .map(
        (row) => html`
<tr><th scope="row">${metricName(row.metric)}${small(row.note)}${small(change(row))}</th>
<td class="bar">${isShare(row) ? bar(row.value) : undefined}</td><td class="number">${figure(row)}</td></tr>`,
      )}
</tbody></table>`,
  )}
</div>`;
}

function small(text: string | undefined): Markup | undefined {
  return text === undefined ? undefined : html`<small>${text}</small>`;
}

function bar(share: number): Markup {
  return html`<span class="track"><span style="width:${(100 * share).toFixed(1)}%"></span></span>`;
}

/** The conditions of `require`, and whether they were met. */
export function gateList(gates: readonly GateReport[]): Markup | undefined {
  if (gates.length === 0) return undefined;
  return html`<h3>Required</h3>
<ul class="gates">${gates.map(
    ({ metric, rule, value, passed }) => html`
<li class="${passed ? 'good' : 'bad'}">${passed ? '✓' : '✗'} ${metricName(metric)} <code>${rule}</code> <span>${
      passed ? 'passed' : 'missed'
    } with ${Number.isFinite(value) ? formatFigure(value) : 'no value'}</span></li>`,
  )}
</ul>`;
}

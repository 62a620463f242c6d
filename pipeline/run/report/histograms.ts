import { formatCount, formatFigure } from '../../terminal/format.js';
import type { MeasureReport, OperatorReport } from '../report.js';
import { niceAxis } from './axis.js';
import { metricName, percent } from './figures.js';
import { html, type Markup } from './markup.js';

/** Size of a histogram and of its margins, in its own units; the page scales it. */
const WIDTH = 440;
const HEIGHT = 170;
const SIDE = 14;
const TOP = 22;
const BOTTOM = 24;

/** What operators measured: a histogram for each measure, with its thresholds drawn in. */
export function histogramsPart(operators: readonly OperatorReport[]): Markup | undefined {
  const all = operators.flatMap(({ name, measured = [] }) => measured.map((measure) => ({ name, measure })));
  if (all.length === 0) return undefined;
  return html`<h3>Measured</h3>
<div class="charts">${all.map(({ name, measure }) => histogram(name, measure))}
</div>`;
}

function histogram(operator: string, report: MeasureReport): Markup {
  const { measure, rows, notFinite, least, median, most, thresholds, bins } = report;
  const odd = notFinite === 0 ? undefined : html`<span>${formatCount(notFinite)} not finite</span>`;
  const name = html`<b>${metricName(measure)}</b><small>${operator}</small>`;
  if (least === most)
    return html`
<figure><figcaption>${name}<span>${formatFigure(least)} of all ${formatCount(rows)} rows</span>${odd}</figcaption></figure>`;
  const at = scaleOf(report);
  const highest = Math.max(...bins.map((bin) => bin.rows));
  const floor = HEIGHT - BOTTOM;
  const height = (count: number) => (count === 0 ? 0 : Math.max(1, ((floor - TOP) * count) / highest));
  const told = `${measure} of ${formatCount(rows)} rows: ${formatFigure(least)} to ${formatFigure(most)}, median ${formatFigure(median)}`;
  return html`
<figure><figcaption>${name}<span>${formatFigure(least)} to ${formatFigure(most)}, median ${formatFigure(median)}</span>${odd}</figcaption>
<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${told}">
<g class="bars">${bins.map(({ from, to, rows: count }) => {
    const left = at.x(from) + 0.4;
    const width = Math.max(0.8, at.x(to) - at.x(from) - 0.8);
    return html`<rect x="${left.toFixed(1)}" y="${(floor - height(count)).toFixed(1)}" width="${width.toFixed(1)}" height="${height(count).toFixed(1)}"><title>${formatFigure(from)} to ${formatFigure(to)}: ${formatCount(count)} rows, ${percent(count / rows)}</title></rect>`;
  })}</g>
<path class="axis" d="M${SIDE} ${floor}H${WIDTH - SIDE}"/>
<g class="x">${at.ticks.map(({ value, label }) => html`<text x="${at.x(value).toFixed(1)}" y="${floor + 16}">${label}</text>`)}</g>
<g class="threshold">${thresholds.filter(at.shows).map((value) => {
    const x = at.x(value).toFixed(1);
    return html`<path d="M${x} ${TOP - 6}V${floor}"/><text x="${x}" y="${TOP - 10}">${formatFigure(value)}</text>`;
  })}</g>
</svg></figure>`;
}

/** Where values stand on the axis, thresholds beyond the bins too while they are near. */
function scaleOf({ bins, scale, thresholds }: MeasureReport) {
  const [from, to] = [bins[0]!.from, bins.at(-1)!.to];
  const spread = scale === 'log' ? Math.log10 : (value: number) => value;
  const reach = spread(to) - spread(from);
  const near = thresholds.filter(
    (value) =>
      (scale === 'linear' || value > 0) &&
      spread(value) > spread(from) - reach / 2 &&
      spread(value) < spread(to) + reach / 2,
  );
  const [low, high] = [Math.min(from, ...near), Math.max(to, ...near)];
  const share = (value: number) => (spread(value) - spread(low)) / (spread(high) - spread(low));
  const shows = (value: number) => near.includes(value);
  const axis = niceAxis(spread(low), spread(high), 5);
  const ticks =
    scale === 'log'
      ? axis.ticks.map((tick) => ({ value: 10 ** tick, label: formatFigure(Number((10 ** tick).toPrecision(2))) }))
      : axis.ticks.map((value) => ({ value, label: axis.label(value) }));
  return {
    x: (value: number) => SIDE + share(value) * (WIDTH - 2 * SIDE),
    ticks: ticks.filter(({ value }) => share(value) > -0.001 && share(value) < 1.001),
    shows,
  };
}

import { formatFigure } from '../../terminal/format.js';
import type { CurvePoint } from '../report.js';
import { type Axis, niceAxis } from './axis.js';
import { metricName } from './figures.js';
import { html, type Markup } from './markup.js';
import { COLOURS } from './style.js';

/** Size of a chart and of its margins, in its own units; the page scales it. */
const WIDTH = 440;
const HEIGHT = 230;
const LEFT = 46;
const RIGHT = 12;
const TOP = 10;
const BOTTOM = 34;
/** Points above which a running mean is drawn over the noise, and the share of the points that it spans. */
const SMOOTH_FROM = 60;
const SMOOTH_SHARE = 1 / 30;

interface Series {
  readonly metric: string;
  readonly points: readonly { readonly step: number; readonly value: number }[];
}

/** The figures of training over the steps, a chart per family: all losses share one, so do all learning rates. */
export function curvesPart(curve: readonly CurvePoint[]): Markup | undefined {
  const series = [...new Set(curve.flatMap(({ metrics }) => Object.keys(metrics)))].map((metric) => ({
    metric,
    points: curve
      .map(({ step, metrics }) => ({ step, value: metrics[metric] ?? Number.NaN }))
      .filter(({ value }) => Number.isFinite(value)),
  }));
  const drawn = series.filter(({ points }) => points.length > 0);
  const families = new Set(drawn.map(({ metric }) => family(metric)));
  if (families.size === 0) return undefined;
  return html`<h3>Training</h3>
<div class="charts">${[...families].map((title) =>
    chart(
      title,
      drawn.filter(({ metric }) => family(metric) === title),
    ),
  )}
</div>`;
}

function family(metric: string): string {
  if (/(?:^|_)loss(?:_|$)/.test(metric)) return 'loss';
  if (/(?:^|_)(?:lr|learning_rate)(?:_|$)/.test(metric)) return 'learning rate';
  return metricName(metric);
}

function chart(title: string, members: readonly Series[]): Markup {
  const all = members.flatMap(({ points }) => points);
  const x = niceAxis(0, extreme(all, 'step', Math.max), 4);
  const y = niceAxis(extreme(all, 'value', Math.min), extreme(all, 'value', Math.max), 4);
  const atX = (step: number) => LEFT + ((step - x.low) / (x.high - x.low)) * (WIDTH - LEFT - RIGHT);
  const atY = (value: number) => HEIGHT - BOTTOM - ((value - y.low) / (y.high - y.low)) * (HEIGHT - TOP - BOTTOM);
  const line = (points: Series['points']) =>
    points.map(({ step, value }) => `${atX(step).toFixed(1)},${atY(value).toFixed(1)}`).join(' ');
  const ends = members.map(({ points }) => points.at(-1)!);
  const told = `${title} over ${formatFigure(all.at(-1)!.step)} steps; last ${ends.map(({ value }) => formatFigure(value)).join(', ')}`;
  return html`
<figure><figcaption><b>${title}</b>${members.map(
    ({ metric }, index) =>
      html`<span><i class="c${index % COLOURS}"></i>${members.length > 1 ? metricName(metric) : 'last'} ${formatFigure(ends[index]!.value)}</span>`,
  )}</figcaption>
<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${told}">
${axes(x, y, atX, atY)}${members.map(({ points }, index) => {
  const smooth = points.length > SMOOTH_FROM;
  const raw = html`<polyline class="line c${index % COLOURS}${smooth ? ' faint' : ''}" points="${line(points)}"/>`;
  return smooth ? [raw, html`<polyline class="line c${index % COLOURS}" points="${line(runningMean(points))}"/>`] : raw;
})}
</svg></figure>`;
}

function axes(x: Axis, y: Axis, atX: (step: number) => number, atY: (value: number) => number): Markup {
  return html`<g class="grid">${y.ticks.map(
    (tick) => html`<path d="M${LEFT} ${atY(tick).toFixed(1)}H${WIDTH - RIGHT}"/>`,
  )}</g>
<g class="y">${y.ticks.map((tick) => html`<text x="${LEFT - 7}" y="${(atY(tick) + 4).toFixed(1)}">${y.label(tick)}</text>`)}</g>
<g class="x">${x.ticks.map(
    (tick) => html`<text x="${atX(tick).toFixed(1)}" y="${HEIGHT - BOTTOM + 17}">${x.label(tick)}</text>`,
  )}<text class="unit" x="${(LEFT + WIDTH - RIGHT) / 2}" y="${HEIGHT - 2}">step</text></g>
`;
}

/** Mean of a window around each point; the window shrinks at both ends, so that the line neither lags nor stops short. */
function runningMean(points: Series['points']): Series['points'] {
  const half = Math.max(1, Math.round((points.length * SMOOTH_SHARE) / 2));
  const sums = [0];
  for (const { value } of points) sums.push(sums.at(-1)! + value);
  return points.map(({ step }, index) => {
    const reach = Math.min(half, index, points.length - 1 - index);
    return { step, value: (sums[index + reach + 1]! - sums[index - reach]!) / (2 * reach + 1) };
  });
}

function extreme(points: Series['points'], key: 'step' | 'value', pick: (a: number, b: number) => number): number {
  return points.reduce((found, point) => pick(found, point[key]), points[0]![key]);
}

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
/**
 * A curve of so many points that goes up and down so many times its own height is noise: a running mean is drawn over it,
 * of this share of the points.
 */
const NOISY_POINTS = 60;
const NOISY_TRAVEL = 4;
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
  const end = Math.max(1, extreme(all, 'step', Math.max));
  const x = niceAxis(0, end, 6);
  const y = niceAxis(extreme(all, 'value', Math.min), extreme(all, 'value', Math.max), 4);
  const atX = (step: number) => LEFT + (step / end) * (WIDTH - LEFT - RIGHT);
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
  const smooth = isNoisy(points);
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
<g class="x">${x.ticks
    .filter((tick) => atX(tick) <= WIDTH - RIGHT + 0.1)
    .map(
      (tick) => html`<text x="${atX(tick).toFixed(1)}" y="${HEIGHT - BOTTOM + 17}">${x.label(tick)}</text>`,
    )}<text class="unit" x="${(LEFT + WIDTH - RIGHT) / 2}" y="${HEIGHT - 2}">step</text></g>
`;
}

function isNoisy(points: Series['points']): boolean {
  const height = extreme(points, 'value', Math.max) - extreme(points, 'value', Math.min);
  const travel = points.slice(1).reduce((sum, { value }, index) => sum + Math.abs(value - points[index]!.value), 0);
  return points.length > NOISY_POINTS && travel > NOISY_TRAVEL * height;
}

/** Mean of a window around each point, as far as the window lies within the curve. */
function runningMean(points: Series['points']): Series['points'] {
  const half = Math.max(1, Math.round((points.length * SMOOTH_SHARE) / 2));
  const sums = [0];
  for (const { value } of points) sums.push(sums.at(-1)! + value);
  return points.map(({ step }, index) => {
    const from = Math.max(0, index - half);
    const to = Math.min(points.length, index + half + 1);
    return { step, value: (sums[to]! - sums[from]!) / (to - from) };
  });
}

function extreme(points: Series['points'], key: 'step' | 'value', pick: (a: number, b: number) => number): number {
  return points.reduce((found, point) => pick(found, point[key]), points[0]![key]);
}

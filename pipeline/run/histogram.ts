import { type Distribution, valuesOf } from '../graph/distribution.js';
import { niceStep } from './report/axis.js';
import type { BinReport, MeasureReport } from './report.js';

/** Bins of a histogram, about. */
const BINS = 40;
/** A median below this share of the range leaves most values in a few bins, so that they are drawn on a log scale. */
const LOW_END = 0.05;

/** A distribution as a report shows it. Bins begin at round numbers; integers have bins of whole numbers. */
export function histogramOf(measure: string, distribution: Distribution): MeasureReport {
  const { rows, notFinite, least, most, thresholds } = distribution;
  const values = valuesOf(distribution);
  const median = quantile(values, rows / 2);
  const [low, high] = [values[0]?.value ?? 0, values.at(-1)?.value ?? 0];
  const scale = low > 0 && median - low < LOW_END * (high - low) ? 'log' : 'linear';
  return {
    measure,
    rows,
    notFinite,
    least,
    median,
    most,
    thresholds: [...thresholds].sort((a, b) => a - b),
    scale,
    bins: rows === 0 ? [] : binned(values, scale === 'log' ? ratioBins(low, high) : evenBins(values, low, high)),
  };
}

type Values = ReturnType<typeof valuesOf>;

/** The value that has `rank` rows below it. */
function quantile(values: Values, rank: number): number {
  let below = 0;
  for (const { value, rows } of values) {
    below += rows;
    if (below > rank) return value;
  }
  return values.at(-1)?.value ?? Number.NaN;
}

/** How values are put into bins: which one a value is in, and where each begins. */
interface Bins {
  readonly place: (value: number) => number;
  readonly edge: (place: number) => number;
}

/** A value was rounded towards zero: one that was at an edge is put there again. */
const ROUNDED = 1 + 2 ** -20;

function evenBins(values: Values, low: number, high: number): Bins {
  const whole = values.every(({ value }) => Number.isInteger(value));
  const rough = high / BINS - low / BINS;
  const step = niceStep(whole ? Math.max(1, rough) : rough || Math.abs(high) || 1);
  return {
    place: (value) => Math.floor((value / step) * (whole || value < 0 ? 1 : ROUNDED)),
    edge: (place) => place * step,
  };
}

function ratioBins(low: number, high: number): Bins {
  const perDecade = Math.max(1, Math.round(BINS / (Math.log10(high) - Math.log10(low))));
  return {
    place: (value) => Math.floor((Math.log10(value) + Math.log10(ROUNDED)) * perDecade),
    edge: (place) => 10 ** (place / perDecade),
  };
}

function binned(values: Values, { place, edge }: Bins): BinReport[] {
  const counts = new Map<number, number>();
  for (const { value, rows } of values) counts.set(place(value), (counts.get(place(value)) ?? 0) + rows);
  const places = [...counts.keys()];
  const first = Math.min(...places);
  return Array.from({ length: Math.max(...places) - first + 1 }, (_, i) => ({
    from: finite(edge(first + i)),
    to: finite(edge(first + i + 1)),
    rows: counts.get(first + i) ?? 0,
  }));
}

/** The largest numbers for what is beyond them, which JSON cannot say. */
function finite(value: number): number {
  return Math.max(-Number.MAX_VALUE, Math.min(Number.MAX_VALUE, value));
}

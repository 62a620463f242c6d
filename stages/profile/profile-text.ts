import { formatBytes } from '../../pipeline/terminal/format.js';
import type { Profile } from './profile.js';
import { byModule, byOp, type Share } from './summary.js';

/** Kinds of ops that are shown. */
const SHOWN = 15;

/** A profile as text: the step as it runs, then the time of its ops by module and by kind. */
export function describeProfile(profile: Profile): string {
  const { stage, mode, steps, samples, milliseconds, waiting, flops, attainable, ops, peak } = profile;
  const speed = (1000 * samples) / milliseconds;
  const head = [
    `${stage}: ${mode}`,
    `  step        ${milliseconds.toFixed(1)} ms, median of ${steps}: ${speed.toFixed(speed < 100 ? 1 : 0)} samples/s in batches of ${samples}`,
    `  waiting     ${(100 * waiting).toFixed(1)} % of the time for data`,
  ];
  if (ops.length === 0) return `${[...head, '  op by op    only with TensorFlow'].join('\n')}\n`;
  const single = byModule(profile).reduce((sum, share) => sum + share.milliseconds, 0);
  const reached = (1000 * flops) / milliseconds;
  return `${[
    ...head,
    `  products    ${giga(flops)} GFLOP a step: ${giga(reached)} GFLOP/s, ${((100 * reached) / attainable).toFixed(0)} % of the ${giga(attainable)} of a large product`,
    `  op by op    ${single.toFixed(1)} ms, which is what is told below; at most ${formatBytes(peak.bytes)} in tensors`,
    '',
    ...table('module', byModule(profile), single, true),
    '',
    ...table('op', byOp(profile).slice(0, SHOWN), single, false),
  ].join('\n')}\n`;
}

function table(title: string, shares: readonly Share[], total: number, memory: boolean): string[] {
  const rows = shares.map(({ name, count, milliseconds, flops, bytes }) => [
    name,
    milliseconds.toFixed(2),
    `${((100 * milliseconds) / total).toFixed(1)} %`,
    String(count),
    flops === 0 ? '' : giga(flops),
    flops === 0 ? '' : giga((1000 * flops) / milliseconds),
    ...(memory ? [formatBytes(bytes)] : []),
  ]);
  const heads = [title, 'ms', 'share', 'ops', 'GFLOP', 'GFLOP/s', ...(memory ? ['at the peak'] : [])];
  const widths = heads.map((head, i) => Math.max(head.length, ...rows.map((row) => row[i]!.length)));
  const line = (row: readonly string[]) =>
    `  ${row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join('  ')}`.trimEnd();
  return [line(heads), ...rows.map(line)];
}

function giga(value: number): string {
  const scaled = value / 1e9;
  return scaled.toFixed(scaled < 10 ? 2 : scaled < 100 ? 1 : 0);
}

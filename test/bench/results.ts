/** Benchmark results as Markdown, newest last in `results.md`. */
import { appendFile } from 'node:fs/promises';
import type { EmojiRun } from './emoji-run.js';
import type { Figure } from './figures.js';
import type { Machine } from './machine.js';
import type { RaceResult } from './step-race.js';

/** All that one benchmark of the emoji manifest found. */
export interface EmojiResults {
  readonly machine: Machine;
  readonly cold: boolean;
  /** Overrides of the manifest: the figures are then not those of the shipped one. */
  readonly set: readonly string[];
  readonly run: EmojiRun;
  readonly figures: readonly Figure[];
  readonly races: readonly RaceResult[];
}

/** Appends a section to the file. */
export async function appendResults(file: string, section: string): Promise<void> {
  await appendFile(file, section);
}

/** A section of figures alone. */
export function renderFigures(title: string, machine: Machine, figures: readonly Figure[]): string {
  return [`\n## ${title}, ${machine.date}, ${machine.commit}\n`, `${describe(machine)}.\n`, figureTable(figures)].join(
    '\n',
  );
}

/** One section of `results.md`. */
export function renderResults({ machine, cold, set, run, figures, races }: EmojiResults): string {
  const { commit, date } = machine;
  return [
    `\n## emoji, ${date}, ${commit}\n`,
    `${describe(machine)}, ${run.report.backend}.`,
    ...(set.length > 0 ? [`Not the shipped manifest: \`${set.join('`, `')}\`.`] : []),
    `\n${cold ? 'From nothing: fresh clone, empty caches of npm, pip and alignflow.' : 'Built, with its caches.'}\n`,
    table(
      ['part', 'seconds'],
      [...run.parts, ...stageTimes(run)].map(([name, seconds]) => [name, seconds.toFixed(1)]),
    ),
    figureTable(figures),
    ...races.map(renderRace),
  ].join('\n');
}

function describe({ processor, cores, memoryBytes, instructions, node }: Machine): string {
  return `${processor}, ${cores} cores, ${(memoryBytes / 1e9).toFixed(0)} GB, ${instructions.join(' ') || 'no AVX2'}; Node ${node}`;
}

function figureTable(figures: readonly Figure[]): string {
  return table(
    ['figure', 'value', 'wanted', 'met'],
    figures.map(({ name, value, wanted, met }) => [
      name,
      value,
      wanted ?? '',
      met === undefined ? '' : met ? 'yes' : '**no**',
    ]),
  );
}

function stageTimes({ report }: EmojiRun): (readonly [string, number])[] {
  return report.stages.map(({ name, seconds }) => [`– stage ${name}`, seconds] as const);
}

function renderRace({ kept, ours, peer, best, variants, rounds }: RaceResult): string {
  const tried = variants.map(({ name, speed }) => `${name} ${speed?.toFixed(0) ?? 'given up'}`).join(', ');
  const row = (name: string, { samplesPerSecond, peakBytes }: RaceResult['ours']) => [
    name,
    samplesPerSecond.toFixed(0),
    (peakBytes / 1e9).toFixed(2),
  ];
  return [
    `Contrastive step, model tiny, batch 256, ${kept} of 16 patches, random data, optimiser included; median of ${rounds} turns.`,
    `Peer's variants, tried once: ${tried} samples/s. Ours is ${(ours.samplesPerSecond / peer.samplesPerSecond).toFixed(2)} times its best.\n`,
    table(
      ['step', 'samples/s', 'peak GB'],
      [row(`alignflow, ${ours.version}`, ours), row(`${peer.version}, ${best}`, peer)],
    ),
  ].join('\n');
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line), ''].join('\n');
}

import type { Unit } from '../discovery/json-schema.js';

interface UnitForm {
  /** What the number counts, for messages. */
  readonly counts: string;
  /** Examples of what may be written. */
  readonly examples: string;
  /** Multiplier of each suffix, in lower case. */
  readonly suffixes: Readonly<Record<string, number>>;
  /** How a suffix is written: `GiB`. */
  readonly spelling: (suffix: string) => string;
  /** The same as a regular expression, for editors. */
  readonly pattern: string;
}

const MINUTE = 60_000;

/** The units that an option may have: a plain number counts bytes, milliseconds, or is the share itself. */
export const UNITS: Readonly<Record<Unit, UnitForm>> = {
  bytes: {
    counts: 'bytes',
    examples: '64MB, 2GB or 1GiB',
    spelling: (suffix) => (suffix.length === 3 ? `${suffix[0]!.toUpperCase()}iB` : suffix.toUpperCase()),
    suffixes: {
      b: 1,
      kb: 1e3,
      mb: 1e6,
      gb: 1e9,
      tb: 1e12,
      kib: 2 ** 10,
      mib: 2 ** 20,
      gib: 2 ** 30,
      tib: 2 ** 40,
    },
    pattern: '^\\s*\\d+(\\.\\d+)?\\s*([kKmMgGtT][iI]?)?[bB]\\s*$',
  },
  duration: {
    counts: 'milliseconds',
    examples: '500ms, 30s, 5m, 2h or 1d',
    spelling: (suffix) => suffix,
    suffixes: { ms: 1, s: 1000, m: MINUTE, h: 60 * MINUTE, d: 1440 * MINUTE },
    pattern: '^\\s*\\d+(\\.\\d+)?\\s*(ms|s|m|h|d)\\s*$',
  },
  fraction: {
    counts: 'a share from 0 to 1',
    examples: '0.9 or 90%',
    spelling: (suffix) => suffix,
    suffixes: { '%': 0.01 },
    pattern: '^\\s*\\d+(\\.\\d+)?\\s*%\\s*$',
  },
};

/** The number that a text with a unit stands for (`64MB` is 64000000, `5m` 300000, `90%` 0.9); undefined if it has none. */
export function parseUnit(text: string, unit: Unit): number | undefined {
  const [, digits, suffix] = /^\s*(\d+(?:\.\d+)?)\s*([a-z]+|%)\s*$/i.exec(text) ?? [];
  if (digits === undefined || suffix === undefined) return undefined;
  const { suffixes } = UNITS[unit];
  const name = suffix.toLowerCase();
  const factor = Object.hasOwn(suffixes, name) ? suffixes[name] : undefined;
  if (factor === undefined) return undefined;
  if (unit === 'fraction') return Number(digits) / 100;
  return Math.round(Number(digits) * factor);
}

/** A number as a manifest may write it with its unit, exactly: `64MB`, `64KiB`, `5m`; the number where none fits. */
export function writeUnit(value: number, unit: Unit): string | number {
  const { suffixes, spelling } = UNITS[unit];
  const [best] = Object.entries(suffixes)
    .filter(([, factor]) => factor > 1 && value > 0 && Number.isInteger(value / factor))
    .sort(([, left], [, right]) => right - left);
  return best === undefined ? value : `${value / best[1]}${spelling(best[0])}`;
}

/** Bytes as people read them: `1.5 GB`, `64 MB`, `12 bytes`. */
export function formatBytes(bytes: number): string {
  for (const [suffix, factor] of [
    ['TB', 1e12],
    ['GB', 1e9],
    ['MB', 1e6],
    ['KB', 1e3],
  ] as const) {
    if (bytes >= factor) return `${Number((bytes / factor).toPrecision(3))} ${suffix}`;
  }
  return `${bytes} bytes`;
}

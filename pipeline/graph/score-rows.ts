import { createHash } from 'node:crypto';
import type { Field, RecordBatch } from 'apache-arrow';
import { concat, defer, ignoreElements, type Observable, type OperatorFunction } from 'rxjs';
import { float32Column } from '../batch/build.js';
import { withColumn } from '../batch/columns.js';
import { takeRows } from '../batch/select.js';
import { readSpans } from '../batch/spans.js';
import { AlignflowError } from '../errors.js';
import type { OperatorContext } from '../operator.js';
import type { ScoreTable } from '../run/score-store.js';
import { mapAsync } from './map-async.js';

/** The scores of some rows; undefined for a row that has none. */
export type Scores = readonly (number | undefined)[];

/** What scoring needs besides the rows. */
export interface Scoring {
  /** The columns that scores are made from. */
  readonly columns: readonly string[];
  readonly identity: string;
  readonly scale: readonly [least: number, most: number];
  readonly field: Field;
}

/** Where scores are looked up: what is kept, and what is being made for another batch. */
interface Lookup {
  readonly opening: Promise<ScoreTable>;
  readonly underway: Map<string, Promise<number | null>>;
}

/** Adds the scores, each from what is known of the same content, or else made once for all rows that have it. */
export function scoreAll(
  { columns, identity, scale, field }: Scoring,
  context: OperatorContext<never, 'score'>,
  score: (batch: RecordBatch) => Promise<Scores> | Scores,
): OperatorFunction<RecordBatch, RecordBatch> {
  /** Scores rows that are not known, and keeps what comes of it. */
  const make = async (batch: RecordBatch, rows: readonly number[]): Promise<(number | null)[]> => {
    const made = await score(takeRows(batch, Uint32Array.from(rows)));
    checkScores(made, rows.length, scale);
    // As the column keeps it, so that a score that is found is the one that was made.
    return made.map((value) => (value === undefined || Number.isNaN(value) ? null : Math.fround(value)));
  };
  const scored = async (batch: RecordBatch, { opening, underway }: Lookup): Promise<RecordBatch> => {
    const table = await opening;
    const contents = contentsOf(batch, columns);
    const known = new Map<string, number | null | Promise<number | null>>();
    const unknown: number[] = [];
    for (const [row, content] of contents.entries()) {
      if (known.has(content)) continue;
      const found = underway.get(content) ?? table.get(Buffer.from(content, 'latin1'));
      if (found === undefined) unknown.push(row);
      known.set(content, found ?? null);
    }
    if (unknown.length > 0) {
      const making = make(batch, unknown);
      const own = unknown.map((row) => contents[row]!);
      for (const [i, content] of own.entries()) {
        const one = making.then((scores) => scores[i]!);
        one.catch(() => undefined); // Told by `making`.
        underway.set(content, one);
      }
      for (const [i, value] of (await making).entries()) {
        known.set(own[i]!, value);
        table.put(Buffer.from(own[i]!, 'latin1'), value);
        underway.delete(own[i]!);
      }
    }
    const scores = await Promise.all(contents.map((content) => known.get(content)!));
    for (const value of scores) if (value !== null) context.measure('score', value);
    context.keep();
    return withColumn(batch, field, float32Column(scores));
  };
  return (source: Observable<RecordBatch>) =>
    defer(() => {
      const lookup: Lookup = { opening: context.scores.table(identity), underway: new Map() };
      return concat(
        source.pipe(mapAsync(context, (batch) => scored(batch, lookup))),
        defer(async () => (await lookup.opening).settled()).pipe(ignoreElements()),
      );
    });
}

/** A hash of what each row has in these columns, 128 bits as Latin-1 text. */
function contentsOf(batch: RecordBatch, columns: readonly string[]): string[] {
  const parts = columns.map((column) => ({
    spans: readSpans(batch, column),
    type: String(batch.schema.fields.find(({ name }) => name === column)!.type),
  }));
  return Array.from({ length: batch.numRows }, (_, row) => {
    const hash = createHash('sha256');
    for (const { spans, type } of parts) {
      const [from, to] = [spans.offsets[row]!, spans.offsets[row + 1]!];
      hash.update(spans.isNull(row) ? `${type} null` : `${type} ${to - from} `);
      if (!spans.isNull(row)) hash.update(spans.values.subarray(from, to));
    }
    return hash.digest().toString('latin1', 0, 16);
  });
}

/** Refuses scores that the scorer says there cannot be: a threshold would mean nothing. */
function checkScores(scores: Scores, rows: number, [least, most]: readonly [least: number, most: number]): void {
  if (scores.length !== rows)
    throw new AlignflowError({ what: `the scorer gave ${scores.length} scores for ${rows} rows` });
  const outside = scores.find((score) => score !== undefined && (score < least || score > most));
  if (outside === undefined) return;
  throw new AlignflowError({
    what: `the scorer gave the score ${outside}`,
    expected: `a score on its scale, ${least} to ${most}`,
    fix: 'correct its `scale`, or its scores',
  });
}

/** A few dropped rows of a stage, for its report: the ledger says where all of them are, these are to be looked at. */
import { basename } from 'node:path';
import type { RecordBatch } from 'apache-arrow';
import { batchBytes } from '../batch/bytes.js';
import { isText, readSpans } from '../batch/spans.js';
import type { MemoryBudget } from '../graph/budget.js';
import type { DroppedRow } from '../graph/chain.js';
import { deriveSeed } from './random.js';
import type { ColumnText } from './report.js';

/** Rows that are kept for each operator and reason. */
const EACH = 4;
/** Rows that a report shows of a stage. */
const SHOWN = 24;
/** Operators and reasons that rows are kept for; a source of one's own may make up a reason for each row. */
const GROUPS = 200;
/** Text columns that are shown of a row. */
const TEXTS = 6;
/** Characters that are shown of a text. */
const LENGTH = 200;

/**
 * Draws a row as a small picture: PNG, JPEG or WebP bytes, or undefined where the row has nothing to be seen. It is given the
 * row alone, without hidden columns.
 */
export type DrawRow = (row: RecordBatch, context: DrawContext) => Promise<Uint8Array | undefined>;

/** What drawing shares with the rest of the run. */
export interface DrawContext {
  readonly signal: AbortSignal;
  readonly budget: MemoryBudget;
}

/** A dropped row with what there is to see of it. */
export interface DroppedExample {
  readonly dropped: DroppedRow;
  /** Its text columns, in the order of the schema. */
  readonly texts: readonly ColumnText[];
  readonly image?: Uint8Array;
}

interface Kept {
  readonly key: number;
  readonly dropped: DroppedRow;
  readonly texts: readonly ColumnText[];
  image?: Uint8Array;
  /** Set once another row has taken its place: it need not be drawn then. */
  out: boolean;
}

interface Group {
  readonly operator: string;
  readonly reason: string;
  readonly seed: number;
  /** In the order of their keys. */
  readonly kept: Kept[];
}

/** What `save` gives: the groups, each with its rows in the order of their keys, pictures in base64. */
export type SavedExamples = readonly (Omit<Group, 'kept'> & {
  readonly kept: readonly (Omit<Kept, 'image' | 'out'> & { readonly image?: string })[];
})[];

/** Chooses and keeps the examples of one stage. */
export interface DroppedExamples {
  /** Shows it a dropped row. `values` copies the row; a row that its source could not read has none. */
  add(dropped: DroppedRow, values?: () => RecordBatch): void;
  /** Resolves when all that is kept is drawn. */
  drawn(): Promise<void>;
  /** All that is kept, once it is drawn, as a plain value. */
  save(): SavedExamples;
  /** Goes on with what an interrupted run had kept. */
  restore(saved: SavedExamples): void;
  /** The rows to show, in the order of these operators (others first), each reason with about as many. */
  shown(operators: readonly string[]): readonly DroppedExample[];
}

/**
 * Keeps for each operator and reason the rows with the least hash of seed, operator, reason and origin: each row has the same
 * chance, and the choice depends neither on batches nor on the order of arrival (bottom-k sampling; Cohen and Kaplan 2007). A
 * row that is dropped in each epoch is one row. Of a row, only its cut texts and its picture stay; until it is drawn, a copy of
 * it counts as held. A picture that cannot be drawn is left out.
 */
export function collectExamples(seed: number, context: DrawContext, draw?: DrawRow): DroppedExamples {
  const groups = new Map<string, Group>();
  let drawing: Promise<void> = Promise.resolve();

  const groupOf = ({ operator, reason }: DroppedRow): Group | undefined => {
    const name = `${operator}\0${reason}`;
    const known = groups.get(name);
    if (known !== undefined || groups.size === GROUPS) return known;
    const group = { operator, reason, seed: deriveSeed(seed, operator, reason), kept: [] };
    groups.set(name, group);
    return group;
  };

  const drawLater = (example: Kept, row: RecordBatch, draw: DrawRow) => {
    const release = context.budget.hold(batchBytes(row));
    drawing = drawing
      .then(async () => {
        if (example.out || context.signal.aborted) return;
        const image = await draw(row, context);
        if (image !== undefined) example.image = image;
      })
      .catch(() => undefined)
      .finally(release);
  };

  return {
    add(dropped, values) {
      const group = groupOf(dropped);
      if (group === undefined) return;
      const { kept } = group;
      // Not by the folder: the choice is the same wherever the data lie.
      const key = deriveSeed(group.seed, basename(dropped.file), dropped.rowGroup ?? 0, dropped.row);
      if (kept.length === EACH && key >= kept.at(-1)!.key) return;
      if (kept.some((other) => other.key === key)) return;
      const row = values?.();
      const example: Kept = {
        key,
        dropped: cutDetail(dropped),
        texts: row === undefined ? [] : textsOf(row),
        out: false,
      };
      kept.push(example);
      kept.sort((a, b) => a.key - b.key);
      if (kept.length > EACH) kept.pop()!.out = true;
      if (row !== undefined && draw !== undefined) drawLater(example, row, draw);
    },
    drawn: () => drawing,
    save: () =>
      [...groups.values()].map(({ kept, ...group }) => ({
        ...group,
        kept: kept.map(({ image, out: _, ...example }) =>
          image === undefined ? example : { ...example, image: Buffer.from(image).toString('base64') },
        ),
      })),
    restore(saved) {
      for (const { kept, ...group } of saved)
        groups.set(`${group.operator}\0${group.reason}`, {
          ...group,
          kept: kept.map(({ image, ...example }) => ({
            ...example,
            out: false,
            ...(image === undefined ? {} : { image: Buffer.from(image, 'base64') }),
          })),
        });
    },
    shown(operators) {
      const place = ({ operator }: Group) => operators.indexOf(operator);
      const ordered = [...groups.values()].sort(
        (a, b) => place(a) - place(b) || compare(a.operator, b.operator) || compare(a.reason, b.reason),
      );
      const counts = shareOut(ordered.map(({ kept }) => kept.length));
      return ordered.flatMap(({ kept }, i) =>
        kept.slice(0, counts[i]).map(({ dropped, texts, image }) => ({
          dropped,
          texts,
          ...(image === undefined ? {} : { image }),
        })),
      );
    },
  };
}

/** How many are shown of each group: one of each, then a second of each, and so on. */
function shareOut(sizes: readonly number[]): number[] {
  const counts = sizes.map(() => 0);
  let left = SHOWN;
  for (let round = 0; round < EACH; round++)
    for (const [i, size] of sizes.entries())
      if (round < size && left > 0) {
        counts[i]!++;
        left--;
      }
  return counts;
}

function textsOf(row: RecordBatch): ColumnText[] {
  return row.schema.fields
    .filter(({ type }) => isText(type))
    .slice(0, TEXTS)
    .map(({ name: column }) => {
      const { values, offsets, isNull } = readSpans(row, column);
      if (isNull(0)) return { column, text: null };
      // No character has more than 4 bytes in UTF-8, so a long text is not decoded as a whole.
      const bytes = values.subarray(offsets[0], Math.min(offsets[1]!, offsets[0]! + 4 * (LENGTH + 1)));
      return { column, text: cut(new TextDecoder().decode(bytes)) };
    });
}

function cutDetail(dropped: DroppedRow): DroppedRow {
  return dropped.detail === undefined ? dropped : { ...dropped, detail: cut(dropped.detail) };
}

/** The beginning of a text, whole characters of it. */
function cut(text: string): string {
  if (text.length <= LENGTH) return text;
  const characters = Array.from(text.slice(0, 2 * (LENGTH + 1)));
  return characters.length <= LENGTH ? text : `${characters.slice(0, LENGTH).join('')}…`;
}

/** Order of code units, the same in any language setting. */
function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

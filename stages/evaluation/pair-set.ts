import type { RecordBatch } from 'apache-arrow';
import { Utf8 } from 'apache-arrow';
import { readColumn } from '../../pipeline/batch/column.js';
import { AlignflowError } from '../../pipeline/errors.js';

/** Columns that say what a row of an evaluation set is. */
export interface PairColumns {
  /** Text of the caption. */
  readonly caption: string;
  /** Rows with the same value have the same image. */
  readonly image: string;
  /** Language of the caption. */
  readonly language: string;
  /** Columns and the values that they have in rows whose caption is a name; other rows are further references. */
  readonly names: Readonly<Record<string, string>>;
}

/** One caption of an evaluation set. */
export interface PairText {
  readonly caption: string;
  /** Index of its image. */
  readonly image: number;
  readonly language: string;
  /** True for a name: a class of zero-shot classification, a text of retrieval. */
  readonly name: boolean;
}

/** The rows of one batch, sorted out: what is new to encode. */
export interface NewRows {
  /** Rows whose image was not seen before. */
  readonly images: Uint32Array;
  /** Rows whose caption is a name, in the order of `PairSet.names`. */
  readonly names: Uint32Array;
}

/** The images and captions of an evaluation set, in the order of their first row. */
export class PairSet {
  readonly texts: PairText[] = [];
  /** The texts that are names. */
  readonly names: PairText[] = [];
  private readonly indices = new Map<string, number>();
  private readonly columns: PairColumns;

  constructor(columns: PairColumns) {
    this.columns = columns;
  }

  /** Number of different images. */
  get images(): number {
    return this.indices.size;
  }

  /** Takes a batch in; says which of its rows hold something new to encode. */
  add(batch: RecordBatch): NewRows {
    const { caption, image, language } = this.columns;
    const text = (column: string, row: number): string => {
      const value = readColumn(batch, column, Utf8).get(row);
      if (value !== null) return value;
      throw new AlignflowError({
        what: `column ${column} is null`,
        where: { row },
        expected: 'a text in each row of an evaluation set',
      });
    };
    const newImages: number[] = [];
    const names: number[] = [];
    for (let row = 0; row < batch.numRows; row++) {
      const key = text(image, row);
      const seen = this.indices.get(key);
      const index = seen ?? this.indices.size;
      if (seen === undefined) {
        this.indices.set(key, index);
        newImages.push(row);
      }
      const name = Object.entries(this.columns.names).every(([column, value]) => text(column, row) === value);
      const entry = { caption: text(caption, row), image: index, language: text(language, row), name };
      this.texts.push(entry);
      if (name) {
        this.names.push(entry);
        names.push(row);
      }
    }
    return { images: Uint32Array.from(newImages), names: Uint32Array.from(names) };
  }
}

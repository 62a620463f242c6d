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
    const caption = textsOf(batch, this.columns.caption);
    const image = textsOf(batch, this.columns.image);
    const language = textsOf(batch, this.columns.language);
    const marks = Object.entries(this.columns.names).map(([column, value]) => {
      const values = readColumn(batch, column, Utf8);
      return (row: number) => values.get(row) === value;
    });
    const images: number[] = [];
    const names: number[] = [];
    for (let row = 0; row < batch.numRows; row++) {
      const key = image(row);
      const index = this.indices.get(key) ?? this.indices.size;
      if (index === this.indices.size) {
        this.indices.set(key, index);
        images.push(row);
      }
      const name = marks.every((marked) => marked(row));
      const text = { caption: caption(row), image: index, language: language(row), name };
      this.texts.push(text);
      if (name) {
        this.names.push(text);
        names.push(row);
      }
    }
    return { images: Uint32Array.from(images), names: Uint32Array.from(names) };
  }

  /**
   * The names in a language, with their place in `names`.
   * @throws AlignflowError that says which languages have names, when this one has none
   */
  namesIn(language: string): { readonly text: PairText; readonly at: number }[] {
    const found = this.names.flatMap((text, at) => (text.language === language ? [{ text, at }] : []));
    if (found.length > 0) return found;
    throw new AlignflowError({
      what: `no image has a name in the language ${language}`,
      expected: this.whatIsThere(),
      fix: 'correct main, languages or names, or look at the ledger of the stages before this one',
    });
  }

  /** Captions of each image in a language, names alone or all. */
  captionsIn(language: string, { namesOnly }: { readonly namesOnly: boolean }): string[][] {
    const lists = Array.from({ length: this.images }, (): string[] => []);
    for (const text of namesOnly ? this.names : this.texts)
      if (text.language === language) lists[text.image]!.push(text.caption);
    return lists;
  }

  private whatIsThere(): string {
    if (this.texts.length === 0) return 'rows: there are none';
    const languages = [...new Set(this.names.map(({ language }) => language))].sort();
    if (languages.length > 0) return `one of the languages that have names: ${languages.join(', ')}`;
    const marks = Object.entries(this.columns.names).map(([column, value]) => `${column} is ${value}`);
    return `rows in which ${marks.join(' and ')}: of ${this.texts.length} there is none`;
  }
}

/** The values of a column that must not be null. */
function textsOf(batch: RecordBatch, column: string): (row: number) => string {
  const values = readColumn(batch, column, Utf8);
  return (row) => {
    const value = values.get(row);
    if (value !== null) return value;
    throw new AlignflowError({
      what: `column ${column} is null`,
      where: { row },
      expected: 'a text in each row of an evaluation set',
      fix: 'name another column, or drop such rows before this stage',
    });
  };
}

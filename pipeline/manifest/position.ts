/** Where a piece of text stands: what every node of a manifest knows, and every problem points at. */
export interface Position {
  /** The file's absolute path, or `--set`, or `environment variable NAME`. */
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** From 1, in UTF-16 units. */
  readonly column: number;
  /** Characters of the line that a caret line underlines; at least 1. */
  readonly length: number;
  /** The whole line, for the caret line; empty where it is not known. */
  readonly text: string;
}

/** A value and the place that gave it. */
export interface Located<T> {
  readonly value: T;
  readonly at: Position;
}

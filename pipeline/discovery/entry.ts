import type { StageParts } from '../stage.js';
import type { JsonSchema } from './json-schema.js';

/** What a catalogued file defines. A filter is an operator. */
export type Kind = 'operator' | 'source' | 'sink' | 'stage';

/** What is known of an operator or a stage without running its file. */
export interface CatalogEntry {
  /** What a manifest calls it: `filter/caption-length`, `contrastive`. */
  readonly name: string;
  readonly kind: Kind;
  /** The file to load, absolute: compiled JavaScript for a built-in of an installed package, TypeScript otherwise. */
  readonly file: string;
  /** Where its `define...` call starts in its TypeScript source, from 1. */
  readonly line: number;
  /** True for one that comes with alignflow. */
  readonly builtIn: boolean;
  /** The doc comment of its options interface, or of the `export default`. */
  readonly docs: string;
  /** Its options. */
  readonly schema: JsonSchema;
  /** Options that a manifest may leave out. */
  readonly defaults: Readonly<Record<string, unknown>>;
  /** Reasons for which it may drop a row. */
  readonly drops: readonly string[];
  /** Figures that it may report of a row. */
  readonly measures: readonly string[];
  /** The parts that a stage takes; undefined for an operator. */
  readonly takes?: StageParts;
}

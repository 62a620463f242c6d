import { createHash } from 'node:crypto';
import { Field, Float32, type RecordBatch, type Schema } from 'apache-arrow';
import { withField } from './batch/columns.js';
import { FLAT } from './batch/spans.js';
import { AlignflowError } from './errors.js';
import { type Scores, scoreAll } from './graph/score-rows.js';
import { defineOperator, type Operator, type OperatorContext, type Reads } from './operator.js';
import { acceptsType } from './plan/columns.js';

/** How a scorer is written: an operator that adds a column of scores, each from the content of its row alone. See `defineScorer`. */
export interface ScorerDefinition<Config extends Scored> {
  /** What a manifest calls it: `score/sharpness`. */
  readonly name: string;
  /**
   * Raised when the same content gets another score though the sources are the same (another file of weights, say): scores of another
   * version, as of other sources, are not taken for its own.
   */
  readonly version: string;
  readonly defaults: Partial<NoInfer<Config>>;
  /** The columns that a score depends on, and nothing else: text, bytes, numbers or truth values. */
  readonly reads: (config: Config) => Reads;
  /** Throws an `AlignflowError` for options that cannot work. Runs before any row does. */
  readonly check?: (config: NoInfer<Config>, schema: Schema) => void;
  /** Least and highest score that there may be, which thresholds are checked against. */
  readonly scale: readonly [least: number, most: number];
  /** See `OperatorDefinition.heavy`. */
  readonly heavy?: boolean;
  /** The scores of the rows, in their order; undefined for a row that has none, which becomes null. */
  readonly score: (
    batch: RecordBatch,
    config: NoInfer<Config>,
    context: Pick<OperatorContext, 'signal' | 'budget'>,
  ) => Promise<Scores> | Scores;
}

/** Options that every scorer has. */
export interface Scored {
  /** Column that is added. */
  readonly into: string;
}

/**
 * Declares a scorer. Its column says in its metadata which scorer made it and on which scale, so that a threshold of another
 * scale is found before anything runs. Scores are kept by the content of what they were made from (and name, version, options and sources):
 * rows that were scored before, in this run or another, are not scored again.
 *
 * ```ts
 * export default defineScorer({
 *   name: 'my/letters',
 *   version: '1',
 *   defaults: { column: 'caption', into: 'letters' },
 *   reads: ({ column }: Letters) => ({ [column]: new Utf8() }),
 *   scale: [0, 1],
 *   score: (batch, { column }) => [...readColumn(batch, column, Utf8)].map((text) => share(text)),
 * });
 * ```
 */
export function defineScorer<Config extends Scored>(definition: ScorerDefinition<Config>): Operator<Config> {
  const { name, version, defaults, reads, check, scale, heavy = false, score } = definition;
  const [least, most] = scale;
  const metadata = new Map(
    Object.entries({ name, version, min: least, max: most }).map(([key, value]) => [
      `alignflow.score.${key}`,
      `${value}`,
    ]),
  );
  const fieldOf = ({ into }: Config) => new Field(into, new Float32(), true, metadata);
  return defineOperator<Config, never, 'score'>({
    name,
    defaults,
    reads,
    measures: ['score'],
    carries: 'nothing',
    heavy,
    writes: (schema, config) => {
      checkContent(reads(config), schema);
      check?.(config, schema);
      return withField(schema, fieldOf(config));
    },
    run: (config, context) =>
      scoreAll(
        {
          columns: Object.keys(reads(config)).sort(),
          identity: identityOf(name, version, config),
          scale,
          field: fieldOf(config),
        },
        context,
        (batch) => score(batch, config, context),
      ),
  });
}

/** A hash of all that scores depend on but the content. */
function identityOf(name: string, version: string, { into: _, ...options }: Scored): string {
  const entries = Object.entries(options).sort(([one], [other]) => (one < other ? -1 : 1));
  return createHash('sha256')
    .update(JSON.stringify([name, version, entries]))
    .digest('hex');
}

/** Refuses columns whose bytes cannot be told, of which no content can be known again. */
function checkContent(reads: Reads, schema: Schema): void {
  for (const column of Object.keys(reads)) {
    const type = schema.fields.find(({ name }) => name === column)?.type;
    if (type === undefined || FLAT.some((flat) => acceptsType(flat, type))) continue;
    throw new AlignflowError({
      what: `scores cannot be made from the column ${column}, which is ${type}`,
      expected: 'text, bytes, numbers or truth values',
    });
  }
}

import type { Schema } from 'apache-arrow';
import { schemaDifference } from '../batch/equal.js';
import type { Mixing } from '../graph/mix.js';
import type { Manifest, ManifestMix, ManifestStage } from '../manifest/manifest.js';
import type { Report } from '../manifest/problem.js';
import { placeOfText } from '../manifest/tree.js';
import type { Looks } from './doubt.js';
import { callPart, type Part, type Parts } from './parts.js';
import type { Options, PlannedRows, PlannedShare, PlannedStage } from './plan.js';
import type { BranchedOutcome } from './plan-stage.js';
import { askWithEach, sameAnswer } from './whatever-meant.js';

/** Where the rows of a stage come from. */
export interface RowsOutcome {
  /** Undefined after a problem. */
  readonly rows: PlannedRows | undefined;
  /** Undefined where a problem hides it. */
  readonly schema: Schema | undefined;
  readonly source: Part<'source'> | undefined;
}

const NO_ROWS: RowsOutcome = { rows: undefined, schema: undefined, source: undefined };

/** Plans the source of a stage: its options, and the schema that it reads off the data's header. */
export async function planSource(
  stage: ManifestStage,
  manifest: Manifest,
  parts: Parts,
  report: Report,
): Promise<RowsOutcome> {
  const listed = stage.source;
  const source = listed && (await parts.find('source', listed.use, listed.options));
  if (source === undefined) return NO_ROWS;
  const { use, at, entry, module, options, definition } = source;
  const context = { stage: stage.name, base: manifest.folder };
  const callOf = (given: Options) => {
    // A path that leads nowhere is best mended where it stands. One that is wrong is not looked at.
    const path: unknown = Object.getOwnPropertyDescriptor(given, 'path')?.value;
    const place = (typeof path === 'string' && placeOfText(listed?.options, path)) || at;
    return { code: 'source', at: place, options: listed?.options } as const;
  };
  const schemaOf = ({ options: given, looks }: { options: Options; looks?: Looks }, say: Report) =>
    callPart(() => definition.schema(given, context), { ...callOf(given), name: `schema of ${use}`, looks }, say);
  if (options === undefined) {
    const schema = sameAnswer(await askWithEach(source.guesses, schemaOf, report));
    return { rows: undefined, schema, source };
  }
  const schema = await schemaOf({ options }, report);
  if (schema === undefined) return { ...NO_ROWS, source };
  const data = await callPart(
    () => definition.identity(options, context),
    { ...callOf(options), name: `identity of ${use}` },
    report,
  );
  if (data === undefined) return { rows: undefined, schema, source };
  return { rows: { schema, from: { use, at, entry, module, options, source: definition, data } }, schema, source };
}

/**
 * Plans rows that earlier stages hand over: their schemas must agree, and their weights become shares. With a problem in an
 * earlier stage or in the mixture there are no rows to run on, but the schema of the first rows that are known, for checking what follows.
 */
export function planShares(
  stage: ManifestStage,
  outcomes: ReadonlyMap<string, BranchedOutcome>,
  report: Report,
): RowsOutcome {
  const given = stage.from.flatMap(({ stage: { value: name, at }, weight }) => {
    const outcome = outcomes.get(name);
    const schema = outcome?.artefacts.rows?.schema;
    return outcome === undefined || schema === undefined ? [] : [{ name, at, weight, schema, outcome }];
  });
  const [first] = given;
  if (first === undefined) return NO_ROWS;
  let whole = given.length === stage.from.length;
  for (const { name, at, schema } of given) {
    const difference = schemaDifference(first.schema, schema);
    if (difference === undefined) continue;
    const message = `the rows of ${name} cannot be mixed with those of ${first.name}: ${difference}`;
    report({ code: 'schema', message, at, expected: 'the same columns in the same order' });
    whole = false;
  }
  const shares = given.flatMap(({ name, at, weight, outcome: { planned } }): PlannedShare[] => {
    const holders = planned && holdersOf(planned);
    if (planned !== undefined && holders === undefined)
      report({
        code: 'hand-over',
        message: `the stage ${name} stores no rows that can be read again`,
        at,
        expected: 'a stage whose sink has a source of the same name, as sink/parquet has source/parquet',
      });
    if (holders !== undefined && holders.length > 1 && stage.mix !== undefined)
      report({
        code: 'hand-over',
        message: `the stage ${name} passes a mixture on, which cannot be part of one by ${stage.mix.by}`,
        at,
        expected: `stages that store rows: ${holders.map((share) => share.stage).join(', ')}`,
      });
    return (holders ?? []).map((share) => ({ stage: share.stage, weight: share.weight * weight }));
  });
  const sum = shares.reduce((total, { weight }) => total + weight, 0);
  const from = shares.map((share) => ({ ...share, weight: share.weight / sum }));
  whole &&= given.every(({ outcome: { planned } }) => planned !== undefined && holdersOf(planned) !== undefined);
  const { schema } = first;
  const mixed = stage.mix === undefined ? {} : { mixing: mixingOf(stage.mix) };
  return { schema, rows: whole ? { schema, from, ...mixed } : undefined, source: undefined };
}

/** Rounds are shares of equal weight. */
function mixingOf({ by, until }: ManifestMix): Mixing {
  return { by: by === 'rounds' ? 'weight' : by, until };
}

/** The stages that stored the rows which a stage hands over: itself, or those that it passes rows on from. */
function holdersOf({ name, sink, rows }: PlannedStage): readonly PlannedShare[] | undefined {
  if (sink !== undefined) return sink.reader && [{ stage: name, weight: 1 }];
  return rows === undefined || 'source' in rows.from ? undefined : rows.from;
}

import type { Schema } from 'apache-arrow';
import { schemaDifference } from '../batch/equal.js';
import type { Manifest, ManifestStage } from '../manifest/manifest.js';
import type { Report } from '../manifest/problem.js';
import { placeOfText } from '../manifest/tree.js';
import { callPart, type Part, type Parts } from './parts.js';
import type { PlannedRows, PlannedShare } from './plan.js';
import type { StageOutcome } from './plan-stage.js';

/** Where the rows of a stage come from. */
export interface RowsOutcome {
  readonly rows: PlannedRows | undefined;
  readonly source: Part<'source'> | undefined;
}

/** Plans the source of a stage: its options, and the schema that it reads off the data's header. */
export async function planSource(
  stage: ManifestStage,
  manifest: Manifest,
  parts: Parts,
  report: Report,
): Promise<RowsOutcome> {
  const listed = stage.source;
  const source = listed && (await parts.find('source', listed.use, listed.options));
  if (source?.options === undefined) return { rows: undefined, source };
  const { use, at, entry, options, definition } = source;
  const context = { stage: stage.name, base: manifest.folder };
  // A path that leads nowhere is best mended where it stands.
  const path = (typeof options.path === 'string' && placeOfText(listed?.options, options.path)) || at;
  const schema = await callPart(() => definition.schema(options, context), `schema of ${use}`, 'source', path, report);
  if (schema === undefined) return { rows: undefined, source };
  return { rows: { schema, from: { use, at, entry, options, source: definition } }, source };
}

/** Plans rows that earlier stages hand over: their schemas must agree, and their weights become shares. */
export function planShares(
  stage: ManifestStage,
  outcomes: ReadonlyMap<string, StageOutcome>,
  report: Report,
): PlannedRows | undefined {
  const shares: PlannedShare[] = [];
  let first: { name: string; schema: Schema } | undefined;
  let right = true;
  for (const { stage: named, weight } of stage.from) {
    const outcome = outcomes.get(named.value);
    const schema = outcome?.artefacts?.rows?.schema;
    if (outcome?.planned === undefined || schema === undefined) {
      right = false;
      continue;
    }
    const holders = holdersOf(outcome);
    if (holders === undefined) {
      right = false;
      report({
        code: 'hand-over',
        message: `the stage ${named.value} stores no rows that can be read again`,
        at: named.at,
        expected: 'a stage whose sink has a source of the same name, as sink/parquet has source/parquet',
      });
      continue;
    }
    shares.push(...holders.map((share) => ({ stage: share.stage, weight: share.weight * weight })));
    const difference = first === undefined ? undefined : schemaDifference(first.schema, schema);
    if (first !== undefined && difference !== undefined) {
      right = false;
      const message = `the rows of ${named.value} cannot be mixed with those of ${first.name}: ${difference}`;
      report({ code: 'schema', message, at: named.at, expected: 'the same columns in the same order' });
    }
    first ??= { name: named.value, schema };
  }
  if (first === undefined || !right) return undefined;
  const sum = shares.reduce((total, { weight }) => total + weight, 0);
  return { schema: first.schema, from: shares.map((share) => ({ ...share, weight: share.weight / sum })) };
}

/** The stages that stored the rows which a stage hands over: itself, or those that it passes rows on from. */
function holdersOf({ planned }: StageOutcome): readonly PlannedShare[] | undefined {
  if (planned?.sink !== undefined) return planned.sink.reader && [{ stage: planned.name, weight: 1 }];
  const from = planned?.rows?.from;
  return from === undefined || 'source' in from ? undefined : from;
}

import { Schema } from 'apache-arrow';
import type { ManifestStage } from '../manifest/manifest.js';
import type { Report } from '../manifest/problem.js';
import type { Artefacts, StageFacts, StageInputs } from '../stage.js';
import { checkColumns } from './columns.js';
import type { Looks } from './doubt.js';
import { callMended, mendSchema } from './mend-schema.js';
import { callPart, type Part } from './parts.js';
import type { Options } from './plan.js';
import { askWithEach, sameAnswer } from './whatever-meant.js';

/** What a stage hands over, as far as problems let it be known. */
export interface Hands {
  readonly artefacts: Artefacts;
  /** What it may hand over beside, which a problem hides: that it is not there cannot be said. */
  readonly hidden: readonly (keyof Artefacts)[];
}

/** What a stage says about itself. */
export interface StageAnswer extends Hands {
  /** Undefined after a problem. */
  readonly facts: StageFacts | undefined;
}

/** Of a stage that cannot be asked. */
export const UNKNOWN: StageAnswer = {
  facts: undefined,
  artefacts: {},
  hidden: ['rows', 'tokenizer', 'checkpoint'],
};

/** What a stage is asked with. */
export interface StageQuestion {
  readonly stage: ManifestStage;
  readonly part: Part<'stage'>;
  readonly inputs: StageInputs;
  /** Whether the inputs are all that the stage takes: then what it objects to is a problem of its own. */
  readonly whole: boolean;
}

/**
 * Asks a stage which columns it reads and what it hands over. It is asked whatever is wrong with its rows, as if they had the
 * columns that it reads, so that a wrong column hides nothing else; the rows that it hands over are then those that are there.
 */
export async function askStage(question: StageQuestion, report: Report): Promise<StageAnswer> {
  const { options, guesses } = question.part;
  if (options !== undefined) return askWith({ options }, question, report);
  const answers = await askWithEach(guesses, (guess, say) => askWith(guess, question, say), report);
  return { ...commonHands(answers.map((answer) => answer ?? UNKNOWN)), facts: undefined };
}

/** What a stage hands over whatever its options were meant to be. */
function commonHands(answers: readonly Hands[]): Hands {
  if (answers.length === 0) return UNKNOWN;
  const known = UNKNOWN.hidden.flatMap((key) => {
    const same = sameAnswer(answers.map(({ artefacts }) => artefacts[key]));
    return same === undefined ? [] : [[key, same] as const];
  });
  const artefacts: Artefacts = Object.fromEntries(known);
  const isThere = (key: keyof Artefacts) =>
    answers.some((answer) => answer.artefacts[key] !== undefined || answer.hidden.includes(key));
  return { artefacts, hidden: UNKNOWN.hidden.filter((key) => artefacts[key] === undefined && isThere(key)) };
}

async function askWith(
  { options, looks }: { options: Options; looks?: Looks },
  { stage, part, inputs, whole }: StageQuestion,
  report: Report,
): Promise<StageAnswer> {
  const { definition, use, at } = part;
  const call = { at, options: stage.options, certain: whole, looks };
  const reads = await callPart(
    () => definition.reads(options, inputs),
    { ...call, name: `reads of ${use}`, code: 'schema' },
    report,
  );
  if (reads === undefined) return UNKNOWN;
  const { rows } = inputs;
  // The types may depend on what is not known; the names of the columns stand in the options.
  const wanted = whole ? reads : Object.fromEntries(Object.keys(reads).map((column) => [column, 'any' as const]));
  const reader = { name: `the stage ${stage.name}`, ...call };
  const right = rows === undefined || checkColumns(wanted, rows, reader, report);
  const mended = mendSchema(rows ?? new Schema([]), reads);
  const facts = await callMended(
    mended,
    (schema) => definition.plan(options, definition.takes.rows === 'required' ? { ...inputs, rows: schema } : inputs),
    { ...call, name: `plan of ${use}`, code: 'stage' },
    report,
  );
  if (facts === undefined) return UNKNOWN;
  const handed =
    facts.hands.rows && (rows === undefined ? undefined : { schema: mended.real(facts.hands.rows.schema) });
  const rowsHidden = facts.hands.rows !== undefined && handed === undefined;
  const { rows: _, ...others } = facts.hands;
  const artefacts = { ...(whole ? others : {}), ...(handed === undefined ? {} : { rows: handed }) };
  const hidden = UNKNOWN.hidden.filter((key) => (key === 'rows' ? rowsHidden : !whole));
  return { facts: whole && right ? facts : undefined, artefacts, hidden };
}

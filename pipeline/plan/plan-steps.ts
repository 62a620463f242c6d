import { Schema } from 'apache-arrow';
import { packageVersion } from '../discovery/package.js';
import type { ManifestPart } from '../manifest/manifest.js';
import type { Report } from '../manifest/problem.js';
import { deriveSeed } from '../run/random.js';
import { checkColumns } from './columns.js';
import type { Held } from './memory.js';
import { callMended, mendSchema } from './mend-schema.js';
import { callPart, type Part, type Parts } from './parts.js';
import type { Options, PlannedStep } from './plan.js';
import { askWithEach, type Guess, sameAnswer } from './whatever-meant.js';

/** The steps of a stage, with the schema behind the last. */
export interface StepsOutcome {
  /** Undefined where a problem leaves a step out. */
  readonly steps: readonly PlannedStep[] | undefined;
  /** The schema before each step; undefined where a problem hides it. */
  readonly inputs: readonly (Schema | undefined)[];
  /** What each step keeps, of those of which it is known. */
  readonly held: readonly Held[];
  readonly parts: readonly Part<'operator'>[];
  /** Undefined where a problem hides it. */
  readonly schema: Schema | undefined;
}

/**
 * Plans the steps of a stage: each operator with its options, the columns that it reads, and the schema that it emits.
 * Behind a step whose schema is hidden by a problem, options are still checked and columns no more.
 */
export async function planSteps(
  listed: readonly ManifestPart[],
  input: Schema | undefined,
  seed: number,
  parts: Parts,
  report: Report,
): Promise<StepsOutcome> {
  let schema = input;
  const inputs: (Schema | undefined)[] = [];
  const found: Part<'operator'>[] = [];
  const steps: PlannedStep[] = [];
  const held: Held[] = [];
  for (const [i, listedPart] of listed.entries()) {
    inputs.push(schema);
    const part = await parts.find('operator', listedPart.use, listedPart.options);
    if (part !== undefined) found.push(part);
    const label = `${listedPart.use.value}[${i}]`;
    const step = part && schema && (await planStep(part, listedPart, schema, label, seed, report));
    if (step?.planned !== undefined) steps.push(step.planned);
    if (step?.holds !== undefined) held.push({ label, holds: step.holds });
    schema = step?.output;
  }
  return { steps: steps.length === listed.length ? steps : undefined, inputs, held, parts: found, schema };
}

/** What planning a step came to. Undefined is what a problem hides. */
interface StepOutcome {
  readonly planned?: PlannedStep;
  readonly output: Schema | undefined;
  readonly holds?: number | undefined;
}

async function planStep(
  part: Part<'operator'>,
  listed: ManifestPart,
  input: Schema,
  label: string,
  seed: number,
  report: Report,
): Promise<StepOutcome | undefined> {
  const { definition: operator, options, use, at, entry, module, version } = part;
  if (options === undefined) {
    const plan = (guess: Guess, say: Report) => planStep({ ...part, ...guess }, listed, input, label, seed, say);
    const outcomes = await askWithEach(part.guesses, plan, report);
    return { output: sameAnswer(outcomes.map((outcome) => outcome?.output)) };
  }
  const call = { code: 'schema', at, options: listed.options, looks: part.looks } as const;
  const hidden = async () => ({ output: await passedOn(part, options, input) });
  const reads = await callPart(() => operator.reads(options), { ...call, name: `reads of ${use}` }, report);
  if (reads === undefined) return hidden();
  const right = checkColumns(reads, input, { name: use, at, options: listed.options }, report);
  // With a column missing, `writes` may fail for that reason alone, which would say nothing new.
  const mended = mendSchema(input, reads);
  const made = await callMended(
    mended,
    (schema) => operator.writes(schema, options),
    { ...call, name: `writes of ${use}` },
    report,
  );
  if (made === undefined) return hidden();
  if (!(made instanceof Schema)) {
    report({ code: 'schema', message: `writes of ${use} returns no Arrow schema`, at });
    return undefined;
  }
  const output = mended.schemas.includes(made) ? input : mended.real(made);
  const holds = await callPart(
    () => operator.holds(options),
    { ...call, name: `holds of ${use}`, code: 'memory' },
    report,
  );
  if (!right || holds === undefined) return { output, holds };
  const planned = {
    use,
    at,
    entry,
    module,
    code: version === packageVersion ? undefined : version,
    options,
    label,
    operator,
    seed: deriveSeed(seed, label),
    input,
    output,
    holds,
  };
  return { planned, output, holds };
}

/** The schema behind an operator that cannot be asked which columns it reads: known if it adds and removes nothing. */
async function passedOn(
  { definition, use, at, looks }: Part<'operator'>,
  options: Options,
  input: Schema,
): Promise<Schema | undefined> {
  if (definition.passesSchema) return input;
  const call = { name: `writes of ${use}`, code: 'schema', at, options: undefined, looks } as const;
  // What it throws here says nothing new.
  const made = await callPart(
    () => definition.writes(input, options),
    call,
    () => {},
  );
  return made === input ? input : undefined;
}

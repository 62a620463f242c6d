import { join } from 'node:path';
import type { Schema } from 'apache-arrow';
import type { Manifest, ManifestPart, ManifestStage } from '../manifest/manifest.js';
import { branchName, stageOf } from '../manifest/names.js';
import type { Position } from '../manifest/position.js';
import type { Report } from '../manifest/problem.js';
import { deriveSeed } from '../run/random.js';
import type { StageInputs, StageParts } from '../stage.js';
import { askStage, type Hands, UNKNOWN } from './ask-stage.js';
import { stageFingerprint } from './fingerprint.js';
import { readGates } from './gates.js';
import { checkTaken, takeReferences } from './hand-over.js';
import type { Keeps } from './memory.js';
import type { Part, Parts } from './parts.js';
import type { PlannedRows, PlannedSink, PlannedStage } from './plan.js';
import { type BranchOutcome, planBranches } from './plan-branches.js';
import { planShares, planSource } from './plan-rows.js';
import { planSteps } from './plan-steps.js';
import type { References } from './resolve.js';

/** Sink of a stage that stores rows and names none. */
const DEFAULT_SINK = 'sink/parquet';

/** What planning a stage came to. */
export interface StageOutcome extends Hands {
  /** Undefined where a problem leaves a part of it out. */
  readonly planned: PlannedStage | undefined;
  /** What it keeps. */
  readonly keeps: Keeps;
  /** Of its rows, before each step and behind the last; undefined where a problem hides one. None where it reads none. */
  readonly schemas: readonly (Schema | undefined)[];
  /** What its branches came to, by their names. */
  readonly branches: ReadonlyMap<string, BranchedOutcome>;
}

/** What planning a branch came to, for later stages: what a stage of its own would. */
export type BranchedOutcome = Omit<StageOutcome, 'branches' | 'keeps' | 'schemas'>;

/** What a stage is planned with. */
export interface StageRequest {
  readonly stage: ManifestStage;
  readonly manifest: Manifest;
  readonly parts: Parts;
  readonly references: References;
  /** What the stages above came to. */
  readonly outcomes: ReadonlyMap<string, BranchedOutcome>;
  readonly report: Report;
}

/** Plans one stage: its parts, the schema on each edge, what it takes and what it hands over. */
export async function planStage(request: StageRequest): Promise<StageOutcome> {
  const { stage, manifest, parts, references, outcomes, report } = request;
  const part = await parts.find('stage', stage.use, stage.options);
  const fits = part !== undefined && checkTaken(stage, part.definition.takes, report);
  const taken = takeReferences(stage, manifest, outcomes, references, report);
  const seed = deriveSeed(manifest.seed, stage.name);
  const {
    rows,
    schema: input,
    source,
  } = stage.source ? await planSource(stage, manifest, parts, report) : planShares(stage, outcomes, report);
  const stepped = await planSteps(stage.steps, stage.unread.has('steps') ? undefined : input, seed, parts, report);
  const { steps, parts: stepParts, schema } = stepped;
  const sink = await findSink(stage.sink, stage.at, part?.definition.takes, parts);
  const gates = part === undefined ? [] : readGates(stage.gates, part.use, part.definition.takes.metrics ?? [], report);
  const folder = join(manifest.output, stage.name);

  const inputs: StageInputs = {
    name: stage.name,
    seed,
    ...taken.inputs,
    ...(schema === undefined ? {} : { rows: schema }),
    ...(stage.train === undefined ? {} : { train: stage.train.value }),
  };
  const whole = fits && taken.complete;
  const answer = part === undefined ? UNKNOWN : await askStage({ stage, part, inputs, whole }, report);
  const branched = await planBranches({
    stage,
    folder,
    seed,
    steps: stepped,
    written: answer.artefacts.rows?.schema,
    sinkOf: async (branch) => {
      const found = await findSink(branch.sink, branch.at, part?.definition.takes, parts);
      return { part: found, planned: found && (await planSink(found, parts)) };
    },
    parts,
    report,
  });
  const plannedSink = sink === undefined ? undefined : await planSink(sink, parts);
  const branches = branched.flatMap(({ planned }) => (planned === undefined ? [] : [planned]));
  const complete =
    steps !== undefined &&
    branches.length === stage.branches.length &&
    (part?.definition.takes.rows === 'none' || rows !== undefined) &&
    (part?.definition.takes.sink !== true || plannedSink !== undefined);
  const { facts, artefacts, hidden } = answer;
  const planned: PlannedStage | undefined =
    complete && part?.options !== undefined && facts !== undefined
      ? {
          name: stage.name,
          at: stage.at,
          stage: part.definition,
          entry: part.entry,
          options: part.options,
          folder,
          seed,
          rows,
          steps,
          sink: plannedSink,
          branches,
          inputs,
          facts,
          gates,
          needs: needsOf(stage, rows),
          fingerprint: stageFingerprint(
            { stage, seed, rows, part, source, steps: stepParts, sink, branches: branched },
            outcomes,
          ),
        }
      : undefined;
  return {
    planned,
    artefacts,
    hidden,
    schemas: part?.definition.takes.rows === 'none' ? [] : [...stepped.inputs, schema],
    keeps: {
      name: stage.name,
      at: stage.at,
      steps: stepped.held,
      branches: branched.map(({ name, held }) => ({ name, steps: held })),
      facts: facts ?? {},
    },
    branches: new Map(branched.map((branch) => [branch.name, branchOutcome(branch, planned, answer)])),
  };
}

/** A branch as later stages see it: a stage that hands over its rows, and what else its stage hands over. */
function branchOutcome(
  { name, planned: branch, schema }: BranchOutcome,
  stage: PlannedStage | undefined,
  { artefacts: { rows: _, ...others }, hidden }: Hands,
): BranchedOutcome {
  const beside = hidden.filter((part) => part !== 'rows');
  const hands: Hands =
    schema === undefined
      ? { artefacts: others, hidden: ['rows', ...beside] }
      : { artefacts: { ...others, rows: { schema } }, hidden: beside };
  if (branch === undefined || stage === undefined) return { planned: undefined, ...hands };
  const full = branchName(stage.name, name);
  const { folder, sink } = branch;
  return { planned: { ...stage, name: full, folder, sink, fingerprint: `${stage.fingerprint}.${name}` }, ...hands };
}

async function findSink(
  named: ManifestPart | undefined,
  at: Position,
  takes: StageParts | undefined,
  parts: Parts,
): Promise<Part<'sink'> | undefined> {
  if (named !== undefined) return parts.find('sink', named.use, named.options);
  return takes?.sink === true ? parts.find('sink', { value: DEFAULT_SINK, at }) : undefined;
}

async function planSink(sink: Part<'sink'>, parts: Parts): Promise<PlannedSink | undefined> {
  const { use, at, entry, options, definition } = sink;
  return options && { use, at, entry, options, sink: definition, reader: await parts.readerOf(use) };
}

function needsOf(stage: ManifestStage, rows: PlannedRows | undefined): readonly string[] {
  const stored = rows === undefined || 'source' in rows.from ? [] : rows.from.map((share) => share.stage);
  const named = [...stage.from.map((share) => share.stage), stage.init, stage.checkpoint, stage.tokenizer];
  return [...new Set([...stored, ...named.flatMap((name) => (name === undefined ? [] : [name.value]))].map(stageOf))];
}

import { join } from 'node:path';
import type { Manifest, ManifestStage } from '../manifest/manifest.js';
import type { Report } from '../manifest/problem.js';
import { deriveSeed } from '../run/random.js';
import type { Artefacts, StageInputs, StageParts } from '../stage.js';
import { checkColumns } from './columns.js';
import { stageFingerprint } from './fingerprint.js';
import { readGates } from './gates.js';
import { checkTaken, takeReferences } from './hand-over.js';
import { callPart, type Part, type Parts } from './parts.js';
import type { PlannedRows, PlannedSink, PlannedStage } from './plan.js';
import { planShares, planSource } from './plan-rows.js';
import { planSteps } from './plan-steps.js';
import type { References } from './resolve.js';

/** Sink of a stage that stores rows and names none. */
const DEFAULT_SINK = 'sink/parquet';

/** What planning a stage came to. */
export interface StageOutcome {
  /** Undefined where a problem leaves a part of it out. */
  readonly planned: PlannedStage | undefined;
  /** What it hands over; undefined where a problem hides it. */
  readonly artefacts: Artefacts | undefined;
}

/** What a stage is planned with. */
export interface StageRequest {
  readonly stage: ManifestStage;
  readonly manifest: Manifest;
  readonly parts: Parts;
  readonly references: References;
  /** What the stages above came to. */
  readonly outcomes: ReadonlyMap<string, StageOutcome>;
  readonly report: Report;
}

const NOTHING: StageOutcome = { planned: undefined, artefacts: undefined };

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
  const { steps, parts: stepParts, schema } = await planSteps(stage.steps, input, seed, parts, report);
  const sink = await findSink(stage, part?.definition.takes, parts);
  const gates = part === undefined ? [] : readGates(stage.gates, part.use, part.definition.takes.metrics ?? [], report);

  if (!fits || part.options === undefined || !taken.complete) return NOTHING;
  const { definition, options, use, at, entry } = part;
  const { takes } = definition;
  if (takes.rows === 'required' && schema === undefined) return NOTHING;
  const inputs: StageInputs = {
    name: stage.name,
    seed,
    ...taken.inputs,
    ...(schema === undefined ? {} : { rows: schema }),
    ...(stage.train === undefined ? {} : { train: stage.train.value }),
  };
  const reads = await callPart(() => definition.reads(options, inputs), `reads of ${use}`, 'schema', at, report);
  const reader = { name: `the stage ${stage.name}`, at, options: stage.options };
  if (reads === undefined) return NOTHING;
  if (schema !== undefined && !checkColumns(reads, schema, reader, report)) return NOTHING;
  const facts = await callPart(() => definition.plan(options, inputs), `plan of ${use}`, 'stage', at, report);
  if (facts === undefined) return NOTHING;

  const plannedSink = sink === undefined ? undefined : await planSink(sink, parts);
  const complete =
    steps !== undefined &&
    (takes.rows === 'none' || rows !== undefined) &&
    (takes.sink !== true || plannedSink !== undefined);
  if (!complete) return { planned: undefined, artefacts: facts.hands };
  const planned: PlannedStage = {
    name: stage.name,
    at: stage.at,
    stage: definition,
    entry,
    options,
    folder: join(manifest.output, stage.name),
    seed,
    rows,
    steps,
    sink: plannedSink,
    inputs,
    facts,
    gates,
    needs: needsOf(stage, rows),
    fingerprint: stageFingerprint({ stage, seed, rows, part, source, steps: stepParts, sink }, outcomes),
  };
  return { planned, artefacts: facts.hands };
}

async function findSink(
  stage: ManifestStage,
  takes: StageParts | undefined,
  parts: Parts,
): Promise<Part<'sink'> | undefined> {
  if (stage.sink !== undefined) return parts.find('sink', stage.sink.use, stage.sink.options);
  return takes?.sink === true ? parts.find('sink', { value: DEFAULT_SINK, at: stage.at }) : undefined;
}

async function planSink(sink: Part<'sink'>, parts: Parts): Promise<PlannedSink | undefined> {
  const { use, at, entry, options, definition } = sink;
  return options && { use, at, entry, options, sink: definition, reader: await parts.readerOf(use) };
}

function needsOf(stage: ManifestStage, rows: PlannedRows | undefined): readonly string[] {
  const stored = rows === undefined || 'source' in rows.from ? [] : rows.from.map((share) => share.stage);
  const named = [...stage.from.map((share) => share.stage), stage.init, stage.checkpoint, stage.tokenizer];
  return [...new Set([...stored, ...named.flatMap((name) => (name === undefined ? [] : [name.value]))])];
}

import { createHash } from 'node:crypto';
import type { ManifestStage } from '../manifest/manifest.js';
import { typeName } from './columns.js';
import type { Options, PlannedRows } from './plan.js';
import type { BranchedOutcome } from './plan-stage.js';

/** A part of a stage that its output depends on. */
interface UsedPart {
  readonly use: string;
  /** Hash of a user's sources, or alignflow's version. */
  readonly version: string;
  readonly options: Options | undefined;
}

/** All that the output of a stage depends on. */
export interface FingerprintInputs {
  readonly stage: ManifestStage;
  readonly seed: number;
  readonly rows: PlannedRows | undefined;
  readonly part: UsedPart;
  readonly source: UsedPart | undefined;
  readonly steps: readonly UsedPart[];
  readonly sink: UsedPart | undefined;
  readonly branches: readonly {
    readonly name: string;
    readonly rejectedBy: readonly string[];
    readonly parts: readonly UsedPart[];
  }[];
}

/**
 * A hash of all that a stage's output depends on: its options, the names, sizes and times of the files that its source reads, the versions of what it uses, its seed, and the
 * fingerprints of the stages that it takes anything from. SHA-256, hexadecimal. Gates, memory and folders are no part.
 */
export function stageFingerprint(
  { stage, seed, rows, part, source, steps, sink, branches }: FingerprintInputs,
  outcomes: ReadonlyMap<string, BranchedOutcome>,
): string {
  const earlier = (name: string | undefined) => name && outcomes.get(name)?.planned?.fingerprint;
  const stored = rows === undefined || 'source' in rows.from ? [] : rows.from;
  return hashOf({
    part: used(part),
    seed,
    source: source && used(source),
    data: rows !== undefined && 'source' in rows.from ? rows.from.data : undefined,
    columns: rows?.schema.fields.map(({ name, type }) => [name, typeName(type)]),
    stored: stored.map((share) => [earlier(share.stage), share.weight]),
    mixing: rows?.mixing,
    from: stage.from.map((share) => [earlier(share.stage.value), share.weight]),
    steps: steps.map(used),
    sink: sink && used(sink),
    branches:
      branches.length === 0
        ? undefined
        : branches.map((branch) => [branch.name, branch.rejectedBy, branch.parts.map(used)]),
    init: earlier(stage.init?.value),
    checkpoint: earlier(stage.checkpoint?.value),
    tokenizer: earlier(stage.tokenizer?.value),
    train: stage.train?.value,
  });
}

function used({ use, version, options }: UsedPart): UsedPart {
  return { use, version, options };
}

function hashOf(value: unknown): string {
  return createHash('sha256').update(canonicalJson(value)).digest('hex');
}

/** JSON with the keys of objects sorted: equal values give equal text. */
function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const entries = Object.entries(value)
    .filter(([, item]) => item !== undefined)
    .sort(([left], [right]) => (left < right ? -1 : 1));
  return `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${canonicalJson(item)}`).join(',')}}`;
}

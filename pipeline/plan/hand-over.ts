import { join } from 'node:path';
import type { Manifest, ManifestStage } from '../manifest/manifest.js';
import { stageOf } from '../manifest/names.js';
import type { Located, Position } from '../manifest/position.js';
import type { Report } from '../manifest/problem.js';
import type { Artefacts, Reference, StageInputs, StageParts } from '../stage.js';
import type { BranchedOutcome } from './plan-stage.js';
import type { References } from './resolve.js';

/** What a stage takes from earlier ones. */
export interface Taken {
  readonly inputs: Pick<StageInputs, 'from' | 'init' | 'checkpoint' | 'tokenizer'>;
  /** False after a problem: the inputs are not complete. */
  readonly complete: boolean;
}

type Key = 'from' | 'init' | 'checkpoint' | 'tokenizer';

/** What each reference is for, and what the stage that it names must hand over. */
const WANTED = { from: 'rows', init: 'checkpoint', checkpoint: 'checkpoint', tokenizer: 'tokenizer' } as const;

/** Checks that a stage has the parts that its kind needs, and none that it does not take. */
export function checkTaken(stage: ManifestStage, takes: StageParts, report: Report): boolean {
  let right = true;
  const refuse = (code: 'missing' | 'value', message: string, at: Position, fix?: string) => {
    right = false;
    report({ code, message, at, ...(fix === undefined ? {} : { fix }) });
  };
  const kind = `a ${stage.use.value} stage`;
  const source = stage.source?.use.at;
  const from = stage.from[0]?.stage.at;
  const given: readonly (readonly [key: string, at: Position | undefined, taken: boolean])[] = [
    ['from', from, takes.rows === 'required'],
    ['source', source, takes.rows === 'required'],
    ['steps', stage.steps[0]?.use.at, takes.rows === 'required'],
    ['sink', stage.sink?.use.at, takes.sink === true],
    ['branches', stage.branches[0]?.at, takes.sink === true],
    ['init', stage.init?.at, takes.init !== undefined],
    ['checkpoint', stage.checkpoint?.at, takes.checkpoint !== undefined],
    ['tokenizer', stage.tokenizer?.at, takes.tokenizer !== undefined],
    ['train', stage.train?.at, takes.train === true],
  ];
  for (const [key, at, taken] of given)
    if (at !== undefined && !taken) refuse('value', `${kind} takes no ${key}`, at, `remove ${key}`);
  const unread = (key: string) => stage.unread.has(key);
  if (takes.rows === 'required' && source === undefined && from === undefined && !unread('source') && !unread('from'))
    refuse('missing', `${kind} needs rows`, stage.at, 'give it a source, or from: the name of an earlier stage');
  if (takes.train === true && stage.mix !== undefined && (stage.mix.by === 'exhaustion' || stage.mix.until === 'first'))
    refuse(
      'value',
      `${kind} reads its rows again and again, so none of its sources runs out`,
      stage.mix.at,
      'mix by weight or in rounds, or store the mixture with a filtering stage before it',
    );
  if (source !== undefined && from !== undefined)
    refuse('value', `the stage ${stage.name} has a source and a from`, from, 'keep one of the two');
  for (const key of ['init', 'checkpoint', 'tokenizer'] as const)
    if (takes[key] === 'required' && stage[key] === undefined && !unread(key))
      refuse('missing', `${kind} needs ${key}`, stage.at, `give ${key} the name of an earlier stage`);
  return right;
}

/** Resolves what a stage takes from earlier ones; what they do not hand over is reported. */
export function takeReferences(
  stage: ManifestStage,
  manifest: Manifest,
  outcomes: ReadonlyMap<string, BranchedOutcome>,
  references: References,
  report: Report,
): Taken {
  let complete = !(['from', 'init', 'checkpoint', 'tokenizer'] as const).some((key) => stage.unread.has(key));
  const take = (key: Key, named: Located<string> | undefined): Reference | undefined => {
    if (named === undefined) return undefined;
    const outcome = references.check(stage.name, key, named) ? outcomes.get(named.value) : undefined;
    if (outcome === undefined) {
      complete = false;
      return undefined;
    }
    const { artefacts, hidden } = outcome;
    if (artefacts[WANTED[key]] === undefined && !hidden.includes(WANTED[key])) {
      complete = false;
      reportNothing(stage, key, named, outcomes, report);
      return undefined;
    }
    // The schema of the rows has a place of its own in the inputs.
    if (hidden.some((part) => part !== 'rows')) complete = false;
    return { stage: named.value, artefacts, folder: join(manifest.output, stageOf(named.value)) };
  };
  const shares = stage.from.map((share) => take('from', share.stage));
  const taken = {
    from: mixedReference(shares, stage, outcomes, report),
    init: take('init', stage.init),
    checkpoint: take('checkpoint', stage.checkpoint),
    tokenizer: take('tokenizer', stage.tokenizer),
  };
  const given = Object.entries(taken).filter(([, reference]) => reference !== undefined);
  return { inputs: Object.fromEntries(given), complete };
}

/** A mixture stands for its first stage; tokens of another tokenizer than the first's would be nonsense among its own. */
function mixedReference(
  shares: readonly (Reference | undefined)[],
  stage: ManifestStage,
  outcomes: ReadonlyMap<string, BranchedOutcome>,
  report: Report,
): Reference | undefined {
  const [first] = shares;
  const isHidden = (share: Reference) => outcomes.get(share.stage)?.hidden.includes('tokenizer') === true;
  for (const [i, share] of shares.entries()) {
    const [one, other] = [first?.artefacts.tokenizer, share?.artefacts.tokenizer];
    if (first === undefined || share === undefined || isHidden(first) || isHidden(share)) continue;
    if (one?.trainedBy === other?.trainedBy) continue;
    report({
      code: 'hand-over',
      message: `the stages ${first.stage} and ${share.stage} do not share a tokenizer: ${tokenizerName(one)} and ${tokenizerName(other)}`,
      at: stage.from[i]!.stage.at,
      fix: `give ${share.stage} the tokenizer of ${first.stage}`,
    });
  }
  return first;
}

function tokenizerName(tokenizer: Artefacts['tokenizer']): string {
  return tokenizer === undefined ? 'none' : `that of ${tokenizer.trainedBy}`;
}

function reportNothing(
  stage: ManifestStage,
  key: Key,
  named: Located<string>,
  outcomes: ReadonlyMap<string, BranchedOutcome>,
  report: Report,
): void {
  const wanted: keyof Artefacts = WANTED[key];
  const able = [...outcomes].filter(([, { artefacts }]) => artefacts[wanted] !== undefined).map(([name]) => name);
  report({
    code: 'hand-over',
    message: `${key} of the stage ${stage.name} names ${named.value}, which hands over no ${wanted}`,
    at: named.at,
    expected: able.length === 0 ? `a stage that hands over a ${wanted}; none above does` : `one of ${able.join(', ')}`,
  });
}

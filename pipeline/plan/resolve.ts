import type { Manifest, ManifestStage } from '../manifest/manifest.js';
import { branchName, stageOf } from '../manifest/names.js';
import { nearestName } from '../manifest/nearest.js';
import type { Located } from '../manifest/position.js';
import type { Report } from '../manifest/problem.js';

/** Finds what stages take from each other: only what stands above a stage can be taken by it. */
export class References {
  private readonly stages: ReadonlyMap<string, ManifestStage>;
  private readonly order: readonly string[];
  private readonly unread: ReadonlySet<string>;
  private readonly report: Report;

  constructor({ stages, unread }: Pick<Manifest, 'stages' | 'unread'>, report: Report) {
    this.unread = unread;
    this.stages = new Map(stages.flatMap((stage) => namesOf(stage).map((name) => [name, stage])));
    this.order = [...this.stages.keys()];
    this.report = report;
  }

  /** True if a stage may take something from the stage that is named; the problem is reported otherwise. */
  check(stage: string, key: string, { value: name, at }: Located<string>): boolean {
    const problem = `${key} of the stage ${stage}`;
    if (!this.stages.has(name)) {
      const owner = stageOf(name);
      // Reported already: it is there, and could not be read.
      if (this.unread.has(owner) || (owner !== name && this.stages.get(owner)?.unread.has('branches'))) return false;
      const nearest = nearestName(name, this.order);
      this.report({
        code: 'unknown-stage',
        message: `${problem} names ${name}, which is no stage`,
        at,
        expected: `one of ${this.order.slice(0, this.order.indexOf(stage)).join(', ') || 'the stages above'}`,
        ...(nearest === undefined ? {} : { nearest }),
      });
      return false;
    }
    const cycle = this.pathBetween(stageOf(name), stage);
    if (cycle !== undefined) {
      this.report({ code: 'cycle', message: `stages need each other: ${[stage, ...cycle].join(' -> ')}`, at });
      return false;
    }
    if (this.order.indexOf(stageOf(name)) < this.order.indexOf(stage)) return true;
    this.report({
      code: 'order',
      message: `${problem} names ${name}, which comes later`,
      at,
      fix: `move the stage ${stageOf(name)} above ${stage}: stages run from top to bottom`,
    });
    return false;
  }

  /** The way from a stage, through what it takes, to another; undefined if there is none. */
  private pathBetween(from: string, to: string, seen = new Set<string>()): readonly string[] | undefined {
    if (from === to) return [to];
    if (seen.has(from)) return undefined;
    seen.add(from);
    for (const next of referencesOf(this.stages.get(from))) {
      const rest = this.pathBetween(next, to, seen);
      if (rest !== undefined) return [from, ...rest];
    }
    return undefined;
  }
}

function referencesOf(stage: ManifestStage | undefined): readonly string[] {
  if (stage === undefined) return [];
  const { from, init, checkpoint, tokenizer } = stage;
  return [...from.map((share) => share.stage), init, checkpoint, tokenizer].flatMap((named) =>
    named === undefined ? [] : [stageOf(named.value)],
  );
}

/** What other stages call a stage and its branches. */
function namesOf({ name, branches }: ManifestStage): string[] {
  return [name, ...branches.map((branch) => branchName(name, branch.name))];
}

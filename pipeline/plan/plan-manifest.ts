import type { Schema } from 'apache-arrow';
import { openCatalog } from '../discovery/catalog.js';
import type { Manifest, ManifestStage } from '../manifest/manifest.js';
import { branchName } from '../manifest/names.js';
import { type Problem, problemKey, type Report } from '../manifest/problem.js';
import { type ReadOptions, readManifest } from '../manifest/read-manifest.js';
import { resolvedText } from '../manifest/resolved-text.js';
import type { ManifestValue } from '../manifest/yaml-of.js';
import { shorten } from '../terminal/shorten.js';
import { checkMemory } from './memory.js';
import { Parts } from './parts.js';
import type { Plan, PlannedStage } from './plan.js';
import { type BranchedOutcome, planStage } from './plan-stage.js';
import { References } from './resolve.js';
import { checkKey } from './row-key.js';

/** A plan, or all that is wrong with the manifest; never both. */
export interface Planned {
  readonly plan?: Plan;
  /** In the order of the manifest's lines, those of other files after it. */
  readonly problems: readonly Problem[];
}

/**
 * Plans a manifest: reads it, finds and loads what it names, and follows columns, references and memory from stage to
 * stage, without reading a row. Everything that is wrong is found at once.
 *
 * @param given the manifest's file, or what it would say, as a value
 */
export async function planManifest(given: string | ManifestValue, options: ReadOptions = {}): Promise<Planned> {
  const problems: Problem[] = [];
  const report = (problem: Problem) => void problems.push(shortened(problem));
  const manifest = readManifest(given, report, options);
  if (manifest === undefined) return { problems };

  const catalog = await openCatalog(manifest.operators, report);
  const parts = new Parts(catalog, report);
  const references = new References(manifest, report);
  const outcomes = new Map<string, BranchedOutcome>();
  const stages: PlannedStage[] = [];
  const schemas: (Schema | undefined)[] = [];
  for (const stage of manifest.stages) {
    const outcome = await planStage({ stage, manifest, parts, references, outcomes, report });
    outcomes.set(stage.name, outcome);
    for (const [name, branch] of outcome.branches) outcomes.set(branchName(stage.name, name), branch);
    checkMemory(outcome.keeps, manifest.memory, report);
    schemas.push(...outcome.schemas);
    if (outcome.planned !== undefined) stages.push(outcome.planned);
  }
  const someUnread = manifest.unread.size > 0 || manifest.stages.length === 0;
  if (!someUnread) checkUnused(manifest.stages, report);
  checkKey(manifest.key, someUnread ? [...schemas, undefined] : schemas, report);

  if (problems.length > 0) return { problems: inOrder(problems, manifest) };
  const { folder, name, seed, output, baseline, memory, workers, tree } = manifest;
  const resolved = resolvedText(tree);
  return {
    plan: {
      file: manifest.file,
      folder,
      name,
      seed,
      output,
      baseline,
      memory: memory.value,
      workers,
      key: manifest.key?.value,
      stages,
      resolved,
    },
    problems,
  };
}

/** A problem with texts that can be read, whatever the manifest has in it. */
function shortened({ message, expected, fix, ...rest }: Problem): Problem {
  return {
    ...rest,
    message: shorten(message),
    ...(expected === undefined ? {} : { expected: shorten(expected) }),
    ...(fix === undefined ? {} : { fix: shorten(fix) }),
  };
}

/** A branch that no stage takes is a mistake, unless it has a sink: then its rows are for others. */
function checkUnused(stages: readonly ManifestStage[], report: Report): void {
  if (stages.some(({ unread }) => unread.has('from'))) return;
  const taken = new Set(stages.flatMap(({ from }) => from.map(({ stage }) => stage.value)));
  const known = new Set(
    stages.flatMap(({ name, branches }) => [name, ...branches.map((one) => branchName(name, one.name))]),
  );
  // A name that is none may have been meant for any branch.
  if ([...taken].some((name) => !known.has(name))) return;
  for (const { name, branches } of stages)
    for (const branch of branches) {
      const full = branchName(name, branch.name);
      if (branch.sink !== undefined || taken.has(full)) continue;
      const fix = `take its rows with from: ${full}, give it a sink, or remove it`;
      report({ code: 'unused', message: `no stage takes the rows of the branch ${full}`, at: branch.at, fix });
    }
}

/** Problems by line, those of the manifest itself first; the same problem at the same place once. */
function inOrder(problems: readonly Problem[], manifest: Manifest): readonly Problem[] {
  const files = [...new Set([manifest.file, ...problems.map(({ at }) => at.file)])];
  const seen = new Set<string>();
  return problems
    .filter((problem) => {
      const key = problemKey(problem);
      return !seen.has(key) && seen.add(key);
    })
    .sort(
      ({ at: left }, { at: right }) =>
        files.indexOf(left.file) - files.indexOf(right.file) || left.line - right.line || left.column - right.column,
    );
}

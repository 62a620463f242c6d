import { openCatalog } from '../discovery/catalog.js';
import type { Manifest } from '../manifest/manifest.js';
import type { Problem } from '../manifest/problem.js';
import { type ReadOptions, readManifest } from '../manifest/read-manifest.js';
import { resolvedText } from '../manifest/resolved-text.js';
import { checkMemory } from './memory.js';
import { Parts } from './parts.js';
import type { Plan } from './plan.js';
import { planStage, type StageOutcome } from './plan-stage.js';
import { References } from './resolve.js';

/** A plan, or all that is wrong with the manifest; never both. */
export interface Planned {
  readonly plan?: Plan;
  /** In the order of the manifest's lines, those of other files after it. */
  readonly problems: readonly Problem[];
}

/**
 * Plans a manifest: reads it, finds and loads what it names, and follows columns, references and memory from stage to
 * stage, without reading a row. Everything that is wrong is found at once.
 */
export async function planManifest(file: string, options: ReadOptions = {}): Promise<Planned> {
  const problems: Problem[] = [];
  const report = (problem: Problem) => void problems.push(problem);
  const manifest = readManifest(file, report, options);
  if (manifest === undefined) return { problems };

  const catalog = await openCatalog(manifest.operators, report);
  const parts = new Parts(catalog, report);
  const references = new References(manifest.stages, report);
  const outcomes = new Map<string, StageOutcome>();
  for (const stage of manifest.stages)
    outcomes.set(stage.name, await planStage({ stage, manifest, parts, references, outcomes, report }));
  const stages = [...outcomes.values()].flatMap(({ planned }) => (planned === undefined ? [] : [planned]));
  for (const stage of stages) checkMemory(stage, manifest.memory, report);

  if (problems.length > 0) return { problems: inOrder(problems, manifest) };
  const { folder, name, seed, output, baseline, memory, tree } = manifest;
  const resolved = resolvedText(tree);
  return {
    plan: { file: manifest.file, folder, name, seed, output, baseline, memory: memory.value, stages, resolved },
    problems,
  };
}

/** Problems by line, those of the manifest itself first; the same problem at the same place once. */
function inOrder(problems: readonly Problem[], manifest: Manifest): readonly Problem[] {
  const files = [...new Set([manifest.file, ...problems.map(({ at }) => at.file)])];
  const seen = new Set<string>();
  return problems
    .filter(({ at, message }) => {
      const key = `${at.file}:${at.line}:${at.column} ${message}`;
      return !seen.has(key) && seen.add(key);
    })
    .sort(
      ({ at: left }, { at: right }) =>
        files.indexOf(left.file) - files.indexOf(right.file) || left.line - right.line || left.column - right.column,
    );
}

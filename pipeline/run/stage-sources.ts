import { join } from 'node:path';
import { branchName, stageOf } from '../manifest/names.js';
import { loadSource } from '../plan/load-source.js';
import type { Plan, PlannedStage } from '../plan/plan.js';
import type { WeightedSource } from './read-rows.js';
import { ROWS } from './stage-run.js';

/** The source of a stage's own, or those that read what earlier stages' sinks wrote. */
export async function stageSources({ rows }: PlannedStage, plan: Plan): Promise<WeightedSource[]> {
  if (rows === undefined) return [];
  if ('source' in rows.from) return [{ ...rows.from, weight: 1 }];
  return Promise.all(
    rows.from.map(async ({ stage, weight }) => {
      const { sink, written, folder, rejects } = storedRows(stage, plan);
      return { ...(await loadSource(sink, written)), weight, of: { name: stage, folder, rejects } };
    }),
  );
}

/** The sink that wrote the rows of a stage or of a branch, where it wrote them, and the folder of the stage. */
function storedRows(name: string, { stages }: Plan) {
  const { folder, sink, branches } = stages.find((stage) => stage.name === stageOf(name))!;
  const branch = branches.find((one) => branchName(stageOf(name), one.name) === name);
  return branch === undefined
    ? { folder, sink: sink!, written: join(folder, ROWS), rejects: false }
    : { folder, sink: branch.sink, written: branch.folder, rejects: branch.rejectedBy.length > 0 };
}

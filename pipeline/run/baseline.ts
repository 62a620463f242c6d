import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { reasonOf } from '../errors.js';
import type { BaselineReport, MetricReport, RunReport, StageReport } from './report.js';

/** Another run whose figures are shown beside those of this one, and how to find them. */
export interface Baseline {
  readonly report: BaselineReport;
  /** The same figure there: of the stage of the same name, its task and its metric. */
  readonly figureOf: (stage: string, metric: Pick<MetricReport, 'task' | 'metric'>) => number | undefined;
}

/**
 * Reads the report of the run whose output folder this is. A run that has not been yet, or a report that cannot be read, is
 * no error: nothing but the comparison needs it, and the report says what is missing.
 */
export async function readBaseline(folder: string): Promise<Baseline> {
  const file = join(folder, 'report.json');
  try {
    const { name, stages } = JSON.parse(await readFile(file, 'utf8')) as RunReport;
    const values = new Map(
      stages.flatMap(({ name: stage, metrics = [] }) =>
        metrics.flatMap((metric): [string, number][] =>
          typeof metric.value === 'number' ? [[keyOf(stage, metric), metric.value]] : [],
        ),
      ),
    );
    return { report: { folder, name }, figureOf: (stage, metric) => values.get(keyOf(stage, metric)) };
  } catch (error) {
    const absent = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    const missing = absent ? `there is no ${file}` : `${file} is not a report: ${reasonOf(error)}`;
    return { report: { folder, missing }, figureOf: () => undefined };
  }
}

/** The stages' reports with the baseline's figures beside their own. */
export function besideBaseline(stages: readonly StageReport[], { figureOf }: Baseline): StageReport[] {
  return stages.map((stage) => {
    if (stage.metrics === undefined) return stage;
    const metrics = stage.metrics.map((metric) => {
      const baseline = figureOf(stage.name, metric);
      return baseline === undefined ? metric : { ...metric, baseline };
    });
    return { ...stage, metrics };
  });
}

function keyOf(stage: string, { task, metric }: Pick<MetricReport, 'task' | 'metric'>): string {
  return JSON.stringify([stage, task, metric]);
}

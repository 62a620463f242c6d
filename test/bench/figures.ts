/** The figures that the emoji run is judged by, from the reports of two runs of it. */
import type { RunReport, StageReport } from '../../pipeline/run/report.js';

/** One figure, beside what it should be. */
export interface Figure {
  readonly name: string;
  readonly value: string;
  readonly wanted?: string;
  readonly met?: boolean;
}

const percent = (share: number) => `${(100 * share).toFixed(2)} %`;

/** Recall, zero-shot accuracy and captions of each evaluation stage, throughput and loss of each training stage. */
export function modelFigures({ stages }: RunReport): Figure[] {
  const trained = stages.filter(({ curve = [] }) => curve.length > 0).flatMap(trainingFigures);
  const scored = stages.filter(({ use }) => use === 'evaluation');
  return [...trained, ...scored.flatMap(scoreFigures), ...ensembleFigures(scored)];
}

function trainingFigures({ name, curve = [], metrics = [], waitingShare }: StageReport): Figure[] {
  const value = (metric: string) => metrics.find((one) => one.metric === metric)?.value ?? Number.NaN;
  return [
    { name: `${name}: steps`, value: String(curve.at(-1)!.step) },
    { name: `${name}: final loss`, value: value('final_loss').toFixed(4) },
    { name: `${name}: samples/s`, value: value('samples_per_second').toFixed(0) },
    { name: `${name}: share of time that the trainer waited for data`, value: percent(waitingShare ?? Number.NaN) },
  ];
}

function scoreFigures({ name, metrics = [] }: StageReport): Figure[] {
  const shown = metrics.filter(({ metric }) => /_r1$|_r5$|_top1$|exact_match$|cider$/.test(metric));
  return shown.map(({ task, metric, value }) => {
    const least = leastOf(metric);
    const figure = {
      name: `${name}: ${task} ${metric}`,
      value: metric.endsWith('cider') ? value.toFixed(3) : percent(value),
    };
    return least === undefined ? figure : { ...figure, wanted: `at least ${percent(least)}`, met: value >= least };
  });
}

/** What the project set itself: 30 % of recall in English, 5 % of zero-shot accuracy in each other language. */
function leastOf(metric: string): number | undefined {
  if (/^(image_to_text|text_to_image)_r1$/.test(metric)) return 0.3;
  return /^zero_shot_(zh|ja|ar|it)_top1$/.test(metric) ? 0.05 : undefined;
}

/** InternVL-G, the last evaluation, beside InternVL-C, the first. */
function ensembleFigures(scored: readonly StageReport[]): Figure[] {
  const [c, g] = [scored.at(0), scored.at(-1)];
  if (c === undefined || g === undefined || c === g) return [];
  return ['image_to_text_r1', 'text_to_image_r1'].flatMap((metric) => {
    const [before, after] = [c, g].map(({ metrics = [] }) => metrics.find((one) => one.metric === metric)?.value);
    if (before === undefined || after === undefined) return [];
    const value = `${percent(after)} after ${percent(before)}`;
    return [{ name: `${g.name} against ${c.name}: ${metric}`, value, wanted: 'not lower', met: after >= before }];
  });
}

/** What the other languages cost English: recall of InternVL-C with English names alone, the run with all as its baseline. */
export function languageFigures(english: RunReport): Figure[] {
  const metrics = english.stages.find(({ use }) => use === 'evaluation')?.metrics ?? [];
  return metrics.flatMap(({ metric, value, baseline }) => {
    if (baseline === undefined || !/^(image_to_text|text_to_image)_r1$/.test(metric)) return [];
    const cost = (100 * (value - baseline)).toFixed(2);
    return [{ name: `English alone: ${metric}`, value: `${percent(value)}: the other languages cost ${cost} points` }];
  });
}

/** Rows in = rows out + rows in the ledger, and those that a trainer had no use for, in each stage that has rows. */
export function sumFigures({ stages }: RunReport): Figure[] {
  return stages.flatMap(({ name, rows }) => {
    if (rows === undefined) return [];
    const { in: read, out, ledger, unused = 0 } = rows;
    const value = `${read} in, ${out} out, ${ledger} in the ledger${unused > 0 ? `, ${unused} unused` : ''}`;
    return [{ name: `${name}: rows`, value, wanted: 'the sum holds', met: read === out + ledger + unused }];
  });
}

/** The same bytes in stages without training, the same losses to 6 digits in those with it. */
export function sameFigures(first: RunReport, second: RunReport): Figure[] {
  return first.stages.map((stage) => {
    const again = second.stages.find(({ name }) => name === stage.name);
    const { curve = [] } = stage;
    if (curve.length === 0) {
      const met = stage.digest !== undefined && stage.digest === again?.digest;
      return {
        name: `${stage.name} twice`,
        value: met ? 'identical bytes' : 'other bytes',
        wanted: 'identical bytes',
        met,
      };
    }
    const differing = curve.filter(
      ({ metrics }, i) => digits(metrics.loss) !== digits(again?.curve?.[i]?.metrics.loss),
    );
    const met = differing.length === 0 && curve.length === again?.curve?.length;
    const value = met
      ? `${curve.length} losses equal to 6 digits`
      : `${differing.length} of ${curve.length} losses differ`;
    return { name: `${stage.name} twice`, value, wanted: 'equal to 6 digits', met };
  });
}

function digits(loss: number | undefined): string {
  return loss === undefined ? 'none' : loss.toPrecision(6);
}

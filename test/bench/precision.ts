/** The contrastive stage of the emoji manifest in float32 and in bfloat16: the same losses, to a percent. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RunReport } from '../../pipeline/run/report.js';
import { runEmoji } from './emoji-run.js';
import type { Figure } from './figures.js';

const STEPS = 500;

/** Runs of each precision. One pair says little: two runs that differ in rounding alone end a percent apart. */
const SEEDS = [7, 8, 9];

/** How far apart the final losses, means of the last 50 steps and of all seeds, may be. */
const APART = 0.01;

/** Points that are drawn of each curve, each the mean of the steps before it. */
const POINTS = 25;

/** What one run came to. */
interface Training {
  readonly losses: readonly number[];
  readonly final: number;
}

/** Trains each seed twice, on the same batches, and compares the losses. */
export async function measurePrecision(checkout: string): Promise<{ figures: Figure[]; drawing: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'alignflow-bench-'));
  try {
    const pairs: { readonly fp32: Training; readonly bf16: Training }[] = [];
    for (const seed of SEEDS) {
      // In one folder: the second run finds the rows of the first.
      const output = join(folder, `${seed}`);
      const train = (precision: string) => trainOnce(checkout, output, seed, precision);
      pairs.push({ fp32: await train('fp32'), bf16: await train('bf16') });
    }
    const mean = (of: (pair: (typeof pairs)[number]) => Training) =>
      pairs.reduce((sum, pair) => sum + of(pair).final, 0) / pairs.length;
    const [fp32, bf16] = [mean((pair) => pair.fp32), mean((pair) => pair.bf16)];
    const percent = (share: number) => `${share > 0 ? '+' : ''}${(100 * share).toFixed(2)}`;
    const each = pairs.map((pair) => percent(pair.bf16.final / pair.fp32.final - 1));
    const apart = bf16 / fp32 - 1;
    const figure = {
      name: `final loss of ${STEPS} steps, float32 and bfloat16, means of ${SEEDS.length} seeds`,
      value: `${fp32.toFixed(4)} and ${bf16.toFixed(4)}, ${percent(apart)} % (single seeds ${each.join(', ')} %)`,
      wanted: `within ${100 * APART} %`,
      met: Math.abs(apart) <= APART,
    };
    return { figures: [figure], drawing: draw([pairs[0]!.fp32.losses, pairs[0]!.bf16.losses]) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function trainOnce(checkout: string, output: string, seed: number, precision: string): Promise<Training> {
  const set = [
    `seed=${seed}`,
    `stages.contrast.with.steps=${STEPS}`,
    `stages.contrast.with.precision=${precision}`,
    'stages.generate.with.steps=1',
    'stages.generate.with.warmup=0',
  ];
  const { report } = await runEmoji({ checkout, output, set });
  const { curve = [], metrics = [] } = trained(report);
  return {
    losses: curve.map(({ metrics: values }) => values.loss ?? Number.NaN),
    final: metrics.find(({ metric }) => metric === 'final_loss')!.value,
  };
}

function trained({ stages }: RunReport) {
  return stages.find(({ name }) => name === 'contrast')!;
}

/** The curves over each other, as Mermaid draws them. */
function draw(losses: readonly (readonly number[])[]): string {
  const span = STEPS / POINTS;
  const means = losses.map((curve) =>
    Array.from({ length: POINTS }, (_, point) => {
      const part = curve.slice(point * span, (point + 1) * span);
      return (part.reduce((sum, loss) => sum + loss, 0) / part.length).toFixed(3);
    }),
  );
  const steps = Array.from({ length: POINTS }, (_, point) => (point + 1) * span);
  return [
    '```mermaid',
    'xychart-beta',
    `  title "contrastive loss of seed ${SEEDS[0]}, float32 and bfloat16, means of ${span} steps"`,
    `  x-axis "step" [${steps.join(', ')}]`,
    '  y-axis "loss"',
    ...means.map((values) => `  line [${values.join(', ')}]`),
    '```\n',
  ].join('\n');
}

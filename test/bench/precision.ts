/** The contrastive stage of the emoji manifest in float32 and with bfloat16 products: the same losses, to a percent. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RunReport } from '../../pipeline/run/report.js';
import { runEmoji } from './emoji-run.js';
import type { Figure } from './figures.js';

const STEPS = 500;

/** How far apart the final losses, means of the last 50 steps, may be. */
const APART = 0.01;

/** Points that are drawn of each curve, each the mean of the steps before it. */
const POINTS = 25;

/** Trains twice, on the same batches, and compares the losses. */
export async function measurePrecision(checkout: string): Promise<{ figures: Figure[]; drawing: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'alignflow-bench-'));
  try {
    const losses: number[][] = [];
    const finals: number[] = [];
    for (const precision of ['fp32', 'bf16']) {
      const set = [
        `stages.contrast.with.steps=${STEPS}`,
        `stages.contrast.with.precision=${precision}`,
        'stages.generate.with.steps=1',
      ];
      // In one folder: the second run finds the rows of the first.
      const { report } = await runEmoji({ checkout, output: join(folder, 'run'), set });
      const { curve = [], metrics = [] } = trained(report);
      losses.push(curve.map(({ metrics: values }) => values.loss ?? Number.NaN));
      finals.push(metrics.find(({ metric }) => metric === 'final_loss')!.value);
    }
    const [fp32, bf16] = finals as [number, number];
    const apart = Math.abs(bf16 / fp32 - 1);
    const figure = {
      name: `final loss of ${STEPS} steps, float32 and bfloat16`,
      value: `${fp32.toFixed(4)} and ${bf16.toFixed(4)}, ${(100 * apart).toFixed(2)} % apart`,
      wanted: `within ${100 * APART} %`,
      met: apart <= APART,
    };
    return { figures: [figure], drawing: draw(losses) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
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
    `  title "contrastive loss, float32 and bfloat16, means of ${span} steps"`,
    `  x-axis "step" [${steps.join(', ')}]`,
    '  y-axis "loss"',
    ...means.map((values) => `  line [${values.join(', ')}]`),
    '```\n',
  ].join('\n');
}

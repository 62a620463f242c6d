/** Recall on a vendor that was never seen, after eight minutes of training on English names: alignflow's and PyTorch's. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RunReport } from '../../pipeline/run/report.js';
import type { Figure } from './figures.js';
import { measureCommand } from './measured-command.js';

/** What the peer may train for, and ours as a whole stage. */
const SECONDS = 480;
/** What the peer reached where it was measured first. */
const RECALL = 0.468;

/** What the peer's recipe prints. */
interface PeerRun {
  readonly steps: number;
  readonly seconds: number;
  readonly imageToText: number;
  readonly textToImage: number;
  readonly peakBytes: number;
  readonly version: string;
}

/** Runs the manifest, then the peer's recipe on the same drawings and names. */
export async function measureNames(checkout: string, python: string): Promise<Figure[]> {
  const folder = await mkdtemp(join(tmpdir(), 'alignflow-bench-'));
  try {
    const run = async (manifest: string, output: string) => {
      const parts = ['stages/alignflow.js', 'run', manifest, '--set', `output=${output}`];
      const { peakBytes } = await measureCommand('node', parts, { folder: checkout });
      const report = JSON.parse(await readFile(join(output, 'report.json'), 'utf8')) as RunReport;
      return { report, peakBytes };
    };
    const ours = await run('manifests/emoji-names.yaml', join(folder, 'names'));
    const data = join(folder, 'drawings');
    await run('test/bench/names/drawings.yaml', data);
    const limits = ['--seconds', String(SECONDS), '--threads', String(availableParallelism())];
    const recipe = ['test/bench/peers/emoji_recipe.py', '--data', data, ...limits];
    const peer = JSON.parse((await measureCommand(python, recipe, { folder: checkout })).output) as PeerRun;
    return figures(ours, peer);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function figures(ours: { readonly report: RunReport; readonly peakBytes: number }, peer: PeerRun): Figure[] {
  const { stages } = ours.report;
  const [trained, scored] = ['contrastive', 'evaluation'].map((use) => stages.find((stage) => stage.use === use)!);
  const recall = (metric: string) => scored!.metrics!.find((one) => one.metric === metric)!.value;
  const percent = (share: number) => `${(100 * share).toFixed(2)} %`;
  const seconds = trained!.seconds!;
  const peerRecalls = { image_to_text_r1: peer.imageToText, text_to_image_r1: peer.textToImage };
  return [
    {
      name: 'contrastive stage, English names alone',
      value: `${seconds.toFixed(0)} s for ${trained!.curve!.at(-1)!.step} steps; ${peer.version} ${peer.seconds.toFixed(0)} s for ${peer.steps}`,
      wanted: `at most ${SECONDS} s`,
      met: seconds <= SECONDS,
    },
    ...Object.entries(peerRecalls).map(([metric, reached]) => ({
      name: metric,
      value: `${percent(recall(metric))}, the peer ${percent(reached)}`,
      wanted: `at least ${percent(RECALL)}`,
      met: recall(metric) >= RECALL,
    })),
    {
      name: 'peak resident memory',
      value: `${(ours.peakBytes / 1e9).toFixed(2)} GB, the peer ${(peer.peakBytes / 1e9).toFixed(2)} GB`,
    },
  ];
}

import { availableParallelism } from 'node:os';
import { measureCommand } from './measured-command.js';

/** What one process measured of a training step. */
export interface StepSpeed {
  readonly samplesPerSecond: number;
  readonly peakBytes: number;
  readonly version: string;
}

/** A way in which the peer can run its step; the speed is undefined where it took too long or failed. */
export interface PeerVariant {
  readonly name: string;
  readonly speed: number | undefined;
}

/** Ours and the peer's best, in turns. */
export interface RaceResult {
  /** Patches of 16 that are kept. */
  readonly kept: number;
  readonly ours: StepSpeed;
  readonly peer: StepSpeed;
  readonly best: string;
  readonly variants: readonly PeerVariant[];
  readonly rounds: number;
}

/** What a race needs. */
export interface RaceOptions {
  /** The checkout that is measured, built. */
  readonly checkout: string;
  readonly python: string;
  readonly kept: number;
  readonly rounds: number;
}

/** Names of the peer's variants, and the options that select them. */
const VARIANTS = {
  'fp32 eager': ['--precision', 'fp32'],
  'fp32 compiled': ['--precision', 'fp32', '--compile'],
  'bf16 autocast': ['--precision', 'bf16'],
  'bf16 autocast, compiled': ['--precision', 'bf16', '--compile'],
} as const;

/** Seconds after which a variant is given up: compilation takes minutes, and bf16 is emulated where the processor lacks it. */
const PATIENCE = 300;

/** Tries all variants of the peer once, then runs its best and ours in turns, and takes the median of each. */
export async function raceSteps(options: RaceOptions): Promise<RaceResult> {
  const { checkout, kept, rounds } = options;
  const names = Object.keys(VARIANTS) as (keyof typeof VARIANTS)[];
  const variants: { name: keyof typeof VARIANTS; speed: number | undefined }[] = [];
  for (const name of names) {
    try {
      const { samplesPerSecond } = await peerStep(options, name, 8);
      variants.push({ name, speed: samplesPerSecond });
      process.stderr.write(`peer, ${name}: ${samplesPerSecond.toFixed(0)} samples/s\n`);
    } catch (error) {
      variants.push({ name, speed: undefined });
      process.stderr.write(`peer, ${name}: given up: ${String(error)}\n`);
    }
  }
  const best = variants.reduce((a, b) => ((b.speed ?? 0) > (a.speed ?? 0) ? b : a)).name;
  const ours: StepSpeed[] = [];
  const peer: StepSpeed[] = [];
  for (let round = 0; round < rounds; round++) {
    ours.push(await parsed('node', ['dist/test/bench/contrastive-step.js', String(kept), '60'], checkout));
    peer.push(await peerStep(options, best, 15));
  }
  return { kept, ours: median(ours), peer: median(peer), best, variants, rounds };
}

function peerStep({ checkout, python, kept }: RaceOptions, variant: keyof typeof VARIANTS, seconds: number) {
  const script = 'test/bench/peers/contrastive_step.py';
  const threads = String(availableParallelism());
  const work = ['--kept', String(kept), '--seconds', String(seconds), '--threads', threads];
  return parsed(python, [script, ...VARIANTS[variant], ...work], checkout);
}

async function parsed(program: string, parts: readonly string[], folder: string): Promise<StepSpeed> {
  const { output } = await measureCommand(program, parts, { folder, timeout: PATIENCE });
  return JSON.parse(output.trim().split('\n').at(-1)!) as StepSpeed;
}

function median(speeds: readonly StepSpeed[]): StepSpeed {
  return speeds.toSorted((a, b) => a.samplesPerSecond - b.samplesPerSecond)[speeds.length >> 1]!;
}

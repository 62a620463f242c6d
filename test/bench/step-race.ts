import { availableParallelism } from 'node:os';
import { measureCommand } from './measured-command.js';
import type { StepShape } from './step-shapes.js';

/** What one process measured of a training step. */
export interface StepSpeed {
  readonly samplesPerSecond: number;
  /** From the start of training to the end of its first step; the peer's is not told. */
  readonly firstSeconds?: number;
  readonly peakBytes: number;
  /** What training says that it will take, before its first step; the peer says nothing. */
  readonly saidBytes?: number;
  readonly version: string;
}

/** A way in which the peer can run its step; the speed is undefined where it took too long or failed. */
export interface PeerVariant {
  readonly name: string;
  readonly speed: number | undefined;
}

/** Ours and the peer's best, in turns. */
export interface RaceResult {
  /** Patches that are kept. */
  readonly kept: number;
  readonly ours: StepSpeed;
  readonly peer: StepSpeed;
  readonly best: string;
  readonly variants: readonly PeerVariant[];
  readonly rounds: number;
}

/** What a race needs. */
export interface RaceOptions {
  readonly shape: StepShape;
  /** Ours. */
  readonly precision: 'fp32' | 'bf16';
  /** The checkout that is measured, built. */
  readonly checkout: string;
  readonly python: string;
  readonly kept: number;
  readonly rounds: number;
}

/** Names of the peer's variants, and the options that select them: attention as explicit products, or PyTorch's own kernel of it. */
const VARIANTS = {
  'fp32 eager': ['--precision', 'fp32'],
  'fp32 eager, fused attention': ['--precision', 'fp32', '--attention', 'fused'],
  'fp32 compiled': ['--precision', 'fp32', '--compile'],
  'bf16 autocast': ['--precision', 'bf16'],
  'bf16 autocast, compiled': ['--precision', 'bf16', '--compile'],
  'bf16 autocast, compiled, fused attention': ['--precision', 'bf16', '--compile', '--attention', 'fused'],
} as const;

/** The name of one of the peer's variants. */
export type PeerName = keyof typeof VARIANTS;

/** Seconds after which a variant is given up: compilation takes minutes, and bf16 is emulated where the processor lacks it. */
const PATIENCE = 400;

/** Tries the peer's variants once, all of them unless named, then runs its best and ours in turns, and takes the median of each. */
export async function raceSteps(
  options: RaceOptions,
  names: readonly PeerName[] = Object.keys(VARIANTS) as PeerName[],
): Promise<RaceResult> {
  const variants: { name: PeerName; speed: number | undefined }[] = [];
  for (const name of names) {
    try {
      const { samplesPerSecond } = await peerStep(options, name, 8);
      variants.push({ name, speed: samplesPerSecond });
      process.stderr.write(`peer, ${name}: ${samplesPerSecond.toFixed(1)} samples/s\n`);
    } catch (error) {
      variants.push({ name, speed: undefined });
      process.stderr.write(`peer, ${name}: given up: ${String(error)}\n`);
    }
  }
  const best = variants.reduce((a, b) => ((b.speed ?? 0) > (a.speed ?? 0) ? b : a)).name;
  return { ...(await takeTurns(best, options)), kept: options.kept, best, variants, rounds: options.rounds };
}

async function takeTurns(variant: PeerName, options: RaceOptions): Promise<Pick<RaceResult, 'ours' | 'peer'>> {
  const { checkout, shape, precision, kept, rounds } = options;
  const steps = shape === 'tiny' ? '60' : '5';
  const ours: StepSpeed[] = [];
  const peer: StepSpeed[] = [];
  for (let round = 0; round < rounds; round++) {
    const parts = ['dist/test/bench/contrastive-step.js', shape, precision, String(kept), steps];
    ours.push(await parsed('node', parts, checkout));
    peer.push(await peerStep(options, variant, 12));
    const [us, them] = [ours, peer].map((speeds) => speeds.at(-1)!.samplesPerSecond.toFixed(1));
    process.stderr.write(`${shape}, ${kept} patches: ours ${precision} ${us}, peer ${variant} ${them} samples/s\n`);
  }
  return { ours: median(ours), peer: median(peer) };
}

function peerStep({ checkout, python, shape, kept }: RaceOptions, variant: PeerName, seconds: number) {
  const script = 'test/bench/peers/contrastive_step.py';
  const threads = String(availableParallelism());
  const work = ['--size', shape, '--kept', String(kept), '--seconds', String(seconds), '--threads', threads];
  return parsed(python, [script, ...VARIANTS[variant], ...work], checkout);
}

async function parsed(program: string, parts: readonly string[], folder: string): Promise<StepSpeed> {
  const { output } = await measureCommand(program, parts, { folder, timeout: PATIENCE });
  return JSON.parse(output.trim().split('\n').at(-1)!) as StepSpeed;
}

function median(speeds: readonly StepSpeed[]): StepSpeed {
  return speeds.toSorted((a, b) => a.samplesPerSecond - b.samplesPerSecond)[speeds.length >> 1]!;
}

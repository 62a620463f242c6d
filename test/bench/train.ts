/** Training steps beside PyTorch's, in turns: speed, memory, the time to the first step. */
import type { Figure } from './figures.js';
import { type PeerName, type RaceOptions, raceSteps } from './step-race.js';
import { stepShapes } from './step-shapes.js';

/** One comparison: ours in a precision beside the fastest of the peer's variants, and how many times as fast it is to be. */
interface Comparison extends Pick<RaceOptions, 'shape' | 'precision' | 'kept'> {
  readonly peers: readonly PeerName[];
  readonly wanted: number;
}

const COMPILED: readonly PeerName[] = ['bf16 autocast, compiled', 'bf16 autocast, compiled, fused attention'];
const EAGER: readonly PeerName[] = ['fp32 eager', 'fp32 eager, fused attention'];

const COMPARISONS: readonly Comparison[] = [
  { shape: 'small', precision: 'bf16', kept: 98, peers: COMPILED, wanted: 1 },
  { shape: 'small', precision: 'bf16', kept: 196, peers: COMPILED, wanted: 1 },
  { shape: 'small', precision: 'fp32', kept: 98, peers: EAGER, wanted: 1.5 },
  { shape: 'small', precision: 'fp32', kept: 196, peers: EAGER, wanted: 1.5 },
  { shape: 'tiny', precision: 'bf16', kept: 12, peers: COMPILED, wanted: 1.2 },
];

/** Seconds that the first step of the larger shape may take. */
const FIRST = 15;

/** How far the memory that is foretold may be from what is measured. */
const FORETOLD = 0.15;

/** Measures all comparisons. */
export async function measureTraining(options: Pick<RaceOptions, 'checkout' | 'python' | 'rounds'>): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const comparison of COMPARISONS) figures.push(...(await compare(comparison, options)));
  return figures;
}

async function compare(
  { shape, precision, kept, peers, wanted }: Comparison,
  options: Pick<RaceOptions, 'checkout' | 'python' | 'rounds'>,
): Promise<Figure[]> {
  const { ours, peer, best } = await raceSteps({ ...options, shape, precision, kept }, peers);
  const ratio = ours.samplesPerSecond / peer.samplesPerSecond;
  const name = `${shape}, ${kept} of ${stepShapes[shape].patches} patches, ${precision}`;
  const gigabytes = (bytes: number) => `${(bytes / 1e9).toFixed(2)} GB`;
  const speed = (value: number) => value.toFixed(value < 100 ? 1 : 0);
  return [
    {
      name: `${name}: samples/s`,
      value: `${speed(ours.samplesPerSecond)}, ${ratio.toFixed(2)} times the ${speed(peer.samplesPerSecond)} of ${peer.version}, ${best}`,
      wanted: `${wanted} times`,
      met: ratio >= wanted,
    },
    {
      name: `${name}: peak resident memory`,
      value: `${gigabytes(ours.peakBytes)}, the peer ${gigabytes(peer.peakBytes)}`,
      wanted: 'at most the peer\u2019s',
      met: ours.peakBytes <= peer.peakBytes,
    },
    {
      name: `${name}: memory foretold`,
      value: `${gigabytes(ours.saidBytes!)}, ${(ours.saidBytes! / ours.peakBytes).toFixed(2)} of what it took`,
      wanted: `within ${FORETOLD * 100} %`,
      met: Math.abs(ours.saidBytes! / ours.peakBytes - 1) <= FORETOLD,
    },
    {
      name: `${name}: first step`,
      value: `${ours.firstSeconds!.toFixed(1)} s`,
      wanted: `under ${FIRST} s`,
      met: ours.firstSeconds! < FIRST,
    },
  ];
}

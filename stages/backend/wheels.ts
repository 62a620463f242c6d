import { cuda, tensorflow, tensorflowVersion, type Wheel } from './lock.js';

/** What decides which wheels fit. */
export interface System {
  /** As `process.platform`. */
  readonly platform: string;
  /** As `process.arch`. */
  readonly arch: string;
  /** Version of the GNU C library, `undefined` where there is another C library. */
  readonly glibc: string | undefined;
}

/** Which TensorFlow: for the processor alone, or with CUDA. */
export type Variant = 'cpu' | 'gpu';

/** The oldest GNU C library that the Linux wheels run on (their `manylinux_2_27` tag). */
const oldestGlibc = [2, 27] as const;

/** The system that this process runs on. The C library is looked up when it is asked for, which takes a while. */
export const thisSystem: System = {
  platform: process.platform,
  arch: process.arch,
  get glibc() {
    return process.platform === 'linux' ? glibcVersion() : undefined;
  },
};

/** Why there is no TensorFlow for a system, one sentence without a full stop; `undefined` when there is. */
export function unsupported(system: System, variant: Variant): string | undefined {
  if (wheelsFor(system, variant).length === 0) {
    const what = variant === 'gpu' ? 'with CUDA ' : '';
    return `TensorFlow ${tensorflowVersion} ${what}is not published for ${system.platform}-${system.arch}`;
  }
  if (system.platform !== 'linux') return undefined;
  const { glibc } = system;
  if (glibc === undefined)
    return `TensorFlow ${tensorflowVersion} needs the GNU C library, and this system has another`;
  const [major = 0, minor = 0] = glibc.split('.').map(Number);
  const enough = major > oldestGlibc[0] || (major === oldestGlibc[0] && minor >= oldestGlibc[1]);
  return enough
    ? undefined
    : `TensorFlow ${tensorflowVersion} needs the GNU C library ${oldestGlibc.join('.')} or newer, and this system has ${glibc}`;
}

/** The wheels for a platform, TensorFlow first; none where it is not published. */
export function wheelsFor({ platform, arch }: System, variant: Variant): readonly Wheel[] {
  const found = Object.entries<Wheel>(tensorflow).find(([key]) => key === `${platform}-${arch}-${variant}`);
  if (found === undefined) return [];
  return [found[1], ...(variant === 'gpu' ? cuda : [])];
}

/** The version of the GNU C library that Node runs on. */
function glibcVersion(): string | undefined {
  const report: unknown = process.report.getReport();
  if (typeof report !== 'object' || report === null || !('header' in report)) return undefined;
  const { header } = report;
  if (typeof header !== 'object' || header === null || !('glibcVersionRuntime' in header)) return undefined;
  return typeof header.glibcVersionRuntime === 'string' ? header.glibcVersionRuntime : undefined;
}

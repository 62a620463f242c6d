import { buildInstallation } from './build.js';
import { demandedBackend, wasmAskedFor } from './choice.js';
import { findInstallation, type Installation, installationFor, isComplete } from './installation.js';
import type { SetupReport } from './setup-event.js';
import { findToolchain, type Obstacle } from './toolchain.js';
import { thisSystem, unsupported, type Variant, wheelsFor } from './wheels.js';

/** Settings of a setup. */
export interface SetupOptions {
  /** TensorFlow for the processor alone or with CUDA. Default: what is set up already, else for the processor. */
  readonly variant?: Variant;
  /** Told what is going on, some times a second. */
  readonly report?: SetupReport;
}

/** What a setup came to. */
export type SetupOutcome =
  | {
      readonly kind: 'tensorflow';
      readonly installation: Installation;
      /** False when it was there already. */
      readonly built: boolean;
    }
  | ({ readonly kind: 'wasm' } & Obstacle);

/**
 * Makes TensorFlow ready for `startBackend`: fetches its wheel, takes the libraries out and compiles the addon, all in the
 * cache folder. Does nothing when that is done already. May be interrupted anywhere and started twice at once.
 * Where TensorFlow cannot be had (system, pip or compiler missing, `ALIGNFLOW_BACKEND=wasm`), the outcome says so.
 * Throws `AlignflowError` when it should have worked and did not (network, checksum, compiler, disk).
 */
export async function setUp({ variant: asked, report = () => {} }: SetupOptions = {}): Promise<SetupOutcome> {
  if (demandedBackend() === 'wasm') return { kind: 'wasm', reason: wasmAskedFor };
  const present = asked === undefined ? findInstallation() : undefined;
  if (present !== undefined) return { kind: 'tensorflow', installation: present, built: false };
  const variant = asked ?? 'cpu';
  const wheels = wheelsFor(thisSystem, variant);
  const installation = installationFor(thisSystem, variant, wheels);
  if (isComplete(installation)) return { kind: 'tensorflow', installation, built: false };
  const reason = unsupported(thisSystem, variant);
  if (reason !== undefined) return { kind: 'wasm', reason };
  const tools = await findToolchain();
  if ('reason' in tools) return { kind: 'wasm', ...tools };
  const built = await buildInstallation(installation, wheels, tools, report);
  return { kind: 'tensorflow', installation, built };
}

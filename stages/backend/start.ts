import * as tf from '@tensorflow/tfjs-core';
import { AlignflowError, reasonOf } from '../../pipeline/errors.js';
import { registerTensorflow } from './addon.js';
import { findInstallation } from './installation.js';
import { type NativeOps, nativeOps } from './native.js';
import { findToolchain, type Obstacle } from './toolchain.js';
import { thisSystem, unsupported } from './wheels.js';

/** The names of the backends, as tfjs registers them. */
export type BackendKind = 'tensorflow' | 'wasm';

/** The backend in use. */
export interface Backend {
  readonly kind: BackendKind;
  /** Version of TensorFlow, or of tfjs for WebAssembly. */
  readonly version: string;
  /** TensorFlow's own kernels; `undefined` with WebAssembly. */
  readonly native: NativeOps | undefined;
}

/** Settings of a start. */
export interface StartOptions {
  /** The backend to use if it can be had. Default: TensorFlow. `ALIGNFLOW_BACKEND` in the environment goes before it. */
  readonly prefer?: BackendKind;
  /** Takes the one line that says why TensorFlow is not used. Default: standard error. */
  readonly warn?: (line: string) => void;
}

/** Backends of this process by kind. None can be loaded twice. */
const loaded = new Map<BackendKind, Promise<string>>();

/** Lines that were said already. */
const said = new Set<string>();

/**
 * Starts the tensor backend, and makes it the one that `@tensorflow/tfjs-core` uses. Without a setup, or where TensorFlow
 * cannot be had, the WebAssembly backend takes over, and one line says why. A later call gives the backend that is in use,
 * or changes to the one that it prefers.
 * Throws `AlignflowError` when `ALIGNFLOW_BACKEND` is no backend, or is `tensorflow` and TensorFlow is not there.
 */
export async function startBackend(options: StartOptions = {}): Promise<Backend> {
  const { prefer, warn = (line) => process.stderr.write(`${line}\n`) } = options;
  const demanded = demandedBackend();
  const wanted = demanded ?? prefer ?? backendInUse() ?? 'tensorflow';
  const obstacle =
    wanted === 'tensorflow' ? await loadTensorflow() : demanded === 'wasm' ? { reason: wasmAskedFor } : undefined;
  if (wanted === 'tensorflow' && obstacle === undefined) return use('tensorflow');
  if (obstacle !== undefined) {
    if (demanded === 'tensorflow') throw notThere(obstacle);
    const line = `alignflow: the WebAssembly backend is in use, which is slow: ${describe(obstacle)}`;
    if (!said.has(line)) warn(line);
    said.add(line);
  }
  await loadWasm();
  return use('wasm');
}

/** Why TensorFlow is not used although nothing stands against it. */
export const wasmAskedFor = 'ALIGNFLOW_BACKEND=wasm asks for it';

/** What `ALIGNFLOW_BACKEND` demands. Throws `AlignflowError` when it is set to anything but a backend. */
export function demandedBackend(environment: NodeJS.ProcessEnv = process.env): BackendKind | undefined {
  const demanded = environment.ALIGNFLOW_BACKEND;
  if (demanded === undefined || demanded === '') return undefined;
  if (demanded === 'tensorflow' || demanded === 'wasm') return demanded;
  throw new AlignflowError({
    what: `ALIGNFLOW_BACKEND=${demanded} is no backend`,
    expected: 'tensorflow or wasm',
    fix: 'unset ALIGNFLOW_BACKEND, or set it to one of them',
  });
}

/** The backend in use, `undefined` before `startBackend`. */
export function backendInUse(): BackendKind | undefined {
  const name = tf.getBackend();
  return name === 'tensorflow' || name === 'wasm' ? name : undefined;
}

/** Why TensorFlow is not set up on this system. */
export async function whyNotSetUp(): Promise<Obstacle> {
  const reason = unsupported(thisSystem, 'cpu');
  if (reason !== undefined) return { reason };
  const tools = await findToolchain();
  return 'reason' in tools ? tools : { reason: 'TensorFlow is not set up', fix: 'run `alignflow setup`' };
}

/** Loads TensorFlow once; what stands against it, if anything does. */
async function loadTensorflow(): Promise<Obstacle | undefined> {
  if (loaded.has('tensorflow')) return undefined;
  const installation = findInstallation();
  if (installation === undefined) return whyNotSetUp();
  try {
    loaded.set('tensorflow', Promise.resolve(registerTensorflow(installation.addon).TF_Version));
    return undefined;
  } catch (error) {
    return {
      reason: `TensorFlow could not be loaded (${reasonOf(error)})`,
      fix: `delete ${installation.folder} and run \`alignflow setup\``,
    };
  }
}

/** Loads the WebAssembly backend once. It finds its .wasm files beside its own code, and knows no threads under Node. */
async function loadWasm(): Promise<void> {
  if (!loaded.has('wasm'))
    loaded.set(
      'wasm',
      import('@tensorflow/tfjs-backend-wasm').then((wasm) => wasm.version_wasm),
    );
  await loaded.get('wasm');
}

async function use(kind: BackendKind): Promise<Backend> {
  const version = await loaded.get(kind);
  if (version === undefined || !(await tf.setBackend(kind))) {
    throw new AlignflowError({ what: `the backend ${kind} did not start`, fix: 'run `alignflow doctor`' });
  }
  return { kind, version, native: nativeOps() };
}

function describe({ reason, fix }: Obstacle): string {
  return fix === undefined ? reason : `${reason}; ${fix}`;
}

function notThere({ reason, fix }: Obstacle): AlignflowError {
  const what = `ALIGNFLOW_BACKEND=tensorflow asks for TensorFlow, but ${reason}`;
  return new AlignflowError(fix === undefined ? { what } : { what, fix });
}

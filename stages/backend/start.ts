import { createRequire } from 'node:module';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { AlignflowError, reasonOf } from '../../pipeline/errors.js';
import { registerTensorflow } from './addon.js';
import { type BackendKind, demandedBackend, wasmAskedFor } from './choice.js';
import { configureGpu } from './gpu.js';
import { findInstallation, tfjsNodeFolder } from './installation.js';
import { loadKernels } from './kernels.js';
import { type NativeOps, nativeOps } from './native.js';
import { chooseLibrary } from './products.js';
import { findToolchain, type Obstacle } from './toolchain.js';
import { registerWasmKernels } from './wasm-kernels.js';
import { thisSystem, unsupported } from './wheels.js';

/** The backend in use. */
export interface Backend {
  readonly kind: BackendKind;
  /** Version of TensorFlow, or of tfjs for WebAssembly. */
  readonly version: string;
  /** TensorFlow's own kernels; `undefined` with WebAssembly. */
  readonly native: NativeOps | undefined;
  /** Why this is not TensorFlow; `undefined` when it is, or when WebAssembly is what the program preferred. */
  readonly obstacle: Obstacle | undefined;
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
  if (wanted === 'tensorflow' && obstacle === undefined) return use('tensorflow', undefined);
  if (obstacle !== undefined) {
    if (demanded === 'tensorflow') throw notThere(obstacle);
    const line = `alignflow: the WebAssembly backend is in use, which is slow: ${describe(obstacle)}`;
    if (!said.has(line)) warn(line);
    said.add(line);
  }
  await loadWasm();
  return use('wasm', obstacle);
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
  await chooseLibrary();
  if (loaded.has('tensorflow')) return undefined;
  const installation = findInstallation();
  if (installation === undefined) return whyNotSetUp();
  if (installation.variant === 'gpu') configureGpu();
  try {
    const { TF_Version } = registerTensorflow(installation.addon);
    loadKernels(installation.kernels);
    loaded.set('tensorflow', Promise.resolve(TF_Version));
    return undefined;
  } catch (error) {
    return {
      reason: `TensorFlow could not be loaded (${reasonOf(error)})`,
      fix: `delete ${installation.folder} and run \`alignflow setup\``,
    };
  }
}

/**
 * Loads the WebAssembly backend once. It finds its .wasm files beside its own code, and knows no threads under Node.
 * The gradients of all ops come with the package `@tensorflow/tfjs`, which tfjs-node loads by itself.
 */
async function loadWasm(): Promise<void> {
  const load = async () => {
    createRequire(join(tfjsNodeFolder(), 'package.json'))('@tensorflow/tfjs');
    const { version_wasm } = await import('@tensorflow/tfjs-backend-wasm');
    registerWasmKernels();
    return version_wasm;
  };
  if (!loaded.has('wasm')) loaded.set('wasm', load());
  await loaded.get('wasm');
}

async function use(kind: BackendKind, obstacle: Obstacle | undefined): Promise<Backend> {
  const version = await loaded.get(kind);
  if (version === undefined || !(await tf.setBackend(kind))) {
    throw new AlignflowError({ what: `the backend ${kind} did not start`, fix: 'run `alignflow doctor`' });
  }
  return { kind, version, native: nativeOps(), obstacle };
}

function describe({ reason, fix }: Obstacle): string {
  return fix === undefined ? reason : `${reason}; ${fix}`;
}

function notThere({ reason, fix }: Obstacle): AlignflowError {
  const what = `ALIGNFLOW_BACKEND=tensorflow asks for TensorFlow, but ${reason}`;
  return new AlignflowError(fix === undefined ? { what } : { what, fix });
}

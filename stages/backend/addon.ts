import { createRequire } from 'node:module';
import util from 'node:util';
import * as tf from '@tensorflow/tfjs-core';
import { type BackendClass, withBfloat16 } from './bfloat16.js';
import { loadQuietly } from './quiet.js';

/** What the addon says about a tensor that it made. */
export interface TensorMetadata {
  /** Handle, valid until `deleteTensor`. */
  readonly id: number;
  readonly shape: number[];
  /** TensorFlow's number of the data type (`enum TF_DataType`). */
  readonly dtype: number;
}

/** One attribute of a TensorFlow op, as the addon takes it. */
export interface Attribute {
  readonly name: string;
  /** TensorFlow's number of the attribute type (`enum TF_AttrType`). */
  readonly type: number;
  readonly value: boolean | number | string | readonly number[] | readonly boolean[];
}

/** Values that a tensor can be made from. The addon keeps typed arrays without a copy: do not write to them afterwards. */
export type TensorValues = Float32Array | Int32Array | Uint8Array | readonly Uint8Array[];

/** The compiled addon of tfjs-node (`binding/tfjs_binding.cc`). Its methods throw TensorFlow's own messages. */
export interface Addon {
  createTensor(shape: readonly number[], dtype: number, values: TensorValues): number;
  deleteTensor(id: number): void;
  tensorDataSync(id: number): Float32Array | Int32Array | Uint8Array | BigInt64Array | Uint8Array[];
  executeOp(op: string, attributes: readonly Attribute[], inputs: readonly number[], outputs: number): TensorMetadata[];
  /** Loads a SavedModel; `tags` and the op names below are lists whose items each end in a comma. Returns its handle. */
  loadSavedModel(folder: string, tags: string): number;
  deleteSavedModel(id: number): void;
  runSavedModel(id: number, inputs: readonly number[], inputOps: string, outputOps: string): TensorMetadata[];
  getNumOfSavedModels(): number;
  getNumOfTensors(): number;
  isUsingGpuDevice(): boolean;
  readonly TF_Version: string;
}

/** tfjs-node's backend: the part that is used beyond what tfjs itself calls. `binding` may be replaced, to record ops. */
export interface TensorflowBackend extends tf.KernelBackend {
  binding: Addon;
  /** Handles of tensors, which are made now where they only lay in JavaScript so far. */
  getInputTensorIds(tensors: readonly tf.TensorInfo[]): number[];
  /** A tensor for what the addon made, owned by the current `tf.tidy`. Throws for data types that tfjs lacks. */
  createOutputTensor(metadata: TensorMetadata): tf.Tensor;
  executeSingleOutput(op: string, attributes: readonly Attribute[], inputs: tf.TensorInfo[]): tf.Tensor;
  executeMultipleOutputs(
    op: string,
    attributes: readonly Attribute[],
    inputs: tf.TensorInfo[],
    outputs: number,
  ): tf.Tensor[];
  /** What is known of each tensor; `dtype` is TensorFlow's number. */
  readonly tensorMap: { get(dataId: tf.DataId): { readonly shape: number[]; dtype: number } | undefined };
}

/** The TensorFlow backend when it is in use, else `undefined`. */
export function tensorflowBackend(): TensorflowBackend | undefined {
  return tf.getBackend() === 'tensorflow' ? (tf.backend() as TensorflowBackend) : undefined;
}

/**
 * Loads the addon at a path and registers it as the backend `tensorflow`.
 *
 * tfjs-node's own entry (`dist/index.js`) looks for the addon inside `node_modules`, where `npm ci` deletes it and where
 * not everybody may write. So that entry is not used: what it does beyond the addon's path is to require its two parts
 * and to register the backend, and this does the same with the addon in the cache folder. It also leaves out
 * node-pre-gyp, which warns about old Node functions.
 */
export function registerTensorflow(path: string): Addon {
  restoreUtil();
  const require = createRequire(import.meta.url);
  if (wantsQuiet()) loadQuietly(path);
  const addon = require(path) as Addon;
  require('@tensorflow/tfjs-node-gpu/dist/register_all_kernels.js');
  const { NodeJSKernelBackend } = require('@tensorflow/tfjs-node-gpu/dist/nodejs_kernel_backend.js') as {
    readonly NodeJSKernelBackend: BackendClass;
  };
  const Backend = withBfloat16(NodeJSKernelBackend);
  const create = () => new Backend(addon, '@tensorflow/tfjs-node-gpu');
  tf.registerBackend('tensorflow', create, 3);
  return addon;
}

/**
 * TensorFlow writes notes about the processor and its libraries to standard error. Level 2 leaves errors, once it is loaded. Whoever
 * wants the notes sets the variable to 0.
 */
function wantsQuiet(): boolean {
  process.env.TF_CPP_MIN_LOG_LEVEL ??= '2';
  return Number(process.env.TF_CPP_MIN_LOG_LEVEL) >= 2;
}

/** Puts back two functions that tfjs-node calls: Node 22 warns about them, and Node 23 has removed them. */
function restoreUtil(): void {
  Object.assign(util, {
    isArray: Array.isArray,
    isNullOrUndefined: (value: unknown) => value === null || value === undefined,
  });
}

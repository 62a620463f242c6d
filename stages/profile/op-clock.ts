import type { Addon, TensorflowBackend, TensorMetadata } from '../backend/addon.js';
import { bytesOf } from '../backend/native.js';
import { standIn } from '../backend/stand-in.js';
import { moduleInUse } from '../models/module.js';

/** One op that ran. */
export interface TimedOp {
  /** TensorFlow's name: `MatMul`. */
  readonly name: string;
  /** The part of the model that it belongs to; empty for what tfjs does by itself, such as gradients of plain sums. */
  readonly module: string;
  /** Milliseconds of the monotonic clock. */
  readonly start: number;
  readonly milliseconds: number;
  /** Floating-point operations of a matrix product; 0 for other ops. */
  readonly flops: number;
}

/** Tensors at the moment at which there were most. */
export interface PeakMemory {
  readonly bytes: number;
  /** By the module that made them. */
  readonly modules: ReadonlyMap<string, number>;
}

/** Watches the ops of TensorFlow as they run, one by one. */
export interface OpClock {
  /** The ops since the last call. */
  take(): TimedOp[];
  /** The most memory since the clock was opened. */
  peak(): PeakMemory;
  close(): void;
}

interface Held {
  readonly shape: readonly number[];
  readonly module: string;
  readonly bytes: number;
}

/** Opens a clock. On a processor an op has ended when its call returns; on a GPU it has only been started. */
export function openOpClock(backend: TensorflowBackend): OpClock {
  const addon = backend.binding;
  const held = new Map<number, Held>();
  const live = new Map<string, number>();
  let bytes = 0;
  let peak: PeakMemory = { bytes: 0, modules: new Map() };
  let ops: TimedOp[] = [];

  const grow = (module: string, change: number) => {
    live.set(module, (live.get(module) ?? 0) + change);
    bytes += change;
    if (bytes > peak.bytes) peak = { bytes, modules: new Map(live) };
  };
  const hold = ({ id, shape, dtype }: TensorMetadata) => {
    const module = moduleInUse();
    const size = bytesOf({ shape, dtype });
    held.set(id, { shape, module, bytes: size });
    grow(module, size);
  };
  const watched: Partial<Addon> = {
    createTensor(shape, dtype, values) {
      const id = addon.createTensor(shape, dtype, values);
      hold({ id, shape: [...shape], dtype });
      return id;
    },
    deleteTensor(id) {
      addon.deleteTensor(id);
      const tensor = held.get(id);
      if (tensor === undefined) return;
      held.delete(id);
      grow(tensor.module, -tensor.bytes);
    },
    executeOp(name, attributes, inputs, count) {
      const start = performance.now();
      const outputs = addon.executeOp(name, attributes, inputs, count);
      const milliseconds = performance.now() - start;
      const flops = productFlops(name, held.get(inputs[0]!)?.shape, outputs[0]?.shape);
      ops.push({ name, module: moduleInUse(), start, milliseconds, flops });
      for (const output of outputs) hold(output);
      return outputs;
    },
  };
  backend.binding = standIn(addon, watched);
  return {
    take() {
      const taken = ops;
      ops = [];
      return taken;
    },
    peak: () => peak,
    close() {
      backend.binding = addon;
    },
  };
}

/** 2 x rows x columns x terms. Every element of the left factor is used once for each column of the result. */
function productFlops(
  name: string,
  left: readonly number[] | undefined,
  output: readonly number[] | undefined,
): number {
  if (!/^(Batch)?MatMul/.test(name) || left === undefined || output === undefined) return 0;
  return 2 * sizeOf(left) * output.at(-1)!;
}

function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, length) => product * length, 1);
}

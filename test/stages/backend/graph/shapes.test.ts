import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { type Addon, type TensorMetadata, tensorflowBackend } from '../../../../stages/backend/addon.js';
import { openShapes } from '../../../../stages/backend/graph/shapes.js';
import { boolAttribute, dataTypes, typeAttribute } from '../../../../stages/backend/native.js';
import { startBackend } from '../../../../stages/backend/start.js';

const started = await startBackend({ warn: () => {} });

/** The addon, with the ops that it ran. */
function counted(): { addon: Addon; ran: string[] } {
  const { binding } = tensorflowBackend()!;
  const ran: string[] = [];
  const copy = Object.fromEntries(
    Object.getOwnPropertyNames(binding).map((name) => [name, Reflect.get(binding, name)]),
  );
  const executeOp: Addon['executeOp'] = (op, ...rest) => {
    ran.push(op);
    return binding.executeOp(op, ...rest);
  };
  return { addon: { ...copy, executeOp } as unknown as Addon, ran };
}

const product = [
  typeAttribute('T', 'float32'),
  boolAttribute('transpose_a', false),
  boolAttribute('transpose_b', true),
];

describe.skipIf(started.kind !== 'tensorflow')('shapes of a recording', () => {
  it('are those that TensorFlow gives, through ops of any type, and nothing is left', () => {
    const { addon, ran } = counted();
    const before = addon.getNumOfTensors();
    const values = tf.tensor2d([1, 2, 3, 4, 5, 6], [2, 3]);
    const [id] = tensorflowBackend()!.getInputTensorIds([values]) as [number];
    const known: TensorMetadata = { id, shape: [2, 3], dtype: dataTypes.float32 };
    const shapes = openShapes(addon, [known]);
    const of = (op: string, attributes: Parameters<Addon['executeOp']>[1], ...inputs: number[]) =>
      shapes.outputsOf(op, attributes, inputs, 1)[0]!;
    const square = of('MatMul', product, id, id);
    expect([square.shape, square.dtype, shapes.isStandIn(square.id)]).toEqual([[2, 2], dataTypes.float32, true]);
    const cast = (from: 'float32' | 'bfloat16', to: 'bfloat16' | 'int32') => [
      typeAttribute('SrcT', from),
      typeAttribute('DstT', to),
      boolAttribute('Truncate', false),
    ];
    const small = of('Cast', cast('float32', 'bfloat16'), square.id);
    expect([small.shape, small.dtype]).toEqual([[2, 2], dataTypes.bfloat16]);
    const whole = of('Cast', cast('bfloat16', 'int32'), small.id);
    expect(whole.dtype).toBe(dataTypes.int32);
    const bfloat16 = [{ ...product[0]!, value: dataTypes.bfloat16 }, ...product.slice(1)];
    expect(of('MatMul', bfloat16, small.id, small.id).shape).toEqual([2, 2]);
    expect(() => of('MatMul', product, small.id, id)).toThrow(/bfloat16|float/);
    expect(ran).toContain('Fill');
    shapes.close();
    values.dispose();
    expect(addon.getNumOfTensors()).toBe(before);
  });

  it('of what does not fit the memory are not made', () => {
    const { addon, ran } = counted();
    const values = tf.zeros([4, 4]);
    const [id] = tensorflowBackend()!.getInputTensorIds([values]) as [number];
    // Bytes: one matrix of them, not two.
    const shapes = openShapes(addon, [{ id, shape: [4, 4], dtype: dataTypes.float32 }], 100);
    const [{ id: one }] = shapes.outputsOf('MatMul', product, [id, id], 1) as [TensorMetadata];
    ran.length = 0;
    const sum = [typeAttribute('T', 'float32')];
    expect(() => shapes.outputsOf('AddV2', sum, [one, one], 1)).toThrow(
      /^a step does not fit the memory by far: AddV2 of \[4, 4\] and \[4, 4\]\n.*\n {2}to do: take fewer rows/,
    );
    expect(ran).toEqual([]);
    shapes.close();
    const endless = openShapes(addon, [{ id, shape: [4, 4], dtype: dataTypes.float32 }], 2 ** 60);
    const size = addon.createTensor([2], dataTypes.int32, Int32Array.of(2 ** 30, 2 ** 30));
    const zero = addon.createTensor([], dataTypes.float32, new Float32Array(1));
    for (const made of [size, zero]) endless.add({ id: made, shape: made === size ? [2] : [], dtype: dataTypes.int32 });
    const fill = [typeAttribute('T', 'float32'), typeAttribute('index_type', 'int32')];
    expect(() => endless.outputsOf('Fill', fill, [size, zero], 1)).toThrow(
      'a step does not fit the memory by far: Fill',
    );
    for (const made of [size, zero]) addon.deleteTensor(made);
    endless.close();
    values.dispose();
  });

  it('are asked for once for equal layers, and again where a constant is another', () => {
    const { addon, ran } = counted();
    const values = tf.zeros([4, 4]);
    const [id] = tensorflowBackend()!.getInputTensorIds([values]) as [number];
    const shapes = openShapes(addon, [{ id, shape: [4, 4], dtype: dataTypes.float32 }]);
    let layer = id;
    for (let i = 0; i < 50; i++)
      [{ id: layer }] = shapes.outputsOf('MatMul', product, [layer, id], 1) as [TensorMetadata];
    expect(ran.filter((op) => op === 'MatMul')).toHaveLength(1);
    const constant = (...sizes: number[]) => {
      const bytes = Int32Array.from(sizes);
      const made = addon.createTensor([sizes.length], dataTypes.int32, bytes);
      shapes.add({ id: made, shape: [sizes.length], dtype: dataTypes.int32 }, new Uint8Array(bytes.buffer));
      return made;
    };
    const reshape = [typeAttribute('T', 'float32'), typeAttribute('Tshape', 'int32')];
    const sizes = [constant(2, 8), constant(8, 2), constant(2, 8)];
    expect(sizes.map((to) => shapes.outputsOf('Reshape', reshape, [layer, to], 1)[0]!.shape)).toEqual([
      [2, 8],
      [8, 2],
      [2, 8],
    ]);
    expect(ran.filter((op) => op === 'Reshape')).toHaveLength(2);
    for (const made of sizes) addon.deleteTensor(made);
    shapes.close();
    values.dispose();
  });
});

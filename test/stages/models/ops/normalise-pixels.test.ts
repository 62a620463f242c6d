import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { byteTensor } from '../../../../stages/backend/byte-tensor.js';
import { compiledProgram } from '../../../../stages/backend/graph/compiled.js';
import { startBackend } from '../../../../stages/backend/start.js';
import { normalisePixels } from '../../../../stages/models/ops/normalise-pixels.js';

const started = await startBackend({ warn: () => {} });
const file = new URL('../../../reference/pixels.json', import.meta.url);
const { table } = JSON.parse(readFileSync(file, 'utf8')) as { readonly table: readonly (readonly number[])[] };
const imageNet = { mean: [0.485, 0.456, 0.406], deviation: [0.229, 0.224, 0.225] } as const;

/** A picture of 16 x 16 pixels, in which all channels have every byte once. */
const bytes = () =>
  byteTensor(
    Uint8Array.from({ length: 768 }, (_, i) => Math.floor(i / 3)),
    [1, 16, 16, 3],
  );
const expected = Array.from({ length: 768 }, (_, i) => Math.fround(table[i % 3]![Math.floor(i / 3)]!));

describe.each([
  ['TensorFlow', 'tensorflow'],
  ['WebAssembly', 'wasm'],
] as const)('on %s', (_, prefer) => {
  beforeAll(async () => {
    await startBackend({ prefer, warn: () => {} });
  });
  afterAll(async () => {
    await startBackend({ prefer: started.kind, warn: () => {} });
  });

  it('normalises every byte as torchvision does', () => {
    const pixels = bytes();
    const normal = normalisePixels(pixels, imageNet);
    expect(normal.shape).toEqual([1, 16, 16, 3]);
    expect([...normal.dataSync()]).toEqual(expected);
    pixels.dispose();
    normal.dispose();
  });

  it('normalises feeds of a program', () => {
    const program = compiledProgram(
      (_, { pixels }) => ({ outputs: { normal: normalisePixels(pixels!, imageNet) }, updates: {} }),
      {},
    );
    const pixels = bytes();
    const { normal } = program.run({ pixels });
    // TensorFlow's graph optimiser multiplies by reciprocals.
    normal!.dataSync().forEach((value, i) => {
      expect(value).toBeCloseTo(expected[i]!, 5);
    });
    expect(program.mode).toBe(prefer === 'tensorflow' && started.kind === 'tensorflow' ? 'compiled' : 'eager');
    pixels.dispose();
    normal!.dispose();
    program.dispose();
  });
});

import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type NewTensor, openSafetensors, writeSafetensors } from '../../../stages/models/safetensors.js';

const reference = (name: string) => fileURLToPath(new URL(`../../reference/${name}`, import.meta.url));

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'alignflow-safetensors-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** A file with that header and so many bytes behind it. */
async function hostile(header: string | Buffer, bytes: number, length?: number): Promise<string> {
  const text = Buffer.from(header);
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(BigInt(length ?? text.length));
  const path = join(folder, 'hostile.safetensors');
  await writeFile(path, Buffer.concat([size, text, Buffer.alloc(bytes)]));
  return path;
}

const one = (fields: object, name = 'a') =>
  JSON.stringify({ [name]: { dtype: 'F32', shape: [2], data_offsets: [0, 8], ...fields } });

describe('openSafetensors', () => {
  it('reads what the Python package wrote, in every dtype', async () => {
    const file = await openSafetensors(reference('safetensors.safetensors'));
    const expected = JSON.parse(await readFile(reference('safetensors.json'), 'utf8')) as Record<
      string,
      { shape: number[]; values: (number | string)[] }
    >;
    expect([...file.tensors.keys()].sort()).toEqual(Object.keys(expected).sort());
    expect(file.metadata).toEqual({ format: 'pt' });
    for (const [name, { shape, values }] of Object.entries(expected)) {
      if (name === 'model.too_long') continue;
      expect(file.tensors.get(name)!.shape).toEqual(shape);
      const read = await file.read(name);
      const wanted = values.map((value) => Number(value === 'inf' ? Infinity : value === '-inf' ? -Infinity : value));
      expect([...read], name).toEqual(read instanceof Float32Array ? [...Float32Array.from(wanted)] : wanted);
    }
    await file.close();
  });

  it('refuses whole numbers that int32 cannot hold, and names that are not there', async () => {
    const file = await openSafetensors(reference('safetensors.safetensors'));
    await expect(file.read('model.too_long')).rejects.toThrow(
      /safetensors: tensor model\.too_long: element 1 is 1099511627776/,
    );
    await expect(file.read('model.none')).rejects.toThrow('there is no tensor model.none');
    await file.close();
  });

  it.each<[string, string | Buffer, number, number | undefined, string]>([
    ['a header longer than the file', '{}', 0, 100, 'its header claims 100 bytes'],
    ['a header of many gigabytes', '{}', 0, 2 ** 52, 'its header claims 4503599627370496 bytes'],
    ['no JSON', '{"a":', 0, undefined, 'its header is no JSON'],
    ['no object', '[]', 0, undefined, 'its header is no JSON object'],
    ['no UTF-8', Buffer.from([0x7b, 0xff, 0x7d]), 0, undefined, 'no UTF-8'],
    ['an unknown dtype', one({ dtype: 'F31' }), 8, undefined, 'has the dtype "F31"'],
    ['a dtype of an object prototype', one({ dtype: 'constructor' }), 8, undefined, 'has the dtype "constructor"'],
    ['a negative size', one({ shape: [-2] }), 8, undefined, 'has a shape'],
    ['a fractional size', one({ shape: [0.5, 4] }), 8, undefined, 'has a shape'],
    ['a size that overflows', one({ shape: [2 ** 40, 2 ** 40] }), 8, undefined, 'has 8 bytes, from 0 to 8'],
    ['a size of another length', one({ shape: [3] }), 8, undefined, '12 bytes for F32 [3]'],
    ['an end before its begin', one({ data_offsets: [8, 0] }), 8, undefined, 'has -8 bytes'],
    ['three offsets', one({ data_offsets: [0, 4, 8] }), 8, undefined, 'has no two data_offsets'],
    ['no description', '{"a": 3}', 8, undefined, 'is described by no object'],
    ['bytes before the first tensor', one({ data_offsets: [8, 16] }), 16, undefined, '8 bytes before tensor "a"'],
    ['bytes after the last tensor', one({}), 12, undefined, 'it holds 12 bytes of tensors, its header describes 8'],
    ['missing bytes', one({}), 4, undefined, 'it holds 4 bytes of tensors, its header describes 8'],
    [
      'an overlap',
      `${one({}).slice(0, -1)},${one({ data_offsets: [4, 12] }, 'b').slice(1)}`,
      12,
      undefined,
      '"b" overlaps',
    ],
    ['metadata that is no text', `{"__metadata__":{"k":1}}`, 0, undefined, 'its metadata "k" is no text'],
    ['a name of control characters', one({}, 'a\u001b[31m'), 8, undefined, 'control characters'],
    ['a very long name', one({ dtype: 'X' }, 'n'.repeat(9000)), 8, undefined, 'nnn...'],
  ])('refuses %s', async (_, header, bytes, length, message) => {
    await expect(openSafetensors(await hostile(header, bytes, length))).rejects.toThrow(message);
  });

  it('refuses an empty file', async () => {
    const path = join(folder, 'empty.safetensors');
    await writeFile(path, '');
    await expect(openSafetensors(path)).rejects.toThrow('it has 0 bytes');
  });

  it('never takes a damaged file for another than an AlignflowError', async () => {
    const whole = await readFile(reference('safetensors.safetensors'));
    const path = join(folder, 'damaged.safetensors');
    await fc.assert(
      fc.asyncProperty(fc.nat(1200), fc.nat(255), async (at, byte) => {
        const bytes = Buffer.from(whole);
        bytes[at] = byte;
        await writeFile(path, bytes);
        const error = await openSafetensors(path).then(
          (file) => file.close(),
          (reason: Error) => reason,
        );
        expect(error?.name ?? 'AlignflowError').toBe('AlignflowError');
      }),
      { numRuns: 60, seed: 5 },
    );
  });
});

describe('writeSafetensors', () => {
  const tensors: NewTensor[] = [
    { name: 'a.weight', dtype: 'F32', shape: [2, 2], values: () => Float32Array.of(1, -0.5, 1 / 3, Number.NaN) },
    { name: 'a.ids', dtype: 'I32', shape: [3], values: () => Int32Array.of(-1, 2 ** 31 - 1, 0) },
    { name: '__proto__', dtype: 'F32', shape: [], values: () => Float32Array.of(7) },
    { name: 'none', dtype: 'F32', shape: [0, 3], values: () => new Float32Array(0) },
  ];

  it('writes the bytes that the Python package has read back', async () => {
    const path = join(folder, 'ours.safetensors');
    await writeSafetensors(path, tensors, { format: 'alignflow', name: '名' });
    expect((await readFile(path)).equals(await readFile(reference('safetensors-ours.safetensors')))).toBe(true);
  });

  it('gives back what was written', async () => {
    const path = join(folder, 'back.safetensors');
    await writeSafetensors(path, tensors);
    const file = await openSafetensors(path);
    expect([...file.tensors.keys()]).toEqual(['a.weight', 'a.ids', '__proto__', 'none']);
    for (const { name, shape, values } of tensors) {
      expect(file.tensors.get(name)!.shape).toEqual(shape);
      expect(await file.read(name)).toEqual(values());
    }
    await file.close();
  });

  it('refuses values that do not fill the shape', async () => {
    const short = [{ ...tensors[0]!, shape: [5] }];
    await expect(writeSafetensors(join(folder, 'short.safetensors'), short)).rejects.toThrow('has 4 values');
  });
});

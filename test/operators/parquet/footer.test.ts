import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { footerBytes, parseFooter } from '../../../operators/parquet/footer.js';
import { readThrift, THRIFT, type ThriftStruct, writeThrift } from '../../../operators/parquet/thrift.js';
import { REFERENCE } from './reading.js';

async function footerOf(name: string): Promise<Buffer> {
  const file = await readFile(join(REFERENCE, name));
  return file.subarray(file.length - 8 - file.readUInt32LE(file.length - 8));
}

describe('a footer', () => {
  it.each(['zstd.parquet', 'pages-v2.parquet', 'written.parquet'])(
    'of %s goes back to the same bytes',
    async (name) => {
      const end = await footerOf(name);
      const footer = parseFooter(end.subarray(0, end.length - 8));
      expect(end.equals(footerBytes(footer.struct))).toBe(true);
    },
  );

  it('says where each column of each row group lies', async () => {
    const end = await footerOf('written.parquet');
    const { rows, rowGroups } = parseFooter(end.subarray(0, end.length - 8));
    expect(rows).toBe(20);
    expect(rowGroups.map((group) => group.rows)).toEqual([8, 8, 4]);
    expect(rowGroups[0]!.columns.map(({ path }) => path.join('.'))).toEqual([
      'caption',
      'image',
      'pixels',
      'tokens.list.item',
      'score',
      'id',
    ]);
    const ranges = rowGroups.flatMap(({ columns }) => columns);
    for (const [i, { start, end: stop }] of ranges.entries()) {
      expect(stop).toBeGreaterThan(start);
      expect(start).toBeGreaterThanOrEqual(ranges[i - 1]?.end ?? 4);
    }
  });
});

describe('the compact protocol', () => {
  it('keeps every kind of value', () => {
    const struct: ThriftStruct = new Map([
      [1, { type: THRIFT.true, value: true }],
      [2, { type: THRIFT.false, value: false }],
      [3, { type: THRIFT.i8, value: 200 }],
      [20, { type: THRIFT.i32, value: -5 }],
      [300, { type: THRIFT.i64, value: 2 ** 51 }],
      [301, { type: THRIFT.double, value: Math.PI }],
      [302, { type: THRIFT.binary, value: Uint8Array.from({ length: 300 }, (_, i) => i & 255) }],
      [303, { type: THRIFT.list, value: { element: THRIFT.i32, values: Array.from({ length: 20 }, (_, i) => i - 9) } }],
      [304, { type: THRIFT.list, value: { element: THRIFT.true, values: [true, false] } }],
      [305, { type: THRIFT.struct, value: new Map([[1, { type: THRIFT.i16, value: 7 }]]) }],
    ]);
    expect(readThrift(writeThrift(struct))).toEqual(struct);
  });

  it.each([
    ['ends too early', [0x15]],
    ['longer than the metadata', [0x18, 0xff, 0xff, 0x7f]],
    ['longer than the metadata', [0x19, 0xf5, 0xff, 0xff, 0xff, 0x7f]],
    ['too long', [0x16, ...new Array(12).fill(0xff)]],
    ['larger than 2^52', [0x16, ...new Array(7).fill(0xff), 0x7f]],
    ['unknown type 13', [0x1d, 0]],
    ['nested too deeply', new Array(100).fill(0x1c)],
    ['nested too deeply', new Array(100).fill(0x19)],
  ])('refuses bytes that are none: %s', (message, bytes) => {
    expect(() => readThrift(Uint8Array.from(bytes))).toThrow(message);
  });
});

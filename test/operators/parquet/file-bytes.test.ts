import { afterEach, describe, expect, it, vi } from 'vitest';
import { decoding } from '../../../operators/parquet/file-bytes.js';
import { parquetWasm } from '../../../operators/parquet/wasm.js';

afterEach(() => void vi.restoreAllMocks());

describe('decoding', () => {
  const where = { file: 'a.parquet', rowGroup: 3 };
  const trap = () => {
    throw Object.assign(new Error('unreachable'), { name: 'RuntimeError' });
  };

  it('names the place of what does not decode', async () => {
    expect(await decoding(where, () => 5)).toBe(5);
    await expect(decoding(where, trap)).rejects.toThrow(
      'a.parquet, row group 3: the file is damaged: its bytes cannot be decoded',
    );
    await expect(decoding(where, () => Promise.reject(new Error('no end')))).rejects.toThrow('damaged: no end');
  });

  it('tells what is too much from what is damaged', async () => {
    const memory = { buffer: { byteLength: 2 ** 32 } } as never;
    vi.spyOn(parquetWasm(), 'wasmMemory').mockReturnValue(memory);
    await expect(decoding(where, trap)).rejects.toThrow(/row group 3: decoding it takes more than the 4 GB of memory/);
  });
});

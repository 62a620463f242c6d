import { tableFromIPC } from 'apache-arrow';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { encodeParquet } from '../../../operators/parquet/encode.js';
import { parquetWasm } from '../../../operators/parquet/wasm.js';
import { batchOf, int32Column } from '../../../pipeline/batch/build.js';

describe('parquetWasm', () => {
  beforeAll(() => {
    vi.useFakeTimers();
  });
  afterAll(() => {
    vi.useRealTimers();
  });

  it('is one instance for as long as it is asked for', () => {
    const first = parquetWasm();
    for (let i = 0; i < 5; i++) {
      vi.advanceTimersByTime(4000);
      expect(parquetWasm()).toBe(first);
    }
  });

  it('gives its memory up when nobody asks for it, and leaves tables as they are', () => {
    const batch = batchOf({ number: int32Column([1, 2, 3]) });
    const encoder = encodeParquet(batch.schema, 'none');
    const file = Buffer.concat([encoder.rowGroup(batch), encoder.end()]);
    const first = parquetWasm();
    const table = first.readParquet(file);
    vi.advanceTimersByTime(5001);
    const second = parquetWasm();
    expect(second.wasmMemory()).not.toBe(first.wasmMemory());
    expect(tableFromIPC(table.intoIPCStream()).getChild('number')!.toArray()).toEqual(Int32Array.of(1, 2, 3));
    expect(second.readParquet(file).numBatches).toBe(1);
  });
});

import type { FileHandle } from 'node:fs/promises';
import type { Extract } from './extract.js';
import { readInto } from './file-bytes.js';
import { MAGIC } from './footer.js';
import { parquetWasm } from './wasm.js';

/** Reads small files out of a large one. */
export interface SmallFiles {
  /** The bytes of one; they are good until the next one is read. */
  readonly read: (extract: Extract) => Promise<Uint8Array>;
  /** To be called when no more are read. */
  readonly end: () => void;
}

/** A place that nobody reads into, for each decoder: when that is given up, so is the place. */
const spare = new WeakMap<object, Uint8Array>();

/** The small files of a file, each read into the place of the one before, which is as large as the largest yet. */
export function smallFilesOf(handle: FileHandle): SmallFiles {
  const decoder = parquetWasm();
  let place = spare.get(decoder) ?? new Uint8Array();
  spare.delete(decoder);
  return {
    async read({ ranges, footer, bytes }) {
      const length = bytes + footer.length;
      if (place.length < length) place = new Uint8Array(length);
      const small = place.subarray(0, length);
      small.set(MAGIC);
      let at = MAGIC.length;
      for (const { start, end } of ranges) {
        await readInto(handle, small.subarray(at, at + end - start), start);
        at += end - start;
      }
      small.set(footer, bytes);
      return small;
    },
    end() {
      spare.set(decoder, place);
      place = new Uint8Array();
    },
  };
}

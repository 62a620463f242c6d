import { type FileHandle, open } from 'node:fs/promises';
import { AlignflowError } from '../../pipeline/errors.js';
import { decodeValues, elementBits, type TensorValues } from './safetensors-dtype.js';
import { brokenFile, largestHeader, parseHeader, type SafetensorsHeader } from './safetensors-header.js';

export type { TensorValues } from './safetensors-dtype.js';

/** An open safetensors file. Nothing but its header is in memory. */
export interface SafetensorsFile extends SafetensorsHeader {
  /** The values of one tensor, read now: floats as float32, whole numbers as int32. Throws for a name that is not there. */
  read(name: string): Promise<TensorValues>;
  close(): Promise<void>;
}

/** A tensor to write. */
export interface NewTensor {
  readonly name: string;
  readonly dtype: 'F32' | 'I32';
  readonly shape: readonly number[];
  /** Gives its values when its turn comes, so that they need not all be in memory at once. */
  readonly values: () => TensorValues;
}

/** The most that is read or written at once: operating systems stop at 2 GB. */
const piece = 2 ** 30;

/**
 * Opens a file and checks its header against its length. Throws an `AlignflowError` that names the file for one that is cut
 * off, damaged or hostile.
 */
export async function openSafetensors(path: string): Promise<SafetensorsFile> {
  const handle = await open(path, 'r');
  try {
    const { size } = await handle.stat();
    if (size < 8) throw brokenFile(path, `it has ${size} bytes`, 'at least 8');
    const length = Number((await readBytes(handle, 0, 8, path)).readBigUInt64LE());
    if (length > largestHeader || length > size - 8) {
      const most = Math.min(largestHeader, size - 8);
      throw brokenFile(path, `its header claims ${length} bytes`, `at most ${most}`);
    }
    const text = decodeText(await readBytes(handle, 8, length, path), path);
    const start = 8 + length;
    const header = parseHeader(text, size - start, path);
    return {
      ...header,
      async read(name) {
        const entry = header.tensors.get(name);
        if (entry === undefined) {
          throw new AlignflowError({ what: `there is no tensor ${name}`, where: { file: path } });
        }
        const bytes = await readBytes(handle, start + entry.begin, entry.end - entry.begin, path);
        try {
          return decodeValues(entry.dtype, bytes);
        } catch (error) {
          throw error instanceof AlignflowError ? nameTensor(error, name, path) : error;
        }
      },
      close: () => handle.close(),
    };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/**
 * Writes a file, in the order of the tensors, and does not return before it is on the disk. The file is not there at once as a
 * whole: write under another name and rename.
 */
export async function writeSafetensors(
  path: string,
  tensors: readonly NewTensor[],
  metadata: Readonly<Record<string, string>> = {},
): Promise<void> {
  let position = 0;
  const entries = tensors.map(({ name, dtype, shape }) => {
    const begin = position;
    position += shape.reduce((product, size) => product * size, elementBits[dtype] / 8);
    return [name, { dtype, shape, data_offsets: [begin, position] }] as const;
  });
  const described = Object.keys(metadata).length === 0 ? [] : [['__metadata__', metadata] as const];
  const json = JSON.stringify(Object.fromEntries([...described, ...entries]));
  // Spaces up to a multiple of 8, so that readers can map the tensors.
  const text = Buffer.from(json);
  const header = Buffer.alloc(8 + Math.ceil(text.length / 8) * 8, ' ');
  header.writeBigUInt64LE(BigInt(header.length - 8));
  text.copy(header, 8);

  const handle = await open(path, 'w');
  try {
    await writeBytes(handle, header);
    for (const { name, shape, values } of tensors) {
      const array = values();
      if (array.length !== shape.reduce((product, size) => product * size, 1)) {
        throw new Error(`tensor ${name} has ${array.length} values, its shape is [${shape.join(', ')}]`);
      }
      await writeBytes(handle, new Uint8Array(array.buffer, array.byteOffset, array.byteLength));
    }
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function readBytes(handle: FileHandle, from: number, length: number, path: string): Promise<Buffer<ArrayBuffer>> {
  // An array of its own, so that values of all widths are aligned.
  const bytes = Buffer.from(new ArrayBuffer(length));
  for (let done = 0; done < length; ) {
    const { bytesRead } = await handle.read(bytes, done, Math.min(piece, length - done), from + done);
    if (bytesRead === 0) throw brokenFile(path, `it ends at byte ${from + done}`, `${from + length} bytes`);
    done += bytesRead;
  }
  return bytes;
}

async function writeBytes(handle: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    done += (await handle.write(bytes, done, Math.min(piece, bytes.length - done))).bytesWritten;
  }
}

function decodeText(bytes: Uint8Array, path: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw brokenFile(path, 'its header is no UTF-8 text');
  }
}

function nameTensor(error: AlignflowError, name: string, file: string): AlignflowError {
  return new AlignflowError({ ...error.fault, what: `tensor ${name}: ${error.fault.what}`, where: { file } });
}

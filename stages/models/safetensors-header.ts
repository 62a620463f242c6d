import { AlignflowError, reasonOf } from '../../pipeline/errors.js';
import { elementBits, type SafetensorsDtype } from './safetensors-dtype.js';

/** Where a tensor lies in a file and what it is. */
export interface TensorEntry {
  readonly name: string;
  readonly dtype: SafetensorsDtype;
  readonly shape: readonly number[];
  /** First byte, counted from the end of the header. */
  readonly begin: number;
  /** One past the last byte. */
  readonly end: number;
}

/** What the header of a file says. */
export interface SafetensorsHeader {
  /** By name, in the order of the bytes. */
  readonly tensors: ReadonlyMap<string, TensorEntry>;
  readonly metadata: Readonly<Record<string, string>>;
}

/** The reference implementation's limit (`MAX_HEADER_SIZE` in `safetensors/src/tensor.rs`). */
export const largestHeader = 100_000_000;

/**
 * Reads a header's text. The tensors must fill the `bytes` after the header with no gap and no overlap, and each must have as
 * many bytes as its dtype and shape need, as the format demands (https://github.com/huggingface/safetensors, "Format").
 * Throws an `AlignflowError` that names the file and what is wrong with it.
 */
export function parseHeader(text: string, bytes: number, file: string): SafetensorsHeader {
  const fail = (what: string, expected?: string): never => {
    throw brokenFile(file, what, expected);
  };
  const header = parseObject(text, file);
  const metadata: Record<string, string> = {};
  const entries: TensorEntry[] = [];
  for (const [name, value] of Object.entries(header)) {
    if (name !== '__metadata__') entries.push(parseEntry(name, value, file));
    else if (!isRecord(value)) fail('its metadata is no object', 'an object of texts');
    else {
      for (const [key, item] of Object.entries(value)) {
        if (typeof item !== 'string') fail(`its metadata ${show(key)} is no text`, 'text for each key');
        else metadata[key] = item;
      }
    }
  }

  entries.sort((a, b) => a.begin - b.begin || a.end - b.end);
  let position = 0;
  for (const { name, begin, end } of entries) {
    if (begin > position) fail(`${begin - position} bytes before tensor ${show(name)} belong to no tensor`);
    if (begin < position) fail(`tensor ${show(name)} overlaps the one before it`);
    position = end;
  }
  if (position !== bytes) {
    fail(`it holds ${bytes} bytes of tensors, its header describes ${position}`, 'a whole file: it may be cut off');
  }
  return { tensors: new Map(entries.map((entry) => [entry.name, entry])), metadata };
}

/** An error about the file itself. */
export function brokenFile(file: string, what: string, expected?: string): AlignflowError {
  const fix = 'get the file again; it is damaged, or no safetensors file';
  return new AlignflowError({ what, where: { file }, fix, ...(expected === undefined ? {} : { expected }) });
}

function parseObject(text: string, file: string): Readonly<Record<string, unknown>> {
  let header: unknown;
  try {
    header = JSON.parse(text);
  } catch (error) {
    throw brokenFile(file, `its header is no JSON: ${reasonOf(error).slice(0, 120)}`);
  }
  if (!isRecord(header)) throw brokenFile(file, 'its header is no JSON object');
  return header;
}

function parseEntry(name: string, value: unknown, file: string): TensorEntry {
  const fail = (what: string, expected: string): never => {
    throw brokenFile(file, `tensor ${show(name)} ${what}`, expected);
  };
  if (name === '' || /\p{Cc}/u.test(name))
    fail('has a name that is empty or holds control characters', 'a printable name');
  if (!isRecord(value)) return fail('is described by no object', 'dtype, shape and data_offsets');
  const { dtype, shape, data_offsets: offsets } = value;
  if (typeof dtype !== 'string' || !isDtype(dtype)) {
    return fail(`has the dtype ${show(String(dtype))}`, `one of ${Object.keys(elementBits).join(', ')}`);
  }
  if (!isIndices(shape)) return fail('has a shape that is no list of sizes', 'whole numbers from 0');
  if (!isIndices(offsets) || offsets.length !== 2) return fail('has no two data_offsets', 'begin and end, from 0');
  const [begin, end] = offsets as [number, number];
  const bytes = shape.reduce((product, size) => product * size, elementBits[dtype] / 8);
  if (!Number.isSafeInteger(bytes) || end - begin !== bytes) {
    return fail(
      `has ${end - begin} bytes, from ${begin} to ${end}`,
      `${bytes} bytes for ${dtype} [${shape.slice(0, 16).join(', ')}]`,
    );
  }
  return { name, dtype, shape, begin, end };
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isIndices(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.every((item) => Number.isSafeInteger(item) && item >= 0);
}

function isDtype(dtype: string): dtype is SafetensorsDtype {
  return Object.hasOwn(elementBits, dtype);
}

/** A name for a message: hostile ones may be of any length and hold anything. */
function show(name: string): string {
  const text = JSON.stringify(name);
  return text.length > 120 ? `${text.slice(0, 120)}...` : text;
}

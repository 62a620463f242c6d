/**
 * MurmurHash3 for x86, 128 bits (A. Appleby, public domain, `MurmurHash3_x86_128`), over a run of bytes. The four words of
 * `state` are the seed and become the hash, so that several runs can be hashed one after another.
 */
export function hashBytes(bytes: Uint8Array, start: number, end: number, state: Uint32Array): void {
  let h1 = state[0]! | 0;
  let h2 = state[1]! | 0;
  let h3 = state[2]! | 0;
  let h4 = state[3]! | 0;
  const length = end - start;
  const blocksEnd = start + (length & ~15);
  let at = start;
  for (; at < blocksEnd; at += 16) {
    h1 ^= mixA(wordAt(bytes, at));
    h1 = (Math.imul(rotate(h1, 19) + h2, 5) + 0x561ccd1b) | 0;
    h2 ^= mixB(wordAt(bytes, at + 4));
    h2 = (Math.imul(rotate(h2, 17) + h3, 5) + 0x0bcaa747) | 0;
    h3 ^= mixC(wordAt(bytes, at + 8));
    h3 = (Math.imul(rotate(h3, 15) + h4, 5) + 0x96cd1c35) | 0;
    h4 ^= mixD(wordAt(bytes, at + 12));
    h4 = (Math.imul(rotate(h4, 13) + h1, 5) + 0x32ac3b17) | 0;
  }
  const rest = end - at;
  if (rest > 12) h4 ^= mixD(tailAt(bytes, at + 12, end));
  if (rest > 8) h3 ^= mixC(tailAt(bytes, at + 8, end));
  if (rest > 4) h2 ^= mixB(tailAt(bytes, at + 4, end));
  if (rest > 0) h1 ^= mixA(tailAt(bytes, at, end));
  h1 ^= length;
  h2 ^= length;
  h3 ^= length;
  h4 ^= length;
  h1 = (h1 + h2 + h3 + h4) | 0;
  h2 = (h2 + h1) | 0;
  h3 = (h3 + h1) | 0;
  h4 = (h4 + h1) | 0;
  h1 = finish(h1);
  h2 = finish(h2);
  h3 = finish(h3);
  h4 = finish(h4);
  h1 = (h1 + h2 + h3 + h4) | 0;
  state[0] = h1;
  state[1] = h2 + h1;
  state[2] = h3 + h1;
  state[3] = h4 + h1;
}

const C1 = 0x239b961b;
const C2 = 0xab0e9789;
const C3 = 0x38b34ae5;
const C4 = 0xa1e38b93;

function mixA(k: number): number {
  return Math.imul(rotate(Math.imul(k, C1), 15), C2);
}

function mixB(k: number): number {
  return Math.imul(rotate(Math.imul(k, C2), 16), C3);
}

function mixC(k: number): number {
  return Math.imul(rotate(Math.imul(k, C3), 17), C4);
}

function mixD(k: number): number {
  return Math.imul(rotate(Math.imul(k, C4), 18), C1);
}

function wordAt(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
}

/** Up to four bytes that end at `end`, the missing ones 0. */
function tailAt(bytes: Uint8Array, at: number, end: number): number {
  let word = 0;
  for (let i = Math.min(4, end - at) - 1; i >= 0; i--) word = (word << 8) | bytes[at + i]!;
  return word;
}

function rotate(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits));
}

function finish(value: number): number {
  let h = value;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}

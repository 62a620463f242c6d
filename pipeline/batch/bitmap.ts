/** Bits of Arrow validity bitmaps and Bool columns: least significant bit first. */

/** Bytes that `length` bits need, in whole 8-byte words as Arrow pads its buffers. */
export function bitmapBytes(length: number): number {
  return ((length + 63) & ~63) >> 3;
}

/** Whether bit `at` is set. */
export function bitAt(bits: Uint8Array, at: number): boolean {
  return (bits[at >> 3]! & (1 << (at & 7))) !== 0;
}

/** Copies `length` bits into a bitmap whose bits from `to` on are still 0; returns how many of them are set. */
export function copyBits(source: Uint8Array, from: number, target: Uint8Array, to: number, length: number): number {
  let set = 0;
  for (let i = 0; i < length; i++) {
    const at = from + i;
    if ((source[at >> 3]! & (1 << (at & 7))) === 0) continue;
    const place = to + i;
    target[place >> 3] = target[place >> 3]! | (1 << (place & 7));
    set++;
  }
  return set;
}

/** Sets `length` bits from `to` on. */
export function setBits(target: Uint8Array, to: number, length: number): void {
  for (let at = to; at < to + length; at++) target[at >> 3] = target[at >> 3]! | (1 << (at & 7));
}

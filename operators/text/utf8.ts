/** Counting in UTF-8 bytes without decoding them to strings. */

/** Runs of bytes between white space (Unicode's White_Space): "a red  apple" has 3. Text without spaces is one word. */
export function countWords(bytes: Uint8Array, start: number, end: number): number {
  let words = 0;
  let inWord = false;
  for (let at = start; at < end; ) {
    const space = spaceAt(bytes, at);
    if (space > 0) {
      inWord = false;
      at += space;
    } else {
      if (!inWord) words++;
      inWord = true;
      at++;
    }
  }
  return words;
}

/** Code points, white space at both ends left out. */
export function countCharacters(bytes: Uint8Array, start: number, end: number): number {
  let seen = 0;
  let upToLast = 0;
  for (let at = start; at < end; ) {
    const space = spaceAt(bytes, at);
    if (space > 0) {
      if (seen > 0) seen++;
      at += space;
    } else {
      // Bytes 10xxxxxx continue a code point.
      if ((bytes[at]! & 0xc0) !== 0x80) upToLast = ++seen;
      at++;
    }
  }
  return upToLast;
}

/**
 * Bytes of the white space character that begins at `at`; 0 where none does. White_Space of Unicode 16: U+0009-000D, 0020,
 * 0085, 00A0, 1680, 2000-200A, 2028, 2029, 202F, 205F, 3000.
 */
function spaceAt(bytes: Uint8Array, at: number): number {
  const first = bytes[at]!;
  if (first < 0x80) return first === 0x20 || (first >= 0x09 && first <= 0x0d) ? 1 : 0;
  if (first === 0xc2) {
    const second = bytes[at + 1];
    return second === 0x85 || second === 0xa0 ? 2 : 0;
  }
  if (first !== 0xe2 && first !== 0xe3 && first !== 0xe1) return 0;
  const second = bytes[at + 1];
  const third = bytes[at + 2] ?? 0;
  if (first === 0xe3) return second === 0x80 && third === 0x80 ? 3 : 0;
  if (first === 0xe1) return second === 0x9a && third === 0x80 ? 3 : 0;
  if (second === 0x81) return third === 0x9f ? 3 : 0;
  if (second !== 0x80) return 0;
  return (third >= 0x80 && third <= 0x8a) || third === 0xa8 || third === 0xa9 || third === 0xaf ? 3 : 0;
}

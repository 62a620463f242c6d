/** What is added to an attention product that must not count. Finite, so that a row in which nothing counts gives no NaN. */
export const hidden = -1e9;

/** Mask [T, T] in which a token sees itself and those before it. Row: the token that asks; column: the one that answers. */
export function causalMask(tokens: number): Float32Array {
  return fillMask(tokens, tokens, (asks, answers) => answers <= asks);
}

/** Mask [rows, columns] of 0 where `sees` says so, and of `hidden` elsewhere. */
export function fillMask(rows: number, columns: number, sees: (row: number, column: number) => boolean): Float32Array {
  const mask = new Float32Array(rows * columns);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      if (!sees(row, column)) mask[row * columns + column] = hidden;
    }
  }
  return mask;
}

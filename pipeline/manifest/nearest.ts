/** The known name that an unknown one was probably meant to be; undefined where none is near. */
export function nearestName(name: string, known: Iterable<string>): string | undefined {
  if (name.length > 100) return undefined;
  const allowed = Math.max(1, Math.floor(name.length / 3));
  let best: string | undefined;
  let least = allowed + 1;
  for (const candidate of known) {
    const distance = nameDistance(name, candidate);
    if (distance < least) {
      best = candidate;
      least = distance;
    }
  }
  return best;
}

/** Distance of names: capitals and the kind of dash are small differences, a left-out prefix (`filter/`) is one. */
function nameDistance(name: string, candidate: string): number {
  const plain = (text: string) => text.toLowerCase().replaceAll('_', '-');
  const [left, right] = [plain(name), plain(candidate)];
  if (left === right) return 0.5;
  const whole = editDistance(left, right);
  if (left.includes('/')) return whole;
  return Math.min(whole, 0.75 + editDistance(left, right.slice(right.indexOf('/') + 1)));
}

/**
 * Fewest insertions, deletions, substitutions and swaps of neighbours that turn one text into the other (the optimal
 * string alignment form of the Damerau-Levenshtein distance).
 */
export function editDistance(left: string, right: string): number {
  const width = right.length + 1;
  const table = new Uint32Array((left.length + 1) * width);
  for (let i = 0; i <= left.length; i++) table[i * width] = i;
  for (let j = 0; j <= right.length; j++) table[j] = j;
  for (let i = 1; i <= left.length; i++) {
    for (let j = 1; j <= right.length; j++) {
      const same = left[i - 1] === right[j - 1] ? 0 : 1;
      let cost = Math.min(
        table[(i - 1) * width + j]! + 1,
        table[i * width + j - 1]! + 1,
        table[(i - 1) * width + j - 1]! + same,
      );
      if (i > 1 && j > 1 && left[i - 1] === right[j - 2] && left[i - 2] === right[j - 1])
        cost = Math.min(cost, table[(i - 2) * width + j - 2]! + 1);
      table[i * width + j] = cost;
    }
  }
  return table[table.length - 1]!;
}

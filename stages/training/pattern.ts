/**
 * A test for dotted names from a pattern: `*` matches any text within one part, a part `**` any number of parts, none
 * included. Everything else stands for itself.
 */
export function parameterPattern(pattern: string): (name: string) => boolean {
  const parts = pattern.split('.').map((part) => (part === '**' ? part : wildcard(part)));
  const [fixed = ''] = pattern.split(/\.?\*/, 1); // What every name begins with: most names fail here.
  return (name) => name.startsWith(fixed) && matches(parts, name.split('.'));
}

/** Up to `count` names that look most like the pattern, best first. */
export function nearestParameters(pattern: string, names: readonly string[], count = 3): string[] {
  const wanted = pattern.replaceAll('*', '');
  const ends = { start: pattern.startsWith('*'), end: pattern.endsWith('*') };
  return names
    .map((name) => ({ name, distance: editDistance(wanted, name, ends) }))
    .sort((a, b) => a.distance - b.distance)
    .slice(0, count)
    .map(({ name }) => name);
}

type Part = '**' | ((text: string) => boolean);

/** Whether the parts match from the front. A row of flags: which prefixes of the name the pattern so far can end at. */
function matches(pattern: readonly Part[], name: readonly string[]): boolean {
  let ends = [true, ...name.map(() => false)];
  for (const part of pattern) {
    const next = name.map(() => false).concat(false);
    if (part === '**') {
      let reached = false;
      ends.forEach((end, i) => {
        reached ||= end;
        next[i] = reached;
      });
    } else {
      name.forEach((text, i) => {
        next[i + 1] = ends[i] === true && part(text);
      });
    }
    ends = next;
  }
  return ends[name.length] === true;
}

/** A test for one part, where `*` stands for any text. Linear: each piece is found at its first place. */
function wildcard(part: string): (text: string) => boolean {
  const [head = '', ...pieces] = part.split('*');
  if (pieces.length === 0) return (text) => text === head;
  const tail = pieces.pop() ?? '';
  return (text) => {
    if (text.length < head.length + tail.length || !text.startsWith(head) || !text.endsWith(tail)) return false;
    let from = head.length;
    for (const piece of pieces) {
      const at = text.indexOf(piece, from);
      if (at < 0 || at + piece.length > text.length - tail.length) return false;
      from = at + piece.length;
    }
    return true;
  };
}

/**
 * Levenshtein's distance: how many letters of `a` must be put in, taken out or changed to make `b`.
 *
 * @param free where `b` may have any further letters: before its start, behind its end
 */
function editDistance(a: string, b: string, free: { readonly start: boolean; readonly end: boolean }): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => (free.start ? 0 : j));
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)));
    }
    row = next;
  }
  return free.end ? Math.min(...row) : row[b.length]!;
}

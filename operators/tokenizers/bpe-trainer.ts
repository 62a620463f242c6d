/**
 * Byte-pair encoding: the most frequent pair of neighbouring tokens becomes a token, again and again. Gives the merges that
 * the tokenizers library gives, ties included. (Its Node binding trains only with its default options: 30,000 tokens.)
 *
 * Source: Sennrich et al., arXiv 1508.07909; ties and bookkeeping as in tokenizers 0.23, models/bpe/trainer.rs.
 */

/** Two tokens that became one. */
export type Merge = readonly [left: string, right: string];

/** What a training is limited by. */
export interface BpeLimits {
  /** Tokens that are there from the start: special ones and single characters, in the order of their ids. */
  readonly tokens: readonly string[];
  /** Number of tokens to stop at. */
  readonly vocabulary: number;
  /** Pairs that are rarer do not become tokens. */
  readonly minFrequency: number;
}

/** A pair of token ids as one number, which sorts as the pair does. */
type Pair = number;
const IDS = 2 ** 26;

/** A pair that waits for its turn, with the words that it is in. Its count may have changed since. */
interface Candidate {
  readonly pair: Pair;
  count: number;
  readonly words: readonly number[];
}

/** The merges, in order, learned from words (made of single-character tokens) and how often each occurs. */
export function trainMerges(words: ReadonlyMap<string, number>, limits: BpeLimits): Merge[] {
  const tokens = [...limits.tokens];
  const ids = new Map(tokens.map((token, id) => [token, id]));
  const symbols: number[][] = [];
  const frequency: number[] = [];
  for (const [word, count] of words) {
    symbols.push(Array.from(word, (character) => ids.get(character)!));
    frequency.push(count);
  }

  const counts = new Map<Pair, number>();
  let touched = new Map<Pair, number[]>();
  const count = (pair: Pair, word: number, change: number): void => {
    counts.set(pair, (counts.get(pair) ?? 0) + change * frequency[word]!);
    if (change < 0) return;
    const places = touched.get(pair);
    if (places === undefined) touched.set(pair, [word]);
    else if (places.at(-1) !== word) places.push(word);
  };
  const queue = createQueue();
  const enqueueTouched = (): void => {
    for (const [pair, places] of touched) {
      const total = counts.get(pair)!;
      if (total > 0) queue.push({ pair, count: total, words: places });
    }
    touched = new Map();
  };

  symbols.forEach((word, i) => {
    for (let k = 1; k < word.length; k++) count(word[k - 1]! * IDS + word[k]!, i, 1);
  });
  enqueueTouched();

  const merges: Merge[] = [];
  while (tokens.length < limits.vocabulary) {
    const best = queue.pop();
    if (best === undefined) break;
    const current = counts.get(best.pair)!;
    if (best.count !== current) {
      best.count = current;
      queue.push(best);
      continue;
    }
    if (current < Math.max(1, limits.minFrequency)) break;
    const left = Math.floor(best.pair / IDS);
    const right = best.pair % IDS;
    const token = tokens[left]! + tokens[right]!;
    const id = ids.get(token) ?? tokens.length;
    if (id === tokens.length) {
      tokens.push(token);
      ids.set(token, id);
    }
    merges.push([tokens[left]!, tokens[right]!]);
    for (const word of best.words)
      mergeIn(symbols[word]!, left, right, id, (pair, change) => count(pair, word, change));
    enqueueTouched();
  }
  return merges;
}

/** Replaces a pair in a word by one token, in place, and reports how the pairs around it change. */
function mergeIn(
  word: number[],
  left: number,
  right: number,
  id: number,
  report: (pair: Pair, change: 1 | -1) => void,
): void {
  for (let i = 0; i + 1 < word.length; i++) {
    if (word[i] !== left || word[i + 1] !== right) continue;
    if (i > 0) {
      report(word[i - 1]! * IDS + left, -1);
      report(word[i - 1]! * IDS + id, 1);
    }
    word.splice(i, 2, id);
    if (i + 1 < word.length) {
      report(right * IDS + word[i + 1]!, -1);
      report(id * IDS + word[i + 1]!, 1);
    }
  }
}

/** A heap: the most frequent candidate first, of equal ones the one with the smaller ids. */
function createQueue() {
  const heap: Candidate[] = [];
  const before = (a: Candidate, b: Candidate) => a.count > b.count || (a.count === b.count && a.pair < b.pair);
  return {
    push(candidate: Candidate): void {
      let at = heap.push(candidate) - 1;
      while (at > 0) {
        const parent = (at - 1) >> 1;
        if (!before(candidate, heap[parent]!)) break;
        heap[at] = heap[parent]!;
        at = parent;
      }
      heap[at] = candidate;
    },
    pop(): Candidate | undefined {
      const first = heap[0];
      const last = heap.pop();
      if (last === undefined || heap.length === 0) return first;
      let at = 0;
      for (let child = 1; child < heap.length; child = 2 * at + 1) {
        if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child++;
        if (!before(heap[child]!, last)) break;
        heap[at] = heap[child]!;
        at = child;
      }
      heap[at] = last;
      return first;
    },
  };
}

import { AlignflowError } from '../../pipeline/errors.js';
import { ngrams, type ScoredCaption } from './ngrams.js';

/** Longest n-gram. */
const LONGEST = 4;
/** Keep a precision of nothing from being 0 / 0 and the product of precisions from being 0, as coco-caption does. */
const SMALL = 1e-9;
const TINY = 1e-15;

/**
 * BLEU-1 to BLEU-4 of a whole set (Papineni et al. 2002), as coco-caption computes it
 * (`pycocoevalcap/bleu/bleu_scorer.py`, option `closest`): clipped n-gram precisions of the set, their geometric mean,
 * brevity penalty against the reference whose length is closest to the candidate's, the shorter of two equally close.
 * @returns four numbers from 0 to 1
 */
export function bleu(captions: readonly ScoredCaption[]): [number, number, number, number] {
  const correct = new Float64Array(LONGEST);
  const guessed = new Float64Array(LONGEST);
  let candidateLength = 0;
  let referenceLength = 0;
  for (const [index, { candidate, references }] of captions.entries()) {
    if (references.length === 0) {
      throw new AlignflowError({ what: `caption ${index} has no reference`, expected: 'one reference or more' });
    }
    candidateLength += candidate.length;
    referenceLength += closest(candidate.length, references);
    const known = references.map((reference) => ngrams(reference, LONGEST));
    for (const [n, counts] of ngrams(candidate, LONGEST).entries()) {
      guessed[n]! += Math.max(0, candidate.length - n);
      for (const [ngram, count] of counts) {
        correct[n]! += Math.min(count, Math.max(...known.map((reference) => reference[n]!.get(ngram) ?? 0)));
      }
    }
  }
  const ratio = (candidateLength + TINY) / (referenceLength + SMALL);
  const brevity = ratio < 1 ? Math.exp(1 - 1 / ratio) : 1;
  let product = 1;
  const upTo = (n: number) => {
    product *= (correct[n - 1]! + TINY) / (guessed[n - 1]! + SMALL);
    return product ** (1 / n) * brevity;
  };
  return [upTo(1), upTo(2), upTo(3), upTo(4)];
}

function closest(length: number, references: readonly (readonly string[])[]): number {
  let best = Number.POSITIVE_INFINITY;
  for (const { length: other } of references) {
    const nearer = Math.abs(other - length) - Math.abs(best - length);
    if (nearer < 0 || (nearer === 0 && other < best)) best = other;
  }
  return best;
}

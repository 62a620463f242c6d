import { AlignflowError } from '../../pipeline/errors.js';
import { type NgramCounts, ngrams, type ScoredCaption } from './ngrams.js';

/** Longest n-gram. */
const LONGEST = 4;
/** Standard deviation of the Gaussian penalty on the difference in length, in words. */
const SIGMA = 6;
/** The factor that CIDEr-D puts before the mean over n-gram lengths. */
const SCALE = 10;

/** CIDEr-D of a set of captions. */
export interface CiderResult {
  /** Mean over the captions. 1 is what papers print as 100. NaN without captions. */
  readonly score: number;
  /** Score of each caption, from 0 to 10. */
  readonly scores: Float64Array;
}

/**
 * CIDEr-D (Vedantam, Zitnick and Parikh 2015, arXiv 1411.5726, section 4 and appendix), as coco-caption computes it
 * (`pycocoevalcap/cider/cider_scorer.py`): tf-idf of 1- to 4-grams over the references of this very set, clipped cosine,
 * Gaussian penalty on length (counted in 2-grams there, so here too), mean over n-gram lengths and references, times 10.
 *
 * The idf comes from the set itself, so scores of two sets of images do not compare, and a single image scores 0: its
 * n-grams are in all references.
 */
export function cider(captions: readonly ScoredCaption[]): CiderResult {
  const counted = captions.map(({ candidate, references }, index) => {
    if (references.length === 0) {
      throw new AlignflowError({ what: `caption ${index} has no reference`, expected: 'one reference or more' });
    }
    return { candidate: ngrams(candidate, LONGEST), references: references.map((tokens) => ngrams(tokens, LONGEST)) };
  });
  const idf = inverseDocumentFrequency(counted.map(({ references }) => references));
  const scores = Float64Array.from(counted, ({ candidate, references }) => {
    const vector = weigh(candidate, idf);
    const sum = references.reduce((total, reference) => total + similarity(vector, weigh(reference, idf)), 0);
    return (SCALE * sum) / references.length;
  });
  return { score: scores.reduce((sum, score) => sum + score, 0) / scores.length, scores };
}

/** log(images) - log(images whose references have the n-gram, at least 1). */
function inverseDocumentFrequency(images: readonly (readonly NgramCounts[])[][]): (ngram: string) => number {
  const documents = new Map<string, number>();
  for (const references of images) {
    const seen = new Set(references.flatMap((counts) => counts.flatMap((one) => [...one.keys()])));
    for (const ngram of seen) documents.set(ngram, (documents.get(ngram) ?? 0) + 1);
  }
  return (ngram) => Math.log(images.length) - Math.log(Math.max(1, documents.get(ngram) ?? 0));
}

/** tf-idf weights and their Euclidean lengths, one per n-gram length, and the number of 2-grams. */
interface Weighted {
  readonly weights: readonly ReadonlyMap<string, number>[];
  readonly norms: readonly number[];
  readonly length: number;
}

function weigh(counts: readonly NgramCounts[], idf: (ngram: string) => number): Weighted {
  const weights = counts.map((one) => new Map([...one].map(([ngram, count]) => [ngram, count * idf(ngram)])));
  const norms = weights.map((one) => Math.sqrt([...one.values()].reduce((sum, weight) => sum + weight * weight, 0)));
  return { weights, norms, length: [...counts[1]!.values()].reduce((sum, count) => sum + count, 0) };
}

/** Clipped cosine with the length penalty, averaged over the n-gram lengths. */
function similarity(candidate: Weighted, reference: Weighted): number {
  const penalty = Math.exp(-((candidate.length - reference.length) ** 2) / (2 * SIGMA ** 2));
  let sum = 0;
  for (let n = 0; n < LONGEST; n++) {
    let dot = 0;
    for (const [ngram, weight] of candidate.weights[n]!) {
      const other = reference.weights[n]!.get(ngram) ?? 0;
      dot += Math.min(weight, other) * other;
    }
    const norms = candidate.norms[n]! * reference.norms[n]!;
    sum += norms === 0 ? 0 : (dot / norms) * penalty;
  }
  return sum / LONGEST;
}

import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { normalizeRows } from '../../../stages/evaluators/embeddings.js';
import { retrieval } from '../../../stages/evaluators/retrieval.js';
import { plainProduct, type RowProduct } from '../../../stages/evaluators/row-product.js';

interface Case {
  dim: number;
  images: number[];
  texts: number[];
  pairs: { texts: number[]; images: number[] };
  imageToText: Record<string, number>;
  textToImage: Record<string, number>;
}

// Written by test/reference/retrieval.py with CLIP_benchmark and PyTorch.
const reference = JSON.parse(readFileSync(new URL('../../reference/retrieval.json', import.meta.url), 'utf8')) as {
  cases: Record<string, Case>;
};

const unit = (values: readonly number[], dim: number) => normalizeRows(Float32Array.from(values), dim);
const count = (n: number) => Array.from({ length: n }, (_, index) => index);
const diagonal = (n: number) => ({ texts: count(n), images: count(n) });

/** Rows of small whole numbers, so that ties are frequent. */
const rowsOf = (rows: number, dim: number) =>
  fc.array(fc.integer({ min: -3, max: 3 }), { minLength: rows * dim, maxLength: rows * dim });

describe('retrieval', () => {
  it.each(Object.entries(reference.cases))('gives the recalls of CLIP_benchmark: %s', (_, example) => {
    const ks = [1, 3, 5, 10];
    const { dim, pairs } = example;
    const result = retrieval({ images: unit(example.images, dim), texts: unit(example.texts, dim), dim, pairs, ks });
    for (const k of ks) {
      expect(result.imageToText.recall.get(k)).toBeCloseTo(example.imageToText[k]! / 100, 6);
      expect(result.textToImage.recall.get(k)).toBeCloseTo(example.textToImage[k]! / 100, 6);
    }
  });

  it('ranks the best partner and names the first of the gallery', () => {
    const images = Float32Array.from([1, 0, 0, 1, 0.6, 0.8]);
    const texts = Float32Array.from([0.8, 0.6, 0, 1]);
    const { textToImage } = retrieval({
      images,
      texts,
      dim: 2,
      pairs: { texts: [0, 1, 1], images: [0, 2, 0] },
      ks: [1, 2],
    });
    expect([...textToImage.ranks]).toEqual([1, 1]);
    expect([...textToImage.first]).toEqual([2, 1]);
    expect([...textToImage.recall]).toEqual([
      [1, 0],
      [2, 1],
    ]);
  });

  it('counts ties against the query', () => {
    const same = new Float32Array(8).fill(Math.SQRT1_2);
    const { imageToText } = retrieval({ images: same, texts: same, dim: 2, pairs: diagonal(4), ks: [1, 3, 4] });
    expect([...imageToText.ranks]).toEqual([3, 3, 3, 3]);
    expect([...imageToText.recall.values()]).toEqual([0, 0, 1]);
  });

  it('counts scores that are not numbers against the query', () => {
    const broken = new Float32Array(8).fill(Number.NaN);
    const { imageToText } = retrieval({ images: broken, texts: broken, dim: 2, pairs: diagonal(4), ks: [1] });
    expect(imageToText.recall.get(1)).toBe(0);
  });

  it('does not ask queries without a partner, but keeps them in the gallery', () => {
    const images = Float32Array.from([1, 0, 0, 1]);
    const texts = Float32Array.from([1, 0]);
    const { imageToText, textToImage } = retrieval({
      images,
      texts,
      dim: 2,
      pairs: { texts: [0], images: [1] },
      ks: [1],
    });
    expect(imageToText.asked).toBe(1);
    expect([...imageToText.ranks]).toEqual([-1, 0]);
    expect(textToImage.recall.get(1)).toBe(0);
  });

  it('has no figure without queries', () => {
    const none = new Float32Array(0);
    const { imageToText } = retrieval({ images: none, texts: none, dim: 4, pairs: diagonal(0), ks: [1] });
    expect(imageToText).toMatchObject({ asked: 0, recall: new Map([[1, Number.NaN]]) });
  });

  it('asks an injected product for blocks that stay small, whatever the sizes', () => {
    const dim = 2;
    const texts = 3000;
    const images = unit(
      count(2 * 3000).map((at) => Math.sin(at * at)),
      dim,
    );
    const heights: number[] = [];
    const product: RowProduct = (a, b, rows) => {
      heights.push(rows);
      return plainProduct(a, b, rows);
    };
    const result = retrieval({ images, texts: images, dim, pairs: diagonal(texts), ks: [10], product });
    expect(Math.max(...heights) * texts).toBeLessThanOrEqual(5_242_880);
    expect(heights.length).toBe(2);
    expect(result.imageToText.recall).toEqual(result.textToImage.recall);
  });

  it.each([
    ['a row that is cut', { images: new Float32Array(5) }, /image embeddings: 5 numbers are not whole rows of 2/],
    ['lists of two lengths', { pairs: { texts: [0, 1], images: [0] } }, /1 images are paired with 2 texts/],
    ['an image that is not there', { pairs: { texts: [0], images: [7] } }, /pair 0 names image 7[\s\S]*from 0 to 1/],
    ['a text that is not there', { pairs: { texts: [-1], images: [0] } }, /pair 0 names text -1/],
    ['a product of another size', { product: () => new Float32Array(3) }, /3 scores for 2 x 2 rows/],
  ])('refuses %s', (_, change, message) => {
    const two = new Float32Array(4);
    expect(() => retrieval({ images: two, texts: two, dim: 2, pairs: diagonal(2), ...change })).toThrow(message);
  });

  it('ranks both ways by the scores of one product, however that rounds', () => {
    // Sums in single precision from the last dimension on: other roundings than in the estimates.
    const backwards: RowProduct = (a, b, rows) => {
      const scores = new Float32Array(rows * (b.length / 3));
      scores.forEach((_, at) => {
        const [row, column] = [Math.floor(at / (b.length / 3)), at % (b.length / 3)];
        for (let d = 2; d >= 0; d--)
          scores[at] = Math.fround(scores[at]! + Math.fround(a[row * 3 + d]! * b[column * 3 + d]!));
      });
      return scores;
    };
    const pairing = fc.array(fc.tuple(fc.nat(8), fc.nat(6)), { maxLength: 14 });
    fc.assert(
      fc.property(rowsOf(7, 3), rowsOf(9, 3), pairing, (imageRows, textRows, pairs) => {
        const [images, texts] = [unit(imageRows, 3), unit(textRows, 3)];
        const given = { texts: pairs.map(([text]) => text), images: pairs.map(([, image]) => image) };
        const result = retrieval({ images, texts, dim: 3, pairs: given, product: backwards });
        const scores = backwards(texts, images, 9);
        const scoreOf = (text: number, image: number) => scores[text * 7 + image]!;
        const asked = (own: readonly number[], others: readonly number[], score: (other: number) => number) => {
          const best = Math.max(...own.map(score));
          const strangers = others.filter((other) => !own.includes(other));
          return {
            rank: own.length === 0 ? -1 : strangers.filter((other) => !(score(other) < best)).length,
            first: others.reduce((top, other) => (score(other) > score(top) ? other : top), 0),
          };
        };
        const ofImages = count(7).map((image) =>
          asked(
            pairs.filter((pair) => pair[1] === image).map(([text]) => text),
            count(9),
            (text) => scoreOf(text, image),
          ),
        );
        const ofTexts = count(9).map((text) =>
          asked(
            pairs.filter((pair) => pair[0] === text).map(([, image]) => image),
            count(7),
            (image) => scoreOf(text, image),
          ),
        );
        expect([...result.imageToText.ranks]).toEqual(ofImages.map(({ rank }) => rank));
        expect([...result.imageToText.first]).toEqual(ofImages.map(({ first }) => first));
        expect([...result.textToImage.ranks]).toEqual(ofTexts.map(({ rank }) => rank));
        expect([...result.textToImage.first]).toEqual(ofTexts.map(({ first }) => first));
      }),
    );
  });

  it('gives a model that says the same of everything no recall, in a large set too', () => {
    const rows = 3000;
    const same = new Float32Array(rows).fill(1);
    const products: number[] = [];
    const product: RowProduct = (_, b, height) => {
      products.push(height);
      return new Float32Array(height * b.length).fill(1);
    };
    const { imageToText, textToImage } = retrieval({
      images: same,
      texts: same,
      dim: 1,
      pairs: diagonal(rows),
      product,
    });
    for (const { recall, ranks } of [imageToText, textToImage]) {
      expect([...recall.values()]).toEqual([0, 0, 0]);
      expect(ranks.every((rank) => rank === rows - 1)).toBe(true);
    }
    // Too many scores to put aside: the images are ranked in a product of their own.
    expect(products.reduce((sum, height) => sum + height, 0)).toBe(2 * rows);
  });

  it('does not change when the images or the texts are permuted', () => {
    fc.assert(
      fc.property(
        rowsOf(9, 3),
        rowsOf(7, 3),
        fc.array(fc.tuple(fc.nat(6), fc.nat(8)), { minLength: 1, maxLength: 20 }),
        fc.shuffledSubarray(count(9), { minLength: 9 }),
        fc.shuffledSubarray(count(7), { minLength: 7 }),
        (imageRows, textRows, links, imageOrder, textOrder) => {
          const images = unit(imageRows, 3);
          const texts = unit(textRows, 3);
          const take = (data: Float32Array, order: number[]) =>
            Float32Array.from(order.flatMap((row) => [...data.subarray(row * 3, row * 3 + 3)]));
          const run = (pairs: { texts: number[]; images: number[] }, i: Float32Array, t: Float32Array) =>
            retrieval({ images: i, texts: t, dim: 3, pairs, ks: [1, 2, 5] });
          const before = run({ texts: links.map(([t]) => t), images: links.map(([, i]) => i) }, images, texts);
          const moved = {
            texts: links.map(([t]) => textOrder.indexOf(t)),
            images: links.map(([, i]) => imageOrder.indexOf(i)),
          };
          const after = run(moved, take(images, imageOrder), take(texts, textOrder));
          expect(after.imageToText.recall).toEqual(before.imageToText.recall);
          expect(after.textToImage.recall).toEqual(before.textToImage.recall);
        },
      ),
    );
  });

  it('has recalls that never fall with k and reach 1 at the size of the gallery', () => {
    fc.assert(
      fc.property(rowsOf(8, 2), rowsOf(8, 2), (imageRows, textRows) => {
        const ks = count(8).map((k) => k + 1);
        const images = unit(imageRows, 2);
        const { imageToText } = retrieval({ images, texts: unit(textRows, 2), dim: 2, pairs: diagonal(8), ks });
        const recalls = [...imageToText.recall.values()];
        for (let k = 1; k < 8; k++) expect(recalls[k]!).toBeGreaterThanOrEqual(recalls[k - 1]!);
        expect(recalls[7]).toBe(1);
      }),
    );
  });

  it('gives 1 to perfect embeddings', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 1, max: 4 }), (images, captions) => {
        const angles = count(images).map((image) => (2 * Math.PI * image) / images);
        const rows = Float32Array.from(angles.flatMap((angle) => [Math.cos(angle), Math.sin(angle)]));
        const owners = count(images * captions).map((text) => text % images);
        const texts = Float32Array.from(owners.flatMap((image) => [rows[2 * image]!, rows[2 * image + 1]!]));
        const pairs = { texts: count(images * captions), images: owners };
        const result = retrieval({ images: rows, texts, dim: 2, pairs, ks: [1] });
        expect(result.imageToText.recall.get(1)).toBe(1);
        expect(result.textToImage.recall.get(1)).toBe(1);
      }),
    );
  });
});

describe('plainProduct', () => {
  it('is the product in double precision, rounded once, at sizes on and off the tile', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 11 }),
        fc.integer({ min: 0, max: 11 }),
        fc.integer({ min: 1, max: 9 }),
        (rows, columns, dim) => {
          const a = Float32Array.from(count(rows * dim), (at) => Math.sin(at + 1));
          const b = Float32Array.from(count(columns * dim), (at) => Math.cos(3 * at));
          const expected = count(rows).flatMap((row) =>
            count(columns).map((column) =>
              Math.fround(count(dim).reduce((sum, d) => sum + a[row * dim + d]! * b[column * dim + d]!, 0)),
            ),
          );
          expect([...plainProduct(a, b, rows)]).toEqual(expected);
        },
      ),
    );
  });
});

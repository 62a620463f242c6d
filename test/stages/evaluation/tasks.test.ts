import { describe, expect, it } from 'vitest';
import { batchOf, utf8Column } from '../../../pipeline/batch/build.js';
import { PairSet } from '../../../stages/evaluation/pair-set.js';
import { captioningTask, retrievalTask, type TaskOutcome, zeroShotTask } from '../../../stages/evaluation/tasks.js';
import { plainProduct } from '../../../stages/evaluators/row-product.js';

type Row = readonly [image: string, caption: string, language: string, kind: string];

/** Unit vectors in the plane, by their angle in degrees. */
function vectors(...angles: number[]): Float32Array {
  return Float32Array.from(
    angles.flatMap((angle) => [Math.cos((angle * Math.PI) / 180), Math.sin((angle * Math.PI) / 180)]),
  );
}

function setOf(...rows: Row[]): PairSet {
  const set = new PairSet({ caption: 'caption', image: 'image', language: 'language', names: { kind: 'name' } });
  const column = (at: number) => utf8Column(rows.map((row) => row[at]!));
  set.add(batchOf({ image: column(0), caption: column(1), language: column(2), kind: column(3) }));
  return set;
}

const figures = ({ results }: TaskOutcome) => Object.fromEntries(results.map(({ metric, value }) => [metric, value]));

/** Four images, one without an English name, two that share one, and what a model made of images and names. */
const set = setOf(
  ['a', 'cat', 'en', 'name'],
  ['a', 'Katze', 'de', 'name'],
  ['b', 'dog', 'en', 'name'],
  ['b', 'puppy', 'en', 'word'],
  ['c', 'Kuh', 'de', 'name'],
  ['d', 'dog', 'en', 'name'],
);
const encoded = {
  set,
  dim: 2,
  // a sees cat; b and d see dog, d a bit less than cat.
  images: vectors(0, 90, 180, 40),
  // cat, Katze, dog, Kuh, dog
  names: vectors(0, 350, 90, 180, 90),
  product: plainProduct,
};

describe('retrievalTask', () => {
  const outcome = retrievalTask(encoded, 'en');

  it('takes equal names for one text that belongs to all its images', () => {
    // a and b are right at once; d prefers cat. cat finds a, dog finds b.
    expect(figures(outcome)).toEqual({
      image_to_text_r1: 2 / 3,
      image_to_text_r5: 1,
      image_to_text_r10: 1,
      text_to_image_r1: 1,
      text_to_image_r5: 1,
      text_to_image_r10: 1,
    });
    expect(outcome.results[0]!.note).toBe('3 images, 2 texts');
  });

  it('answers for the images that were asked', () => {
    expect([...outcome.answers]).toEqual([
      [0, { text: 'cat', expected: 'cat' }],
      [1, { text: 'dog', expected: 'dog' }],
      [3, { text: 'cat', expected: 'dog' }],
    ]);
  });
});

describe('zeroShotTask', () => {
  it('asks the images that have a name in the language', () => {
    const outcome = zeroShotTask(encoded, 'de');
    expect(figures(outcome)).toEqual({ zero_shot_de_top1: 1, zero_shot_de_mean_per_class_recall: 1 });
    expect(outcome.results[0]).toMatchObject({ task: 'zero-shot (de)', note: '2 images, 2 classes' });
    expect([...outcome.answers.keys()]).toEqual([0, 2]);
  });

  it('counts one class for a name that two images share', () => {
    const outcome = zeroShotTask(encoded, 'en');
    // dog: one of two; cat: one of one.
    expect(figures(outcome)).toEqual({ zero_shot_en_top1: 2 / 3, zero_shot_en_mean_per_class_recall: 0.75 });
    expect(outcome.answers.get(3)).toEqual({ text: 'cat', expected: 'dog' });
  });

  it('takes the first name of an image as its class', () => {
    const twice = setOf(['a', 'cat', 'en', 'name'], ['a', 'kitty', 'en', 'name'], ['b', 'dog', 'en', 'name']);
    const outcome = zeroShotTask({ ...encoded, set: twice, images: vectors(10, 90), names: vectors(0, 10, 90) }, 'en');
    expect(figures(outcome)).toMatchObject({ zero_shot_en_top1: 1 });
    expect(outcome.results[0]!.note).toBe('2 images, 2 classes');
  });

  it('reports top-5 from five classes on', () => {
    const five = setOf(...'abcde'.split('').map((name): Row => [name, name, 'en', 'name']));
    const at = vectors(0, 20, 40, 60, 80);
    expect(figures(zeroShotTask({ ...encoded, set: five, images: at, names: at }, 'en'))).toMatchObject({
      zero_shot_en_top1: 1,
      zero_shot_en_top5: 1,
    });
  });

  it('refuses a language without names, and names those that have some', () => {
    expect(() => zeroShotTask(encoded, 'it')).toThrow(/language it\n.*: de, en/);
    expect(() => retrievalTask(encoded, 'it')).toThrow(/language it\n.*: de, en/);
    expect(() => captioningTask(set, 'it', ['', '', '', ''])).toThrow(/language it\n.*: de, en/);
  });
});

describe('captioningTask', () => {
  it('matches names, and measures CIDEr against all captions', () => {
    const some = setOf(
      ['a', 'cat', 'en', 'name'],
      ['b', 'dog', 'en', 'name'],
      ['b', 'puppy', 'en', 'word'],
      ['c', 'moo', 'en', 'word'],
      ['d', 'Kuh', 'de', 'name'],
    );
    const { results, answers } = captioningTask(some, 'en', ['Cat.', 'puppy', 'moo', 'cow']);
    // c has no name, d no English caption.
    expect(results[0]).toMatchObject({ metric: 'caption_exact_match', value: 0.5, note: '2 images, against names' });
    expect(results[1]).toMatchObject({ metric: 'caption_cider', note: '3 images, against all captions in en' });
    expect(results[1]!.value).toBeGreaterThan(0);
    expect([...answers]).toEqual([
      [0, { text: 'Cat.', expected: 'Cat.' }],
      [1, { text: 'puppy', expected: 'dog' }],
    ]);
  });
});

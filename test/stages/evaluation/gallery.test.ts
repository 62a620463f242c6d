import sharp from 'sharp';
import { expect, it } from 'vitest';
import { Gallery } from '../../../stages/evaluation/gallery.js';

const picture = (value: number) => new Uint8Array(2 * 2 * 3).fill(value);
const outcome = (asked: (image: number) => boolean) => ({
  task: 'retrieval (en)',
  results: [],
  answers: new Map(
    Array.from({ length: 100 }, (_, image) => image)
      .filter(asked)
      .map((image) => [image, { text: `${image}`, expected: 'x' }]),
  ),
});

it('keeps some images from all over the set, with what was answered', async () => {
  const gallery = new Gallery(10, 7);
  for (let image = 0; image < 100; image++) gallery.add(picture(2 * image));
  const samples = await gallery.samples(
    outcome(() => true),
    2,
  );
  const images = samples.map(({ text }) => Number(text));
  expect(images).toHaveLength(10);
  expect(images).toEqual([...new Set(images)].sort((a, b) => a - b));
  expect(images.at(-1)).toBeGreaterThan(50);
  expect(samples[0]).toMatchObject({ kind: 'sample', title: 'retrieval (en)', expected: 'x' });
  for (const [i, { image }] of samples.entries()) {
    const { data, info } = await sharp(image).raw().toBuffer({ resolveWithObject: true });
    expect([info.width, info.height]).toEqual([2, 2]);
    expect(Math.abs(data[0]! - 2 * images[i]!)).toBeLessThan(4);
  }
});

it('leaves out images that were not asked, and copies what it keeps', async () => {
  const gallery = new Gallery(10, 7);
  const reused = picture(1);
  for (let image = 0; image < 3; image++) gallery.add(reused);
  reused.fill(255);
  const samples = await gallery.samples(
    outcome((image) => image === 1),
    2,
  );
  expect(samples.map(({ text }) => text)).toEqual(['1']);
  expect((await sharp(samples[0]!.image).raw().toBuffer())[0]).toBeLessThan(8);
});

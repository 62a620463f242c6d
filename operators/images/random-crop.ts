import type { Random } from '../../pipeline/run/random.js';
import type { Crop } from './warp.js';

/**
 * A random part of an image: of an area between two shares of the image's, and of proportions (width : height) between two.
 * After ten tries that do not fit, the largest part in the middle whose proportions are allowed.
 *
 * Source: torchvision, `RandomResizedCrop.get_params`.
 */
export function randomCrop(
  { width, height }: { readonly width: number; readonly height: number },
  scale: readonly [number, number],
  ratio: readonly [number, number],
  random: Random,
): Crop {
  for (let tries = 0; tries < 10; tries++) {
    const area = width * height * random.between(...scale);
    const proportion = Math.exp(random.between(Math.log(ratio[0]), Math.log(ratio[1])));
    const w = Math.round(Math.sqrt(area * proportion));
    const h = Math.round(Math.sqrt(area / proportion));
    if (w <= 0 || h <= 0 || w > width || h > height) continue;
    const top = random.integer(height - h + 1);
    return { left: random.integer(width - w + 1), top, width: w, height: h };
  }
  const own = width / height;
  const w = own > ratio[1] ? Math.round(height * ratio[1]) : width;
  const h = own < ratio[0] ? Math.round(width / ratio[0]) : height;
  return { left: Math.floor((width - w) / 2), top: Math.floor((height - h) / 2), width: w, height: h };
}

/** Changes of colour and of the thickness of lines, in place, on values of 0 to 255 (RGB, rows first). */

/** How colours change. 1 (or 0 degrees) leaves them as they are. */
export interface Colour {
  /** Factor of the image's mean. */
  readonly brightness: number;
  /** Factor of the distance from the image's mean. */
  readonly contrast: number;
  /** Factor of the distance from grey; 0 makes the image grey. */
  readonly saturation: number;
  /** Turn about the grey axis in degrees. */
  readonly hue: number;
}

/**
 * Brightness and contrast about the mean of all values, saturation about the mean of each pixel, then a turn of the colours
 * about the axis from black to white. The results may lie outside of 0 to 255.
 */
export function changeColour(values: Float32Array, { brightness, contrast, saturation, hue }: Colour): void {
  if (brightness === 1 && contrast === 1 && saturation === 1 && hue === 0) return;
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]!;
  const mean = sum / values.length;
  const offset = mean * (brightness - contrast);
  const angle = (hue * Math.PI) / 180;
  const cosine = Math.cos(angle);
  const along = (1 - cosine) / 3;
  const across = Math.sin(angle) / Math.sqrt(3);
  // All three are linear in the pixel, and keep its mean apart: one matrix of a circle of three numbers.
  const gain = contrast * saturation;
  const keep = (contrast - gain) / 3;
  const same = gain * (cosine + along) + keep;
  const next = gain * (along - across) + keep;
  const last = gain * (along + across) + keep;
  for (let i = 0; i < values.length; i += 3) {
    const red = values[i]!;
    const green = values[i + 1]!;
    const blue = values[i + 2]!;
    values[i] = offset + same * red + next * green + last * blue;
    values[i + 1] = offset + last * red + same * green + next * blue;
    values[i + 2] = offset + next * red + last * green + same * blue;
  }
}

/** Replaces each value by the largest (or, for `dark`, the smallest) of the 3 x 3 around it in its channel. `width` in pixels. */
export function spread(values: Float32Array, width: number, kind: 'bright' | 'dark'): void {
  const stride = width * 3;
  const sign = kind === 'bright' ? 1 : -1;
  const across = new Float32Array(values.length);
  for (let line = 0; line < values.length; line += stride) {
    const end = line + stride;
    for (let at = line; at < end; at++) {
      // Beyond an edge stands the value itself, which changes no maximum.
      const value = values[at]! * sign;
      const before = values[at < line + 3 ? at : at - 3]! * sign;
      const behind = values[at < end - 3 ? at + 3 : at]! * sign;
      across[at] = Math.max(value, Math.max(before, behind));
    }
  }
  for (let at = 0; at < values.length; at++) {
    const above = across[at < stride ? at : at - stride]!;
    const below = across[at < values.length - stride ? at + stride : at]!;
    values[at] = Math.max(across[at]!, Math.max(above, below)) * sign;
  }
}

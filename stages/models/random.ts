/**
 * Numbers that depend on (seed, name) and on nothing else: neither on the order in which tensors are made, nor on the
 * machine. Value i is a hash of the counter i under a 64-bit key, so a stream needs no state besides the counter.
 */
export class RandomStream {
  #counter = 0;
  readonly #low: number;
  readonly #high: number;
  #spare: number | undefined;

  constructor(seed: number, name: string) {
    this.#low = hashText(name, mix(seed ^ 0x9e3779b9));
    this.#high = hashText(name, mix(this.#low ^ (seed / 2 ** 32)));
  }

  /** Uniform in (0, 1), 32 bits, never 0 and never 1. */
  uniform(): number {
    const counter = this.#counter++;
    return (mix(mix(counter ^ this.#low) + this.#high + Math.floor(counter / 2 ** 32)) + 0.5) / 2 ** 32;
  }

  /** Standard normal (Box and Muller, 1958). */
  normal(): number {
    if (this.#spare !== undefined) {
      const value = this.#spare;
      this.#spare = undefined;
      return value;
    }
    const radius = Math.sqrt(-2 * Math.log(this.uniform()));
    const angle = 2 * Math.PI * this.uniform();
    this.#spare = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  }

  /** Standard normal, values beyond two standard deviations drawn again. */
  truncatedNormal(): number {
    for (;;) {
      const value = this.normal();
      if (Math.abs(value) <= 2) return value;
    }
  }
}

/** A 32-bit integer hash in which every input bit changes half of the output bits (the finaliser of MurmurHash3). */
function mix(value: number): number {
  let bits = value | 0;
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return (bits ^ (bits >>> 16)) >>> 0;
}

function hashText(text: string, start: number): number {
  let hash = start;
  for (let i = 0; i < text.length; i++) hash = mix(hash ^ text.charCodeAt(i));
  return hash;
}

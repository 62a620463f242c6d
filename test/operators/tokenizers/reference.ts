import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** What test/reference/tokenizer.py made with the Python library. */
interface Reference {
  readonly texts: string[];
  readonly trainings: readonly {
    readonly vocabulary: number;
    readonly minFrequency: number;
    readonly merges: [string, string][];
    readonly tokens: number;
  }[];
  /** Of 400 tokens, pairs of at least 2. */
  readonly vocab: Record<string, number>;
  readonly samples: readonly { readonly text: string; readonly ids: number[] }[];
  /** `summarize:`. */
  readonly prefix: number[];
}

export const reference = JSON.parse(
  readFileSync(join(import.meta.dirname, '../../reference/tokenizer.json'), 'utf8'),
) as Reference;

/** Texts that are changed at random places, for what must hold whatever a manifest says. */
import { type Arbitrary, constantFrom, integer, oneof, string, tuple } from 'fast-check';

/** Pieces that mean something in YAML or in a manifest, and random text. */
export const piece: Arbitrary<string> = oneof(
  constantFrom(...'{}[]:,-?*&!|>\'"%@`#\n\t \0', '\r\n', '- ', ': ', '---\n', '&a ', '*a', '!!binary ', '<<: *a', '? '),
  constantFrom(
    '${',
    '}',
    `\${size}`,
    '$${',
    `\${env:HOME}`,
    '${a:-',
    'extends: m.yaml\n',
    '__proto__: 1\n',
    '.inf',
    'null',
  ),
  constantFrom(
    'stages:\n',
    'use: x\n',
    'from: pairs',
    'with: {}\n',
    'require: []\n',
    'rejected: short\n',
    'branches: { short: {} }\n',
    'mix: rounds\n',
    'from: pairs.short',
    '1e999',
    '\u2028',
    '\ud83d\ude00',
  ),
  string({ maxLength: 8 }),
);

/** A piece of text that is taken out, and one that is put in its place. */
export interface Edit {
  readonly at: number;
  readonly remove: number;
  readonly insert: string;
}

/** One to four edits of a text. */
export function editsOf(base: string): Arbitrary<readonly Edit[]> {
  const edit: Arbitrary<Edit> = tuple(integer({ min: 0, max: base.length }), integer({ min: 0, max: 30 }), piece).map(
    ([at, remove, insert]) => ({ at, remove, insert }),
  );
  return oneof(tuple(edit), tuple(edit, edit), tuple(edit, edit, edit, edit));
}

export function mutate(base: string, edits: readonly Edit[]): string {
  return edits.reduce((text, { at, remove, insert }) => text.slice(0, at) + insert + text.slice(at + remove), base);
}

/** How often a property is tried: `ALIGNFLOW_FUZZ_RUNS` in a long run (`npm run fuzz`), few times otherwise. */
export function fuzzRuns(few: number): { numRuns: number; seed: number } {
  const runs = Number(process.env.ALIGNFLOW_FUZZ_RUNS ?? few);
  return { numRuns: runs, seed: 20261124 };
}

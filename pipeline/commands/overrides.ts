/** Help of the option `--set`, which every command that takes a manifest has. */
export const SET_HELP = 'override one value of the manifest: stages.contrast.with.steps=100';

/** Collects the values of a repeated `--set`. */
export function collectOverrides(value: string, previous: readonly string[]): readonly string[] {
  return [...previous, value];
}

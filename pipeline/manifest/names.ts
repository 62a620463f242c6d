const NAME = /^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$/;

/** True for a text that may name a run, a stage or a branch: names become folders. */
export function isName(text: string): boolean {
  return NAME.test(text);
}

/** What a name must look like, for messages. */
export const NAME_FORM = 'letters, digits, - and _, at most 100, starting with a letter or a digit';

/** What `from` calls a branch of a stage: `pairs.short`. */
export function branchName(stage: string, branch: string): string {
  return `${stage}.${branch}`;
}

/** The stage of a branch that is named so, or the stage that is named itself. */
export function stageOf(name: string): string {
  return name.split('.')[0]!;
}

/** What stages take from the ones before them, checked when a manifest is planned. */
import { AlignflowError } from '../pipeline/errors.js';
import type { Reference, StageInputs } from '../pipeline/stage.js';
import { checkConfig, type ModelConfig } from './models/config.js';

/** The stage whose tokenizer made the tokens: that which `tokenizer` names, or the one that the rows come from. */
export function tokenizerOf(inputs: StageInputs): Reference & { readonly vocabulary: number } {
  for (const reference of [inputs.tokenizer, inputs.from]) {
    const vocabulary = reference?.artefacts.tokenizer?.vocabulary;
    if (reference !== undefined && vocabulary !== undefined) return { ...reference, vocabulary };
  }
  throw new AlignflowError({
    what: 'the stage knows no tokenizer',
    where: { stage: inputs.name },
    expected: 'rows from a tokenization stage, or `tokenizer:` with the name of one',
    fix: 'add a tokenization stage before this one and name it in `from`',
  });
}

/** The sizes of the model that a stage starts from or uses. */
export function modelOf({ artefacts, stage }: Reference): ModelConfig {
  const model = artefacts.checkpoint?.model;
  if (model === undefined) {
    throw new AlignflowError({ what: `the stage ${stage} hands over no model`, fix: 'name a training stage' });
  }
  return checkConfig(model as unknown as ModelConfig);
}

/** Throws unless a model's vocabulary is the tokenizer's. */
export function checkVocabulary(model: ModelConfig, inputs: StageInputs): void {
  const { vocabulary, stage } = tokenizerOf(inputs);
  if (vocabulary !== model.text.vocabulary) {
    throw new AlignflowError({
      what: `the model knows ${model.text.vocabulary} tokens, the tokenizer of ${stage} has ${vocabulary}`,
      where: { stage: inputs.name },
      expected: 'rows that were tokenized with the tokenizer that the model was trained with',
      fix: `give the tokenization stage behind \`from\` a \`tokenizer:\` that names the first one`,
    });
  }
}

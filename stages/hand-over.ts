/** What stages take from the ones before them, checked when a manifest is planned. */
import { FixedSizeBinary } from 'apache-arrow';
import { tokensField } from '../operators/tokenizers/encode.js';
import { AlignflowError } from '../pipeline/errors.js';
import type { Reads } from '../pipeline/operator.js';
import type { CheckpointArtefact, Reference, StageInputs } from '../pipeline/stage.js';
import { checkConfig, type ModelConfig } from './models/config.js';

/** The stage whose tokenizer made the tokens: that which `tokenizer` names, or the one that the rows come from. */
export function tokenizerOf(
  inputs: StageInputs,
): Reference & { readonly vocabulary: number; readonly trainedBy: string } {
  for (const reference of [inputs.tokenizer, inputs.from]) {
    const tokenizer = reference?.artefacts.tokenizer;
    if (reference !== undefined && tokenizer !== undefined) return { ...reference, ...tokenizer };
  }
  throw new AlignflowError({
    what: 'the stage knows no tokenizer',
    where: { stage: inputs.name },
    expected: 'rows that a tokenization stage hands over, or the name of one in `tokenizer`',
    fix: 'name the tokenization stage in `tokenizer`; add one where there is none',
  });
}

/** The sizes of the model that a stage starts from or uses. */
export function modelOf(reference: Reference): ModelConfig {
  return checkConfig(checkpointOf(reference).model as unknown as ModelConfig);
}

/** The checkpoint that a training stage hands over. `kind` is the kind of the stage, `start` the stage that it starts from. */
export function handOver(
  kind: string,
  model: ModelConfig,
  parameters: number,
  inputs: StageInputs,
  start: Reference | undefined,
): CheckpointArtefact {
  return {
    model: { ...model },
    parameters,
    trainedBy: [...(start === undefined ? [] : checkpointOf(start).trainedBy), kind],
    tokenizer: tokenizerOf(inputs).trainedBy,
  };
}

/** Throws unless the texts that a stage reads were made with the tokenizer that its checkpoint was trained with. */
export function checkTokenizer(checkpoint: Reference, inputs: StageInputs): void {
  const { trainedBy, stage } = tokenizerOf(inputs);
  const { tokenizer } = checkpointOf(checkpoint);
  if (tokenizer === undefined || tokenizer === trainedBy) return;
  throw new AlignflowError({
    what: `the checkpoint of ${checkpoint.stage} knows the tokens of ${tokenizer}, those of ${stage} were made by ${trainedBy}`,
    where: { stage: inputs.name },
    expected: 'rows that were tokenized with the tokenizer that the model was trained with',
    fix: `give the stage ${stage} a \`tokenizer: ${tokenizer}\``,
  });
}

/** Throws unless a stage of some kind has trained a checkpoint; `purpose` is what that is needed for. */
export function checkTrainedBy(checkpoint: Reference, kind: string, purpose: string): void {
  const { trainedBy } = checkpointOf(checkpoint);
  if (trainedBy.includes(kind)) return;
  throw new AlignflowError({
    what: `${purpose} needs what a ${kind} stage trains, and the checkpoint of ${checkpoint.stage} comes from ${trainedBy.join(', ')} alone`,
    expected: `the checkpoint of a ${kind} stage`,
    fix: `put a ${kind} stage behind ${checkpoint.stage} (\`init: ${checkpoint.stage}\`) and name that in \`checkpoint\``,
  });
}

function checkpointOf({ artefacts, stage }: Reference): CheckpointArtefact {
  if (artefacts.checkpoint !== undefined) return artefacts.checkpoint;
  throw new AlignflowError({ what: `the stage ${stage} hands over no model`, fix: 'name a training stage' });
}

/** The columns that a stage reads: images of one size, `side` pixels a side, and lists of token ids. */
export function modelColumns(pixels: string, side: number, tokens: readonly string[]): Reads {
  return {
    [pixels]: new FixedSizeBinary(3 * side ** 2),
    ...Object.fromEntries(tokens.map((column) => [column, tokensField(column).type])),
  };
}

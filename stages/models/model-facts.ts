import { formatBytes, formatCount } from '../../pipeline/terminal/format.js';
import type { ModelConfig } from './config.js';
import { countParameters } from './shapes.js';

/** What `alignflow plan` says of a model, and the memory that training or using it takes at least. */
export interface ModelFacts {
  readonly parameters: number;
  readonly facts: readonly (readonly [label: string, value: string])[];
  /** Bytes of the parameters, and of gradients and both moments of the trained ones, in float32. */
  readonly memory: number;
}

/** @param trained parameters that are trained; 0 for a model that is only used */
export function modelFacts(model: ModelConfig, trained: number): ModelFacts {
  const parameters = countParameters(model);
  const memory = 4 * parameters + 12 * trained;
  const { vision, text, queries, embed } = model;
  return {
    parameters,
    memory,
    facts: [
      ['parameters', formatCount(parameters)],
      ...(trained === 0 ? [] : [['trained', formatCount(trained)] as const]),
      ['vision', `${vision.depth} layers of ${vision.width}, patch ${vision.patch}, ${vision.image} px`],
      ['text', `${text.depth} layers of ${text.width}, vocabulary ${formatCount(text.vocabulary)}`],
      ['queries', `${queries.count}, cross-attention in 1 layer of ${queries.crossEvery}; embedding of ${embed.dim}`],
      [
        'memory',
        `${formatBytes(memory)}${trained === 0 ? ' of parameters' : ' of parameters, gradients and moments'}, activations aside`,
      ],
    ],
  };
}

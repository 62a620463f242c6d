/** The JSON Schema of manifests, for editors: completion, hover texts and problems while one is written. */
import type { StageParts } from '../stage.js';
import type { Catalog } from './catalog.js';
import { type EditorSchema, editorProperties, variable } from './editor-schema.js';
import type { CatalogEntry, Kind } from './entry.js';

/**
 * The schema of a manifest with the operators and stages of a catalog. It judges values as `check` does, one by one; what
 * depends on other parts of the manifest (references, columns, memory) is for `check` alone. A manifest that extends another
 * may leave out what that one has.
 */
export function manifestSchema(catalog: Catalog): EditorSchema {
  const stages = catalog.ofKind('stage');
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'alignflow manifest',
    description: 'A pipeline of stages, each of which starts from what the stages before it made.',
    type: 'object',
    properties: manifestKeys,
    additionalProperties: false,
    if: { required: ['extends'] },
    else: { required: ['name', 'stages'], properties: { stages: { additionalProperties: ref('whole-stage') } } },
    definitions: {
      stage: {
        type: 'object',
        properties: { use: useOf(stages), ...stageKeys },
        additionalProperties: false,
        allOf: stages.map((entry) => whereUsed(entry, { properties: { ...withOptions(entry), ...refused(entry) } })),
      },
      'whole-stage': {
        required: ['use'],
        properties: {
          source: required(ref('whole-source')),
          steps: required({ items: ref('whole-operator') }),
          sink: required(ref('whole-sink')),
          branches: required({
            additionalProperties: {
              properties: { steps: { items: ref('whole-operator') }, sink: ref('whole-sink') },
            },
          }),
        },
        ...wholeOptions(stages),
      },
      step: partSchema(catalog, 'operator', {
        rejected: text('The branch that the rows which it drops go to.'),
      }),
      ...partSchemas(catalog, 'source'),
      ...partSchemas(catalog, 'operator'),
      ...partSchemas(catalog, 'sink'),
    },
  };
}

const text = (description: string): EditorSchema => ({ description, type: 'string' });

const texts = (description: string): EditorSchema => ({
  description,
  type: ['string', 'array'],
  items: { type: 'string' },
});

const ref = (name: string): EditorSchema => ({ $ref: `#/definitions/${name}` });

/** What only says that something must be there; an editor proposes it elsewhere. */
const required = (schema: EditorSchema): EditorSchema => ({ allOf: [schema], doNotSuggest: true });

/** Keys of a manifest. */
const manifestKeys: Record<string, EditorSchema> = {
  extends: texts('Manifests that this one changes: a file or a list of files, relative to this one. Maps are merged.'),
  name: text('Name of the run: letters, digits, - and _.'),
  seed: {
    description: 'Seed of all random choices; 0 unless given.',
    type: ['integer', 'string'],
    minimum: 0,
    maximum: 2 ** 32 - 1,
    pattern: variable.pattern!,
    default: 0,
  },
  output: text('Folder that the run writes into, relative to the working directory; `runs/<name>` unless given.'),
  baseline: text('Output folder of another run: the report shows each figure beside the same one there.'),
  memory: {
    description: 'Bytes of rows that the run may hold at once: `2GB`; `1GB` unless given.',
    type: ['number', 'string'],
    minimum: 1e6,
    default: '1GB',
  },
  workers: {
    description:
      'Threads for heavy operators; 0 for none. One less than there are cores, and none for two, unless given. Results do not depend on it.',
    type: ['integer', 'string'],
    minimum: 0,
    maximum: 256,
    pattern: variable.pattern!,
  },
  key: text('Column that names a row: the ledger has its value for each dropped row, beside where the row came from.'),
  operators: texts('Folders of your own operators, relative to this file, or names of installed packages.'),
  variables: {
    description: 'Values of this manifest: what `$` and a name in braces stand for.',
    type: 'object',
    additionalProperties: true,
  },
  stages: {
    description: 'The stages by name, in the order in which they run.',
    type: 'object',
    additionalProperties: ref('stage'),
  },
};

const mixBy: EditorSchema = { enum: ['weight', 'rounds', 'exhaustion'] };
const mixUntil: EditorSchema = { enum: ['all', 'first'] };

/** Keys of a stage, but `use`. */
const stageKeys: Record<string, EditorSchema> = {
  from: {
    description:
      'The earlier stage that rows come from, or several: `[pairs, names]`, or with weights `{ pairs: 0.8, names: 0.2 }`.',
    type: ['string', 'array', 'object'],
    items: { type: 'string' },
    additionalProperties: { type: ['number', 'string'], exclusiveMinimum: 0, pattern: variable.pattern! },
    minProperties: 1,
  },
  mix: {
    description:
      'How the rows of several stages are mixed: by `weight`, in `rounds` (equal shares), or by `exhaustion` (one after the ' +
      'other). `{ by: rounds, until: first }` ends with the first stage that runs out; otherwise the others go on.',
    anyOf: [mixBy, { type: 'object', properties: { by: mixBy, until: mixUntil }, additionalProperties: false }],
  },
  source: { description: 'Where rows come from, for a stage that starts from data.', ...ref('source') },
  steps: { description: 'Operators that rows go through, in this order.', type: 'array', items: ref('step') },
  sink: { description: 'Where rows go; Parquet files in the output folder unless given.', ...ref('sink') },
  branches: {
    description:
      'Further ways of the rows, by name: all that the stage writes, or what a step with `rejected: NAME` drops, through steps ' +
      'into a sink. Later stages take them with `from: stage.NAME`.',
    type: 'object',
    additionalProperties: {
      type: 'object',
      properties: {
        steps: {
          description: 'Operators that the rows go through, in this order.',
          type: 'array',
          items: ref('operator'),
        },
        sink: ref('sink'),
      },
      additionalProperties: false,
    },
  },
  init: text('The earlier stage whose checkpoint training starts from.'),
  checkpoint: text('The earlier stage whose checkpoint is used as it is.'),
  tokenizer: text('The earlier stage whose tokenizer is used.'),
  train: texts('Patterns of the parameters to train, like `**.cross_attn.**`; the others are frozen.'),
  with: { description: 'Options of the stage.', type: ['object', 'string'], pattern: variable.pattern! },
  require: {
    description:
      "Conditions on figures that the stage ends with: `{ image_to_text_r1: '>= 0.4' }`. A miss ends the run.",
    type: 'object',
    additionalProperties: { type: 'string' },
  },
};

/** The schemas of one kind of part: `source`, `operator` or `sink`, and the same with all that must be given. */
function partSchemas(catalog: Catalog, kind: Exclude<Kind, 'stage'>): Record<string, EditorSchema> {
  const whole = { required: ['use'], ...wholeOptions(catalog.ofKind(kind)) };
  return { [kind]: partSchema(catalog, kind), [`whole-${kind}`]: whole };
}

function partSchema(
  catalog: Catalog,
  kind: Exclude<Kind, 'stage'>,
  more: Readonly<Record<string, EditorSchema>> = {},
): EditorSchema {
  const entries = catalog.ofKind(kind);
  const options: EditorSchema = { description: `Options of the ${kind}.`, type: ['object', 'string'] };
  return {
    type: 'object',
    properties: { use: useOf(entries), with: { ...options, pattern: variable.pattern! }, ...more },
    additionalProperties: false,
    allOf: entries.map((entry) => whereUsed(entry, { properties: withOptions(entry) })),
  };
}

/** The names that `use` may have, each with its documentation. */
function useOf(entries: readonly CatalogEntry[]): EditorSchema {
  const names = entries.map(({ name, docs }) => ({ const: name, description: docs }));
  return { description: 'What does the work: `alignflow describe` lists all.', anyOf: [...names, variable] };
}

/** What holds where `use` names an entry. */
function whereUsed({ name }: CatalogEntry, consequence: EditorSchema): EditorSchema {
  // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema, and never awaited
  return { if: { properties: { use: { const: name } }, required: ['use'] }, then: consequence };
}

function withOptions({ docs, schema }: CatalogEntry): Record<string, EditorSchema> {
  const options = {
    description: docs,
    properties: editorProperties(schema.properties ?? {}),
    additionalProperties: false,
  };
  return { use: { description: docs }, with: options };
}

/** A stage's keys that its kind does not take. */
function refused({ takes }: CatalogEntry): Record<string, false> {
  if (takes === undefined) return {};
  const taken: Record<string, unknown> = { ...takes, ...rowKeys(takes), branches: takes.sink };
  const keys = ['from', 'source', 'steps', 'sink', 'branches', 'init', 'checkpoint', 'tokenizer', 'train'];
  return Object.fromEntries(keys.filter((key) => !taken[key]).map((key) => [key, false]));
}

function rowKeys({ rows }: StageParts): Record<string, boolean> {
  const taken = rows === 'required';
  return { from: taken, source: taken, steps: taken };
}

/** That the options which must be given are there. */
function wholeOptions(entries: readonly CatalogEntry[]): EditorSchema {
  const allOf = entries.flatMap((entry) => {
    const { required: names = [] } = entry.schema;
    return names.length === 0
      ? []
      : [
          whereUsed(entry, {
            properties: { with: required({ required: names }) },
            required: ['with'],
          }),
        ];
  });
  return allOf.length === 0 ? {} : { allOf }; // An empty list of schemas is not valid.
}

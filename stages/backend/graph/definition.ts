import type { Attribute, TensorMetadata } from '../addon.js';
import { attributeTypes, dataTypes } from '../native.js';
import {
  type AttributeMessage,
  attributeOf,
  floatsValue,
  integersValue,
  type NodeMessage,
  nodeMessage,
  shapeValue,
  tensorValue,
  typeValue,
} from './messages.js';
import { type Recording, UnrecordableError } from './recorder.js';

/** What a recorded step reads and gives: handles of the tensors that stood for its variables and feeds, and of its results. */
export interface RecordedStep {
  /** Tells it from other steps in the same graph: letters, digits and dots, as in names of nodes. */
  readonly name: string;
  readonly recording: Recording;
  readonly variables: readonly TensorMetadata[];
  readonly feeds: readonly TensorMetadata[];
  /** Ids of the outputs. */
  readonly outputs: readonly number[];
  /** Ids of the new values, each with the index of its variable. */
  readonly updates: readonly { readonly id: number; readonly variable: number }[];
}

/** Names of the nodes that a session feeds and fetches; `i` counts variables, or feeds or outputs of a step. */
export const nodeNames = {
  feed: (step: string, i: number) => `${step}/feed${i}`,
  output: (step: string, i: number) => `${step}/output${i}`,
  /** A one that is there when all updates of a step are made. */
  updated: (step: string) => `${step}/updated`,
  /** The present value of a variable. */
  value: (i: number) => `value${i}`,
  /** Takes a value for a variable. */
  initial: (i: number) => `initial${i}`,
  /** A one that is there when the variables of chunk `c` have the values that were given for them. */
  assigned: (c: number) => `assigned${c}`,
  /** A one that is there when the memory of all variables is given back. */
  released: 'released',
};

/** How many variables are fed or fetched in one go: the addon's time and memory for a list of names grow with its square. */
const chunk = 512;

/** The indices of variables in chunks. */
export function variableChunks(count: number): number[][] {
  return Array.from({ length: Math.ceil(count / chunk) }, (_, c) =>
    Array.from({ length: Math.min(chunk, count - c * chunk) }, (_, i) => c * chunk + i),
  );
}

/**
 * The graph of recorded steps over the same variables, each of which runs by itself. Variables are resource variables of the session.
 * A step reads each variable once, before its update is assigned; a variable read keeps its old memory, so later uses in the step
 * still see the old value.
 */
export function graphOf(steps: readonly RecordedStep[]): NodeMessage[] {
  return [...variableNodes(steps[0]!.variables), ...steps.flatMap(stepNodes)];
}

/** The variables, and the nodes that get, set and free them between steps. */
function variableNodes(variables: readonly TensorMetadata[]): NodeMessage[] {
  const nodes: NodeMessage[] = [];
  const add: Add = (name, op, inputs, attributes) => void nodes.push(nodeMessage(name, op, inputs, attributes));
  for (const [i, handle] of variables.entries()) addVariable(add, handle, i);
  variableChunks(variables.length).forEach((chunk, c) => {
    const assigned = chunk.map((i) => `^assign${i}`);
    addOne(add, nodeNames.assigned(c), assigned);
  });
  const released = variables.map((_, i) => `^release${i}`);
  addOne(add, nodeNames.released, released);
  return nodes;
}

function stepNodes(step: RecordedStep): NodeMessage[] {
  const nodes: NodeMessage[] = [];
  /** Where a tensor comes from: the name to use as an input, and its dtype. */
  const places = new Map<number, { readonly name: string; readonly dtype: number }>();
  const add: Add = (name, op, inputs, attributes) => void nodes.push(nodeMessage(name, op, inputs, attributes));
  const place = (id: number) => places.get(id) ?? missing(id);

  step.feeds.forEach(({ id, dtype, shape }, i) => {
    const name = nodeNames.feed(step.name, i);
    add(name, 'Placeholder', [], { dtype: typeValue(dtype), shape: shapeValue(shape) });
    places.set(id, { name, dtype });
  });
  step.variables.forEach(({ id, dtype }, i) => {
    places.set(id, { name: `read${i}`, dtype });
  });

  step.recording.forEach((entry, i) => {
    const name = `${step.name}/${entry.kind}${i}`;
    if (entry.kind === 'constant') {
      const value = tensorValue(entry.dtype, entry.shape, entry.bytes);
      add(name, 'Const', [], { dtype: typeValue(entry.dtype), value });
      places.set(entry.id, { name, dtype: entry.dtype });
    } else {
      const attributes = entry.attributes.map((attribute) => [attribute.name, attributeValue(attribute)] as const);
      add(
        name,
        entry.name,
        entry.inputs.map((id) => place(id).name),
        Object.fromEntries(attributes),
      );
      entry.outputs.forEach(({ id, dtype }, k) => {
        places.set(id, { name: k === 0 ? name : `${name}:${k}`, dtype });
      });
    }
  });

  for (const { id, variable } of step.updates) {
    const dtype = typeValue(step.variables[variable]!.dtype);
    add(
      `${step.name}/update${variable}`,
      'AssignVariableOp',
      [`variable${variable}`, place(id).name, `^read${variable}`],
      {
        dtype,
      },
    );
  }
  const updates = step.updates.map(({ variable }) => `^${step.name}/update${variable}`);
  addOne(add, nodeNames.updated(step.name), updates);
  step.outputs.forEach((id, i) => {
    const { name, dtype } = place(id);
    add(nodeNames.output(step.name, i), 'Identity', [name], { T: typeValue(dtype) });
  });
  return nodes;
}

type Add = (name: string, op: string, inputs: readonly string[], attributes: Record<string, AttributeMessage>) => void;

/** A variable, the read of all steps, and the nodes that get, set and free it between steps. */
function addVariable(add: Add, handle: TensorMetadata, i: number): void {
  const [dtype, shape] = [typeValue(handle.dtype), shapeValue(handle.shape)];
  const name = attributeOf((message) => message.setS(Buffer.from(`variable${i}`)));
  add(`variable${i}`, 'VarHandleOp', [], { dtype, shape, shared_name: name });
  add(`read${i}`, 'ReadVariableOp', [`variable${i}`], { dtype });
  add(`stored${i}`, 'ReadVariableOp', [`variable${i}`], { dtype });
  add(nodeNames.value(i), 'Identity', [`stored${i}`], { T: dtype });
  add(nodeNames.initial(i), 'Placeholder', [], { dtype, shape });
  add(`assign${i}`, 'AssignVariableOp', [`variable${i}`, nodeNames.initial(i)], { dtype });
  add(`release${i}`, 'DestroyResourceOp', [`variable${i}`], {});
}

/** A session fetches tensors, not ops: so a constant that waits for ops. */
function addOne(add: Add, name: string, after: readonly string[]): void {
  add(name, 'Const', after, {
    dtype: typeValue(dataTypes.int32),
    value: tensorValue(dataTypes.int32, [], new Uint8Array([1, 0, 0, 0])),
  });
}

function attributeValue({ name, type, value }: Attribute): AttributeMessage {
  if (type === attributeTypes.type && typeof value === 'number') return typeValue(value);
  if (type === attributeTypes.shape && Array.isArray(value)) return shapeValue(value);
  if (type === attributeTypes.int && Array.isArray(value)) return integersValue(value);
  if (type === attributeTypes.float && Array.isArray(value)) return floatsValue(value);
  return attributeOf((message) => {
    if (type === attributeTypes.bool) message.setB(Boolean(value));
    else if (type === attributeTypes.int && typeof value === 'number') message.setI(value);
    else if (type === attributeTypes.float && typeof value === 'number') message.setF(value);
    else if (type === attributeTypes.string && typeof value === 'string') message.setS(Buffer.from(value));
    else throw new UnrecordableError({ what: `an op has an attribute ${name} of a kind that is not recorded` });
  });
}

function missing(id: number): never {
  throw new Error(`tensor ${id} is in no recording`);
}

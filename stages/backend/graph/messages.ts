import { createRequire } from 'node:module';

/** TensorFlow's protobuf messages, as tfjs-node ships them (generated code without types), as far as a SavedModel of ours needs. */
interface Messages {
  SavedModel: new () => Serializable & {
    setSavedModelSchemaVersion(version: number): void;
    addMetaGraphs(graph: object): void;
  };
  MetaGraphDef: (new () => { setMetaInfoDef(info: object): void; setGraphDef(graph: object): void }) & {
    MetaInfoDef: new () => { addTags(tag: string): void };
  };
  GraphDef: new () => { addNode(node: NodeMessage): void; setVersions(versions: object): void };
  VersionDef: new () => { setProducer(version: number): void };
  NodeDef: new () => NodeMessage;
  AttrValue: (new () => AttributeMessage) & {
    ListValue: new () => { setIList(values: readonly number[]): void; setFList(values: readonly number[]): void };
  };
  TensorShape: (new () => { addDim(dim: object): void }) & { Dim: new () => { setSize(size: number): void } };
  Tensor: new () => {
    setDtype(dtype: number): void;
    setTensorShape(shape: object): void;
    setTensorContent(bytes: Uint8Array): void;
  };
}

interface Serializable {
  serializeBinary(): Uint8Array;
}

/** A node of a graph. */
export interface NodeMessage {
  setName(name: string): void;
  setOp(op: string): void;
  addInput(input: string): void;
  getAttrMap(): { set(name: string, value: AttributeMessage): void };
}

/** The value of an attribute: one of these is set. */
export interface AttributeMessage {
  setS(text: Uint8Array): void;
  setI(value: number): void;
  setF(value: number): void;
  setB(value: boolean): void;
  setType(dtype: number): void;
  setShape(shape: object): void;
  setTensor(tensor: object): void;
  setList(list: object): void;
}

const messages = createRequire(import.meta.url)('@tensorflow/tfjs-node-gpu/dist/proto/api_pb.js') as Messages;

/** The version of GraphDef that these graphs are written in: that of TensorFlow 2.16 and later. */
const graphVersion = 1882;

/** An attribute value made by `set`. */
export function attributeOf(set: (message: AttributeMessage) => void): AttributeMessage {
  const message = new messages.AttrValue();
  set(message);
  return message;
}

/** A dtype, by TensorFlow's number. */
export const typeValue = (dtype: number) => attributeOf((message) => message.setType(dtype));

/** A shape. */
export const shapeValue = (shape: readonly number[]) => attributeOf((message) => message.setShape(shapeMessage(shape)));

/** A tensor, from its little-endian elements. */
export function tensorValue(dtype: number, shape: readonly number[], bytes: Uint8Array): AttributeMessage {
  const tensor = new messages.Tensor();
  tensor.setDtype(dtype);
  tensor.setTensorShape(shapeMessage(shape));
  tensor.setTensorContent(bytes);
  return attributeOf((message) => message.setTensor(tensor));
}

/** A list of whole numbers. */
export function integersValue(values: readonly number[]): AttributeMessage {
  const list = new messages.AttrValue.ListValue();
  list.setIList(values);
  return attributeOf((message) => message.setList(list));
}

/** A list of numbers. */
export function floatsValue(values: readonly number[]): AttributeMessage {
  const list = new messages.AttrValue.ListValue();
  list.setFList(values);
  return attributeOf((message) => message.setList(list));
}

/** A node. An input is `node`, `node:output`, or `^node` for a node that must have run before. */
export function nodeMessage(
  name: string,
  op: string,
  inputs: readonly string[],
  attributes: Readonly<Record<string, AttributeMessage>>,
): NodeMessage {
  const node = new messages.NodeDef();
  node.setName(name);
  node.setOp(op);
  for (const input of inputs) node.addInput(input);
  for (const [key, value] of Object.entries(attributes)) node.getAttrMap().set(key, value);
  return node;
}

/** The bytes of `saved_model.pb` with these nodes, under the tag `serve`. */
export function savedModel(nodes: readonly NodeMessage[]): Uint8Array {
  const versions = new messages.VersionDef();
  versions.setProducer(graphVersion);
  const graph = new messages.GraphDef();
  graph.setVersions(versions);
  for (const node of nodes) graph.addNode(node);
  const info = new messages.MetaGraphDef.MetaInfoDef();
  info.addTags('serve');
  const meta = new messages.MetaGraphDef();
  meta.setMetaInfoDef(info);
  meta.setGraphDef(graph);
  const model = new messages.SavedModel();
  model.setSavedModelSchemaVersion(1);
  model.addMetaGraphs(meta);
  return model.serializeBinary();
}

function shapeMessage(shape: readonly number[]): object {
  const message = new messages.TensorShape();
  for (const size of shape) {
    const dim = new messages.TensorShape.Dim();
    dim.setSize(size);
    message.addDim(dim);
  }
  return message;
}

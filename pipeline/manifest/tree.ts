import type { Position } from './position.js';

/** A manifest as a tree in which every node knows where it was written. Nodes never change. */
export type Node = ScalarNode | MapNode | ListNode;

export interface ScalarNode {
  readonly kind: 'scalar';
  readonly value: string | number | boolean | null;
  readonly at: Position;
}

export interface MapNode {
  readonly kind: 'map';
  readonly entries: ReadonlyMap<string, Entry>;
  readonly at: Position;
}

/** A key's place and its value. */
export interface Entry {
  readonly key: Position;
  readonly value: Node;
}

export interface ListNode {
  readonly kind: 'list';
  readonly items: readonly Node[];
  readonly at: Position;
}

/** True for a key without a value (`with:`), which stands for nothing given. */
export function isNothing(node: Node): boolean {
  return node.kind === 'scalar' && node.value === null;
}

/** The tree as a plain value. Keys are own properties, whatever they are called. */
export function plainValue(node: Node): unknown {
  switch (node.kind) {
    case 'scalar':
      return node.value;
    case 'list':
      return node.items.map(plainValue);
    case 'map':
      return Object.fromEntries([...node.entries].map(([key, { value }]) => [key, plainValue(value)]));
  }
}

/** What a node is, in words: `text`, `a number`, `a list`. */
export function kindOf(node: Node): string {
  if (node.kind === 'list') return 'a list';
  if (node.kind === 'map') return 'a map';
  if (node.value === null) return 'empty';
  if (typeof node.value === 'string') return 'text';
  return typeof node.value === 'number' ? 'a number' : 'true or false';
}

/** `over` merged into `base`: maps key by key, keeping the order of `base`; lists and scalars are replaced. */
export function mergeTrees(base: Node, over: Node): Node {
  if (base.kind !== 'map' || over.kind !== 'map') return over;
  const entries = new Map(base.entries);
  for (const [key, entry] of over.entries) {
    const below = entries.get(key);
    entries.set(key, below === undefined ? entry : { key: entry.key, value: mergeTrees(below.value, entry.value) });
  }
  return { kind: 'map', entries, at: over.at };
}

/** Number of nodes in a tree; counting stops beyond `limit`, so it is cheap for a tree that aliases blew up. */
export function countNodes(node: Node, limit = Number.POSITIVE_INFINITY): number {
  let count = 1;
  for (const child of childrenOf(node)) {
    if (count > limit) return count;
    count += countNodes(child, limit - count);
  }
  return count;
}

/** The place of the first text in a tree that equals a given one. */
export function placeOfText(node: Node | undefined, text: string): Position | undefined {
  if (node === undefined) return undefined;
  if (node.kind === 'scalar') return node.value === text ? node.at : undefined;
  for (const child of childrenOf(node)) {
    const found = placeOfText(child, text);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The place of what a path leads to (`min`, `size.height`, `values[2]`), or of what it lies in; undefined where nothing of it is there. */
export function placeOfPath(node: Node | undefined, path: string): Position | undefined {
  let at: Position | undefined;
  let here = node;
  for (const key of path.split(/[.[\]]+/).filter((part) => part !== '')) {
    here =
      here?.kind === 'map' ? here.entries.get(key)?.value : here?.kind === 'list' ? here.items[Number(key)] : undefined;
    if (here === undefined) break;
    at = here.at;
  }
  return at;
}

function childrenOf(node: Node): readonly Node[] {
  if (node.kind === 'map') return [...node.entries.values()].map((entry) => entry.value);
  return node.kind === 'list' ? node.items : [];
}

import { stringify } from 'yaml';
import { type MapNode, type Node, plainValue } from './tree.js';

/** A resolved manifest as YAML, for storing beside a run: it reads back to the same tree, whatever the environment. */
export function resolvedText(tree: MapNode): string {
  return stringify(plainValue(escaped(tree)), { lineWidth: 120, aliasDuplicateObjects: false });
}

/** The tree with `$${` for each `${` that is text. */
function escaped(node: Node): Node {
  if (node.kind === 'list') return { ...node, items: node.items.map(escaped) };
  if (node.kind === 'scalar')
    return typeof node.value === 'string' ? { ...node, value: node.value.replaceAll('${', '$$${') } : node;
  const entries = [...node.entries].map(([key, entry]) => [key, { ...entry, value: escaped(entry.value) }] as const);
  return { ...node, entries: new Map(entries) };
}

import { nearestName } from './nearest.js';
import { parseTree } from './parse.js';
import type { Position } from './position.js';
import type { Report } from './problem.js';
import { isNothing, kindOf, type ListNode, type MapNode, type Node } from './tree.js';

/** Maps in which `--set` may change what is there but add nothing: their keys are names that the manifest gives. */
const CLOSED = new Set(['stages', 'variables']);

/** The tree with `--set a.b=c` overrides put in, in order; a path that leads nowhere is reported. */
export function applyOverrides(tree: MapNode, overrides: readonly string[], report: Report): MapNode {
  let result: Node = tree;
  for (const text of overrides) {
    const override = parseOverride(text, report);
    if (override !== undefined) result = put(result, override, 0, report);
  }
  return result as MapNode;
}

interface Override {
  readonly path: readonly string[];
  readonly value: Node;
  /** The place of each part of the path. */
  readonly at: (part: number) => Position;
}

function parseOverride(text: string, report: Report): Override | undefined {
  const place = (start: number, length: number): Position => ({
    file: '--set',
    line: 1,
    column: start + 1,
    length: Math.max(1, length),
    text: text.split('\n')[0] ?? '',
  });
  const equals = text.indexOf('=');
  const path = text.slice(0, equals).split('.');
  if (equals < 1 || path.some((part) => part === '')) {
    report({
      code: 'set',
      message: `--set ${text} is not a path and a value`,
      at: place(0, text.length),
      expected: '--set stages.contrast.with.steps=100',
    });
    return undefined;
  }
  if (path[0] === 'extends') {
    // What it names would have to be read before, and merged below, what is overridden.
    report({
      code: 'set',
      message: 'extends cannot be overridden',
      at: place(0, text.length),
      fix: 'write it in the file',
    });
    return undefined;
  }
  const whole = place(equals + 1, text.length - equals - 1);
  const value = parseTree(text.slice(equals + 1), () => whole, report);
  if (value === undefined) return undefined;
  const at = (part: number) => place(path.slice(0, part).join('.').length + (part > 0 ? 1 : 0), path[part]!.length);
  return { path, value, at };
}

function put(node: Node, override: Override, depth: number, report: Report): Node {
  const { path, value, at } = override;
  if (depth === path.length) return value;
  const key = path[depth]!;
  if (node.kind === 'list') return putInList(node, override, depth, report);
  const map: Node = isNothing(node) ? { kind: 'map', entries: new Map(), at: node.at } : node;
  if (map.kind !== 'map') {
    const parent = path.slice(0, depth).join('.');
    report({ code: 'set', message: `${parent} is ${kindOf(node)}, there is no ${key} in it`, at: at(depth) });
    return node;
  }
  const found = map.entries.get(key);
  if (found === undefined && depth === 1 && CLOSED.has(path[0]!)) {
    const nearest = nearestName(key, map.entries.keys());
    report({
      code: 'set',
      message: `${path[0]} has no ${key}`,
      at: at(depth),
      expected: `one of ${[...map.entries.keys()].join(', ')}`,
      ...(nearest === undefined ? {} : { nearest }),
    });
    return node;
  }
  const below = found?.value ?? { kind: 'scalar', value: null, at: at(depth) };
  const entries = new Map(map.entries);
  entries.set(key, { key: found?.key ?? at(depth), value: put(below, override, depth + 1, report) });
  return { ...map, entries };
}

function putInList(node: ListNode, override: Override, depth: number, report: Report): Node {
  const key = override.path[depth]!;
  const index = /^\d+$/.test(key) ? Number(key) : -1;
  const found = node.items[index];
  if (found === undefined) {
    const parent = override.path.slice(0, depth).join('.');
    report({
      code: 'set',
      message: `${parent} has no entry ${key}`,
      at: override.at(depth),
      expected: node.items.length === 0 ? 'nothing: the list is empty' : `a number from 0 to ${node.items.length - 1}`,
    });
    return node;
  }
  const items = [...node.items];
  items[index] = put(found, override, depth + 1, report);
  return { ...node, items };
}

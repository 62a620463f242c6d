import { nearestName } from './nearest.js';
import type { Located, Position } from './position.js';
import type { Report } from './problem.js';
import { isNothing, kindOf, type MapNode, type Node } from './tree.js';

/** Reads the fields of one map of a manifest, with the right types or a problem each. */
export class Fields {
  readonly map: MapNode;
  private readonly path: string;
  private readonly report: Report;

  /** `path` is what messages call the map (`stages.pairs`, empty for the manifest itself); `known` are its keys. */
  constructor(map: MapNode, path: string, known: readonly string[], report: Report) {
    this.map = map;
    this.path = path;
    this.report = report;
    for (const [key, { key: at }] of map.entries) {
      if (known.includes(key)) continue;
      const nearest = nearestName(key, known);
      report({
        code: 'unknown-key',
        message: `unknown key ${key}${path === '' ? '' : ` in ${path}`}`,
        at,
        expected: `one of ${known.join(', ')}`,
        ...(nearest === undefined ? {} : { nearest }),
      });
    }
  }

  /** The node of a field; undefined where it is left out or has no value. */
  node(key: string): Node | undefined {
    const value = this.map.entries.get(key)?.value;
    return value === undefined || isNothing(value) ? undefined : value;
  }

  /** Reports a field that must be there. `at` is the place of the map, unless a better one is given. */
  missing(key: string, expected: string, at: Position = this.map.at): undefined {
    this.report({ code: 'missing', message: `${this.name(key)} is missing`, at, expected });
  }

  text(key: string, expected: string): Located<string> | undefined {
    const node = this.node(key);
    return node === undefined ? undefined : this.textOf(node, key, expected);
  }

  number(key: string, expected: string): Located<number> | undefined {
    const node = this.node(key);
    if (node === undefined) return undefined;
    if (node.kind === 'scalar' && typeof node.value === 'number') return { value: node.value, at: node.at };
    return this.wrong(key, node, expected);
  }

  /** A list of texts; a text alone is a list of one. */
  texts(key: string, expected: string): readonly Located<string>[] {
    const node = this.node(key);
    if (node === undefined) return [];
    const items = node.kind === 'list' ? node.items : [node];
    return items.map((item) => this.textOf(item, key, expected)).filter((item) => item !== undefined);
  }

  /** One of a few texts. */
  choice<T extends string>(key: string, allowed: readonly T[]): T | undefined {
    const expected = `one of ${allowed.join(', ')}`;
    const text = this.text(key, expected);
    const found = allowed.find((one) => one === text?.value);
    if (text === undefined || found !== undefined) return found;
    const nearest = nearestName(text.value, allowed);
    const message = `${this.name(key)} is ${text.value}`;
    this.report({ code: 'value', message, at: text.at, expected, ...(nearest === undefined ? {} : { nearest }) });
    return undefined;
  }

  child(key: string, expected: string): MapNode | undefined {
    const node = this.node(key);
    if (node === undefined || node.kind === 'map') return node;
    return this.wrong(key, node, expected);
  }

  list(key: string, expected: string): readonly Node[] {
    const node = this.node(key);
    if (node === undefined) return [];
    return node.kind === 'list' ? node.items : (this.wrong(key, node, expected) ?? []);
  }

  /** Reports a field of another type than expected. */
  wrong(key: string, node: Node, expected: string): undefined {
    this.report({ code: 'type', message: `${this.name(key)} is ${kindOf(node)}`, at: node.at, expected });
  }

  /** What messages call a field: `stages.pairs.use`. */
  name(key: string): string {
    return this.path === '' ? key : `${this.path}.${key}`;
  }

  private textOf(node: Node, key: string, expected: string): Located<string> | undefined {
    if (node.kind === 'scalar' && typeof node.value === 'string') return { value: node.value, at: node.at };
    return this.wrong(key, node, expected);
  }
}

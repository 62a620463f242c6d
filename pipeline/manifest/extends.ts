import { readFileSync, realpathSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { reasonOf } from '../errors.js';
import { LIMITS, parseTree, placesIn } from './parse.js';
import type { Position } from './position.js';
import type { Report } from './problem.js';
import { type ListNode, type MapNode, mergeTrees, type Node, type ScalarNode } from './tree.js';

/** Reads manifest files, each once, with the files that they extend merged below them. */
export class ManifestFiles {
  private readonly report: Report;
  private readonly read = new Map<string, MapNode | undefined>();

  constructor(report: Report) {
    this.report = report;
  }

  /**
   * The tree of a file on top of all that it extends; undefined where a problem leaves no tree. With `text`, the file need not be
   * there.
   */
  load(file: string, text?: string): MapNode | undefined {
    const start = { file, line: 1, column: 1, length: 1, text: '' };
    return text === undefined ? this.open(file, start, []) : this.parse(file, text, []);
  }

  /** `asked` is the place that names the file; `open` the files that are being read, outermost first. */
  private open(file: string, asked: Position, open: readonly string[]): MapNode | undefined {
    const real = realPath(file);
    if (open.includes(real)) {
      const chain = [...open.slice(open.indexOf(real)), real].map((path) => path.split('/').at(-1));
      this.report({ code: 'extends', message: `the files extend each other: ${chain.join(' -> ')}`, at: asked });
      return undefined;
    }
    if (!this.read.has(real)) {
      const text = this.text(file, asked);
      this.read.set(real, text === undefined ? undefined : this.parse(file, text, [...open, real]));
    }
    return this.read.get(real);
  }

  private parse(file: string, text: string, open: readonly string[]): MapNode | undefined {
    const root = parseTree(text, placesIn(file, text), this.report);
    if (root === undefined) return undefined;
    if (root.kind !== 'map') {
      const message = text.trim() === '' ? 'the file is empty' : 'a manifest is a map';
      this.report({ code: 'type', message, at: root.at, expected: 'name: ..., stages: ...' });
      return undefined;
    }
    const extended = root.entries.get('extends');
    if (extended === undefined) return root;
    const entries = new Map(root.entries);
    entries.delete('extends');
    let tree: Node = { kind: 'map', entries: new Map(), at: root.at };
    for (const { path, at } of this.names(extended.value)) {
      const base = this.open(resolve(dirname(file), path), at, open);
      if (base !== undefined) tree = mergeTrees(tree, base);
    }
    return mergeTrees(tree, { ...root, entries }) as MapNode;
  }

  private names(value: Node): { path: string; at: Position }[] {
    const items: readonly (ScalarNode | MapNode | ListNode)[] = value.kind === 'list' ? value.items : [value];
    return items.flatMap((item) => {
      if (item.kind === 'scalar' && typeof item.value === 'string' && item.value !== '')
        return [{ path: item.value, at: item.at }];
      this.report({ code: 'extends', message: 'extends names no file', at: item.at, expected: 'a file or a list' });
      return [];
    });
  }

  private text(file: string, at: Position): string | undefined {
    const refuse = (message: string, expected?: string): undefined => {
      this.report({ code: 'file', message, at, ...(expected === undefined ? {} : { expected }) });
    };
    try {
      const found = statSync(file);
      if (found.isDirectory()) return refuse(`${file} is a folder`, 'a manifest, a YAML file');
      if (found.size > 4 * LIMITS.characters)
        return refuse(`${file} has ${found.size} bytes`, 'a manifest of 1 MB at most');
      return new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(file));
    } catch (error) {
      if (error instanceof TypeError) return refuse(`${file} is not text in UTF-8`);
      const missing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
      return refuse(missing ? `there is no file ${file}` : `cannot read ${file}: ${reasonOf(error)}`);
    }
  }
}

function realPath(file: string): string {
  try {
    return realpathSync(file);
  } catch {
    return file; // It does not exist: reading it says so.
  }
}

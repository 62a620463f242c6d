import { type Alias, isAlias, isMap, isScalar, isSeq, parseDocument, type YAMLError } from 'yaml';
import { tooDeepAt } from './nesting.js';
import type { Position } from './position.js';
import type { Report } from './problem.js';
import { countNodes, type Entry, type Node } from './tree.js';

/** Largest manifest in characters, and most nodes in it with aliases written out. */
export const LIMITS = { characters: 1 << 20, nodes: 100_000, depth: 64 };

/** Turns offsets of a text into places. */
export type Place = (start: number, end: number) => Position;

/** Places in the text of a file. */
export function placesIn(file: string, text: string): Place {
  const lines = text.split('\n');
  const starts = [0];
  for (const line of lines) starts.push(starts.at(-1)! + line.length + 1);
  return (start, end) => {
    let low = 0;
    let high = lines.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (starts[middle]! <= start) low = middle;
      else high = middle - 1;
    }
    const line = lines[low]!.replace(/\r$/, '');
    const from = Math.min(start - starts[low]!, line.length);
    const length = Math.max(1, Math.min(end - start, line.length - from));
    return { file, line: low + 1, column: from + 1, length, text: line };
  };
}

/** Parses YAML into a tree; what is wrong is reported, and undefined comes back where there is no tree at all. */
export function parseTree(text: string, place: Place, report: Report): Node | undefined {
  if (text.length > LIMITS.characters) {
    report({
      code: 'too-large',
      message: `the file has ${text.length} characters`,
      at: place(0, 1),
      expected: `${LIMITS.characters} at most`,
    });
    return undefined;
  }
  const deep = tooDeepAt(text, LIMITS.depth);
  if (deep !== undefined) {
    report({ code: 'too-large', message: `nested more than ${LIMITS.depth} deep`, at: place(deep, deep + 1) });
    return undefined;
  }
  const document = parseDocument(text, {
    version: '1.2',
    schema: 'core',
    merge: false,
    stringKeys: true,
    resolveKnownTags: false,
    uniqueKeys: false,
    prettyErrors: false,
    logLevel: 'error',
  });
  for (const error of [...document.errors, ...document.warnings]) reportSyntax(error, text, place, report);
  return document.errors.length > 0 ? undefined : new Builder(place, report).build(document.contents);
}

/** Makes our tree of the library's, with aliases written out under a limit. */
class Builder {
  private readonly place: Place;
  private readonly report: Report;
  private readonly anchors = new Map<string, Node | 'open'>();
  private count = 0;

  constructor(place: Place, report: Report) {
    this.place = place;
    this.report = report;
  }

  build(node: unknown): Node | undefined {
    if (++this.count > LIMITS.nodes) return this.tooLarge(node);
    if (isAlias(node)) return this.alias(node);
    const at = this.at(node);
    const anchor = isScalar(node) || isMap(node) || isSeq(node) ? node.anchor : undefined;
    if (anchor !== undefined) this.anchors.set(anchor, 'open');
    const built = this.content(node, at);
    if (anchor !== undefined && built !== undefined) this.anchors.set(anchor, built);
    return built;
  }

  private content(node: unknown, at: Position): Node | undefined {
    if (isSeq(node)) {
      const items = node.items.map((item) => this.build(item));
      return { kind: 'list', items: items.filter((item) => item !== undefined), at };
    }
    if (!isMap(node)) return { kind: 'scalar', value: scalarValue(isScalar(node) ? node.value : null), at };
    const entries = new Map<string, Entry>();
    for (const pair of node.items) {
      const key = this.at(pair.key);
      const name = isScalar(pair.key) ? String(pair.key.value ?? '') : '';
      const built = pair.value === null ? ({ kind: 'scalar', value: null, at: key } as const) : this.build(pair.value);
      const earlier = entries.get(name);
      if (earlier !== undefined) {
        this.report({
          code: 'duplicate-key',
          message: `the key ${name} is there twice`,
          at: key,
          fix: `remove one of the two; the other is on line ${earlier.key.line}`,
        });
      } else if (built !== undefined) entries.set(name, { key, value: built });
    }
    return { kind: 'map', entries, at };
  }

  private alias(node: Alias): Node | undefined {
    const target = this.anchors.get(node.source);
    if (target === undefined || target === 'open') {
      const message =
        target === 'open' ? `the alias *${node.source} contains itself` : `no anchor &${node.source} before this alias`;
      this.report({ code: 'syntax', message, at: this.at(node) });
      return undefined;
    }
    this.count += countNodes(target, LIMITS.nodes);
    return this.count > LIMITS.nodes ? this.tooLarge(node) : target;
  }

  private tooLarge(node: unknown): undefined {
    // Said once: after it every further node is over the limit as well.
    if (Number.isFinite(this.count)) {
      this.report({
        code: 'too-large',
        message: 'the manifest is too large with its aliases written out',
        at: this.at(node),
        expected: `${LIMITS.nodes} values at most`,
      });
    }
    this.count = Number.POSITIVE_INFINITY;
    return undefined;
  }

  private at(node: unknown): Position {
    const range = isScalar(node) || isMap(node) || isSeq(node) || isAlias(node) ? node.range : undefined;
    return this.place(range?.[0] ?? 0, range?.[1] ?? 1);
  }
}

function scalarValue(value: unknown): string | number | boolean | null {
  if (value === null || typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean')
    return value;
  return String(value);
}

/** What to do about an error of the YAML library, by its code. */
const FIXES: Readonly<Record<string, string>> = {
  TAB_AS_INDENT: 'indent with spaces',
  BAD_INDENT: 'give the keys of one map the same indentation',
  MULTIPLE_DOCS: 'keep one document in a file: remove what follows the line ---',
  TAG_RESOLVE_FAILED: 'remove the tag: a manifest holds text, numbers, true, false, lists and maps only',
  BAD_DQ_ESCAPE: 'write the text in single quotes',
};

const MESSAGES: Readonly<Record<string, string>> = {
  TAB_AS_INDENT: 'a tab indents this line',
  MULTIPLE_DOCS: 'the file holds more than one document',
};

function reportSyntax(error: YAMLError, text: string, place: Place, report: Report): void {
  const at = place(error.pos[0], Math.max(error.pos[1], error.pos[0] + 1));
  const message = MESSAGES[error.code] ?? lowerFirst(error.message.split('\n')[0]!.replace(/[.:]$/, ''));
  // A brace ends a plain text inside { } and [ ], so an unquoted ${...} there breaks in ways that no message explains.
  const unquoted = /[{[,].*[^"'$]\$\{/.test(text.split('\n')[at.line - 1] ?? '');
  const fix = unquoted ? `put quotes around \${...} inside { } and [ ]` : FIXES[error.code];
  report({ code: 'syntax', message, at, ...(fix === undefined ? {} : { fix }) });
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}

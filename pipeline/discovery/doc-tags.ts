import type { JSDoc, JSDocableNode, Node } from 'ts-morph';
import { nearestName } from '../manifest/nearest.js';
import { UNITS } from '../manifest/units.js';
import type { JsonSchema, Unit } from './json-schema.js';
import { Unreadable } from './literal.js';

/** Bounds and unit of a number, from its doc comment. */
export type NumberLimits = Pick<
  JsonSchema,
  'minimum' | 'maximum' | 'exclusiveMinimum' | 'exclusiveMaximum' | 'unit'
> & { readonly integer?: true };

/** What a doc comment says. */
export interface Docs {
  readonly text: string;
  readonly limits: NumberLimits;
}

const BOUNDS = ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum'] as const;
const TAGS = [...BOUNDS, 'unit', 'integer'];

/** Reads the doc comment of a declaration: its text, and the tags that bound a number. */
export function readDocs(node: Node & JSDocableNode): Docs {
  const comment = node.getJsDocs().at(-1) ?? braceLineDoc(node);
  if (comment === undefined) return { text: '', limits: {} };
  let limits: NumberLimits = {};
  for (const tag of comment.getTags()) {
    const name = tag.getTagName();
    const value = (tag.getCommentText() ?? '').trim();
    const bound = BOUNDS.find((known) => known === name);
    if (bound !== undefined) {
      if (value === '' || !Number.isFinite(Number(value)))
        throw new Unreadable(tag, `@${name} needs a number, it has ${value === '' ? 'none' : value}`);
      limits = { ...limits, [bound]: Number(value) };
    } else if (name === 'unit') {
      if (!isUnit(value)) throw new Unreadable(tag, `@unit ${value} is not known: bytes, duration or fraction`);
      limits = { ...limits, unit: value };
    } else if (name === 'integer') limits = { ...limits, integer: true };
    else if (name === 'default') throw new Unreadable(tag, '@default sets none: the default stands in `defaults`');
    else {
      // Other tags (@example, @see) are the writer's; one that is nearly a bound is a slip that would switch it off.
      const near = nearestName(name, TAGS);
      if (near !== undefined) throw new Unreadable(tag, `@${name} is not known; did you mean @${near}?`);
    }
  }
  return { text: oneLine(comment.getDescription()), limits };
}

/**
 * The doc comment of a first member on the line of its opening brace (`{ /** Left. *\/ x: number }`). To TypeScript it
 * belongs to the brace, and bounds in it would be lost silently; so it is read in a file where it stands on its own line.
 */
function braceLineDoc(node: Node): JSDoc | undefined {
  const file = node.getSourceFile();
  const between = file.getFullText().slice(node.getPos(), node.getStart());
  const comment = /\/\*\*(?!\/)[\s\S]*?\*\/(?=\s*$)/.exec(between)?.[0];
  if (comment === undefined) return undefined;
  const text = `interface Alone {\n  ${comment}\n  member: 1;\n}\n`;
  const alone = file.getProject().createSourceFile(`${file.getFilePath()}.doc.ts`, text, { overwrite: true });
  return alone.getInterfaceOrThrow('Alone').getPropertyOrThrow('member').getJsDocs().at(-1);
}

/** The schema of a number within limits; with a unit, a text is right as well. */
export function numberSchema({ integer, unit, ...bounds }: NumberLimits): JsonSchema {
  if (unit === undefined) return { type: integer === true ? 'integer' : 'number', ...bounds };
  const lower = bounds.exclusiveMinimum === undefined ? { minimum: 0 } : {};
  const upper = unit === 'fraction' && bounds.exclusiveMaximum === undefined ? { maximum: 1 } : {};
  return { type: ['number', 'string'], ...lower, ...upper, ...bounds, unit, pattern: UNITS[unit].pattern };
}

function isUnit(text: string): text is Unit {
  return Object.hasOwn(UNITS, text);
}

/** Joins the lines of a paragraph; an empty line stays a break. */
function oneLine(text: string): string {
  return text
    .trim()
    .split(/\n\s*\n/)
    .map((paragraph) => paragraph.replace(/\s*\n\s*/g, ' '))
    .join('\n\n');
}

import { stringify } from 'yaml';
import type { Catalog } from './catalog.js';
import { describeSchema, writtenDefault } from './describe-schema.js';
import type { CatalogEntry, Kind } from './entry.js';
import type { JsonSchema } from './json-schema.js';
import { variantsOf } from './variants.js';

const KINDS: readonly (readonly [kind: Kind, title: string])[] = [
  ['stage', 'Stages'],
  ['source', 'Sources'],
  ['operator', 'Operators'],
  ['sink', 'Sinks'],
];

const WIDTH = 100;

/** All operators and stages as text, by kind, each with the first sentence of its documentation. */
export function describeCatalog(catalog: Catalog): string {
  const width = Math.max(0, ...[...catalog.entries.keys()].map((name) => name.length));
  const tables = KINDS.map(([kind, title]) => {
    const rows = catalog
      .ofKind(kind)
      .map(({ name, docs }) => wrap(firstSentence(docs), `  ${name.padEnd(width)}  `, width + 4));
    return [title, ...rows].join('\n');
  });
  return `${tables.join('\n\n')}\n\nalignflow describe NAME shows the options of one.\n`;
}

/** One operator or stage as text: what it does, its options with ranges and defaults, what it reports, an example. */
export function describeEntry(entry: CatalogEntry): string {
  const { name, kind, docs, schema, drops, measures, takes } = entry;
  const options = optionLines(schema, 2);
  const blocks = [
    `${name} (${kind})`,
    ...docs.split('\n\n').map((paragraph) => wrap(paragraph, '', 0)),
    ['Options', ...(options.length === 0 ? ['  none'] : options)].join('\n'),
    ...(drops.length === 0 ? [] : [`Drops rows for: ${drops.join(', ')}`]),
    ...(measures.length === 0 ? [] : [`Measures: ${measures.join(', ')}`]),
    ...(takes === undefined ? [] : [describeParts(takes)]),
    `Example\n${indent(exampleOf(entry), 2)}`,
  ];
  return `${blocks.filter((block) => block !== '').join('\n\n')}\n`;
}

/** The first sentence of a documentation text, on one line. */
export function firstSentence(docs: string): string {
  const text = docs.split('\n\n')[0]!.replace(/\s+/g, ' ');
  return /^.*?[.:;](?=\s+[A-Z`]|\s*$)/.exec(text)?.[0].replace(/[:;]$/, '.') ?? text;
}

function optionLines(schema: JsonSchema, depth: number): string[] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, property]) => {
    const required = schema.required?.includes(name) === true;
    const fallback = required
      ? '; must be given'
      : property.default === undefined
        ? '; may be left out'
        : `; ${plainText(writtenDefault(property))} unless given`;
    const nested = property.type === 'object' && property.properties !== undefined;
    const pad = ' '.repeat(depth);
    return [
      wrap(`${describeSchema(property)}${nested ? '' : fallback}`, `${pad}${name}: `, depth + 4),
      ...(property.description === undefined ? [] : [wrap(property.description, `${pad}    `, depth + 4)]),
      ...optionLines(property, depth + 4),
      ...optionLines(property.items ?? {}, depth + 4),
      ...[...(variantsOf(property)?.members.values() ?? [])].flatMap((kind) => optionLines(kind, depth + 4)),
    ];
  });
}

function describeParts(takes: NonNullable<CatalogEntry['takes']>): string {
  const rows = takes.rows === 'required' ? ['rows (from an earlier stage, or a source), through steps'] : [];
  const references = (['init', 'checkpoint', 'tokenizer'] as const).flatMap((key) => {
    const need = takes[key];
    return need === undefined ? [] : [need === 'required' ? key : `${key} (optional)`];
  });
  const parts = [...rows, ...references, ...(takes.train === true ? ['train'] : []), ...(takes.sink ? ['sink'] : [])];
  const metrics = takes.metrics === undefined ? [] : [wrap(takes.metrics.join(', '), 'Gates may test: ', 2)];
  return [`Takes: ${parts.join(', ')}`, ...metrics].join('\n');
}

function exampleOf({ name, kind, schema, takes }: CatalogEntry): string {
  const given = Object.entries(schema.properties ?? {}).flatMap(([key, property]) => {
    const value = writtenDefault(property) ?? (schema.required?.includes(key) ? sampleOf(property) : undefined);
    return value === undefined ? [] : [[key, value] as const];
  });
  const use = { use: name, ...(given.length === 0 ? {} : { with: Object.fromEntries(given) }) };
  if (kind === 'operator') return stringify({ steps: [use] }, { lineWidth: WIDTH }).trimEnd();
  if (kind !== 'stage') return stringify({ [kind]: use }, { lineWidth: WIDTH }).trimEnd();
  const references = (['init', 'checkpoint', 'tokenizer'] as const)
    .filter((key) => takes?.[key] === 'required')
    .map((key) => [key, 'earlier-stage'] as const);
  const { use: stage, ...options } = use;
  const from = takes?.rows === 'required' ? { from: 'earlier-stage' } : {};
  const body = { use: stage, ...from, ...Object.fromEntries(references), ...options };
  return stringify({ stages: { [`my-${name}`]: body } }, { lineWidth: WIDTH }).trimEnd();
}

function plainText(value: unknown): string {
  return typeof value === 'string' && value !== '' ? value : JSON.stringify(value);
}

/** A value that a schema takes, for an option that must be given. */
function sampleOf(schema: JsonSchema): unknown {
  const { anyOf, enum: constants, type, items, minimum } = schema;
  if (anyOf !== undefined) return sampleOf(anyOf[0]!);
  if (constants !== undefined) return constants[0];
  if (type === 'string') return '...';
  if (type === 'boolean') return true;
  if (type === 'array') return [sampleOf(items ?? {})];
  if (type === 'object') {
    const required = schema.required ?? [];
    return Object.fromEntries(required.map((key) => [key, sampleOf(schema.properties?.[key] ?? {})]));
  }
  return minimum ?? 1;
}

/** A text in lines of limited width behind a prefix; further lines are indented. */
function wrap(text: string, prefix: string, margin: number): string {
  const lines: string[] = [];
  let line = prefix;
  for (const word of text.split(' ')) {
    if (line.length + word.length > WIDTH && line.trim() !== '' && line !== prefix) {
      lines.push(line.trimEnd());
      line = ' '.repeat(margin);
    }
    line += `${word} `;
  }
  return [...lines, line.trimEnd()].join('\n');
}

function indent(text: string, spaces: number): string {
  return text.replace(/^/gm, ' '.repeat(spaces));
}

import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { CatalogEntry } from '../../../pipeline/discovery/entry.js';
import { sourceFiles } from '../../../pipeline/discovery/folders.js';
import { scanFiles } from '../../../pipeline/discovery/scan.js';
import { makeFolder } from '../folder.js';

/** Scans the files of a folder; problems come as `file:line message`. */
function scan(files: Record<string, string>): { entries: CatalogEntry[]; problems: string[] } {
  const folder = makeFolder(files);
  const problems: string[] = [];
  const { entries } = scanFiles(
    sourceFiles(folder, () => {}),
    false,
    ({ at, message }) => problems.push(`${at.file.slice(folder.length + 1)}:${at.line} ${message}`),
  );
  return { entries: [...entries], problems };
}

/** The schema of an operator's options: an interface's fields and defaults as text. */
function schemaOf(fields: string, defaults = '{}', more = '') {
  const { entries, problems } = scan({ 'x.ts': operator(fields, defaults, more) });
  return { schema: entries[0]?.schema, problems };
}

function operator(fields: string, defaults = '{}', more = ''): string {
  return `import { defineOperator } from 'alignflow';
${more}
/** Does a thing. */
export interface Thing {
  ${fields}
}

export default defineOperator({
  name: 'my/thing',
  defaults: ${defaults},
  reads: (_config: Thing) => ({}),
  writes: (schema) => schema,
  run: () => (rows) => rows,
});
`;
}

describe('scanFiles', () => {
  it('reads name, kind, documentation, options, reasons and figures', () => {
    const { entries, problems } = scan({
      'length.ts': `import { defineFilter } from 'alignflow';
const REASONS = ['short', 'long'] as const;
/**
 * Keeps rows of some length.
 * Goes on here.
 *
 * A second paragraph.
 */
export interface Length {
  /** Text column. */ column: string;
  /** Fewest words. @minimum 0 @integer */ min: number;
}
export default defineFilter({
  name: 'my/length',
  defaults: { column: 'caption', min: 2 * 3 },
  reads: ({ column }: Length) => ({ [column]: new Utf8() }),
  drops: ['null', ...REASONS],
  measures: ['words'],
  judge: () => () => undefined,
});
`,
    });
    expect(problems).toEqual([]);
    expect(entries).toMatchObject([
      {
        name: 'my/length',
        kind: 'operator',
        line: 13,
        builtIn: false,
        docs: 'Keeps rows of some length. Goes on here.\n\nA second paragraph.',
        defaults: { column: 'caption', min: 6 },
        drops: ['null', 'short', 'long'],
        measures: ['words'],
        schema: {
          type: 'object',
          properties: {
            column: { type: 'string', description: 'Text column.', default: 'caption' },
            min: { type: 'integer', description: 'Fewest words.', minimum: 0, default: 6 },
          },
          additionalProperties: false,
        },
      },
    ]);
  });

  it.each([
    [
      'defineSource',
      "export default defineSource({ name: 'a/b', defaults: {}, schema: async (_config: O) => s });",
      'source',
    ],
    ['defineSink', "export default defineSink({ name: 'a/b', defaults: {}, open: async (_config: O) => w });", 'sink'],
    ['defineStage', "export default defineStage({ name: 'a/b', defaults: {}, plan: (_config: O) => ({}) });", 'stage'],
    [
      'defineOperator',
      "export default defineOperator({ name: 'a/b', defaults: {}, reads(_config: O) { return {}; } });",
      'operator',
    ],
    [
      'defineOperator',
      "export default defineOperator<O>({ name: 'a/b', defaults: {}, reads: () => ({}) });",
      'operator',
    ],
    [
      'defineOperator',
      "const it = defineOperator({ name: 'a/b', defaults: {}, reads });\nfunction reads(_config: O) {}\nexport default it;",
      'operator',
    ],
    [
      'defineOperator as make',
      "export default make({ name: 'a/b', defaults: {}, writes: (schema, _config: O) => schema });",
      'operator',
    ],
  ])('knows %s', (imported, text, kind) => {
    const { entries, problems } = scan({
      'x.ts': `import { ${imported} } from 'alignflow';\nexport interface O { /** One. */ one?: number }\n${text}\n`,
    });
    expect(problems).toEqual([]);
    expect(entries).toMatchObject([{ name: 'a/b', kind }]);
    expect(Object.keys(entries[0]!.schema.properties!)).toEqual(['one']);
  });

  it('reads no tests, declarations, hidden folders, packages and helpers', () => {
    const text = operator('');
    const { entries, problems } = scan({
      'a.ts': text,
      'a.test.ts': text,
      'a.d.ts': text,
      '.hidden/b.ts': text,
      'node_modules/p/c.ts': text,
      'helper.ts': 'export const x = 1;\n',
      'deep/er/d.ts': text,
    });
    expect(problems).toEqual([]);
    expect(entries.map(({ file }) => file.split('/').at(-1))).toEqual(['a.ts', 'd.ts']);
  });

  it.each([
    [
      'another default export',
      'export default { name: 3 };',
      'x.ts:1 the default export is not a call of defineOperator',
    ],
    [
      'a default function',
      'export default function f() {}',
      'x.ts:1 the default export is not a call of defineOperator',
    ],
    [
      'a name that is computed',
      operator('').replace("'my/thing'", 'makeName()'),
      'x.ts:9 makeName() cannot be read without running',
    ],
    [
      'options nowhere to be seen',
      operator('').replace(': Thing', '').replace('{},', '{ a: 1 },'),
      'x.ts:8 the type of the options',
    ],
    [
      'a default that is computed',
      operator('/** A. */\n  a: number;', '{ a: Math.random() }'),
      'x.ts:11 Math.random() cannot be read',
    ],
  ])('reports %s with file and line', (_name, text, problem) => {
    const { entries, problems } = scan({ 'x.ts': text });
    expect(entries).toEqual([]);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(problem);
  });

  it.each([
    ['a: number;', "{ a: 'x' }", 'the default of a is "x", and the option is a number'],
    ['/** @minimum 1 @integer */ a: number;', '{ a: 1.5 }', 'is 1.5, and the option is a whole number at least 1'],
    ['/** @unit bytes */ a: number;', "{ a: '64MB' }", 'the default of a is "64MB", and the option is'],
    ['a: boolean;', '{ a: 0 }', 'the default of a is 0, and the option is true or false'],
    ["a: 'p' | 'q';", "{ a: 'r' }", 'the default of a is "r", and the option is one of p, q'],
    ['a: string[];', '{ a: [1] }', 'the default of a is [1], and the option is a list, each a text'],
    ['a: { b: number };', '{ a: { b: 1, c: 2 } }', 'the default of a is {"b":1,"c":2}, and the option is a map of b'],
    ['a?: number;', '{ b: 1 }', 'there is no option b, which has a default'],
  ])('refuses the default of %s: %s', (field, defaults, message) => {
    const { schema, problems } = schemaOf(field, `{\n  ${defaults.slice(2, -2)}\n}`);
    expect(schema).toBeUndefined();
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(/^x\.ts:11 /);
    expect(problems[0]).toContain(message);
  });

  it('takes no limit for a default', () => {
    expect(schemaOf('/** @minimum 1 */ most: number;', '{ most: 1 / 0 }')).toMatchObject({ problems: [] });
  });

  it('goes on with the other files after a problem', () => {
    const { entries, problems } = scan({ 'a.ts': 'export default 3;\n', 'b.ts': operator('') });
    expect(entries.map(({ name }) => name)).toEqual(['my/thing']);
    expect(problems).toHaveLength(1);
  });
});

describe('options', () => {
  it.each([
    ['a: string', { type: 'string' }],
    ['a: boolean', { type: 'boolean' }],
    ['a: number', { type: 'number' }],
    ["a: 'x' | 'y'", { enum: ['x', 'y'] }],
    ["a: 'x'", { enum: ['x'] }],
    ['a: 1 | 2 | -3', { enum: [1, 2, -3] }],
    ['a: string[]', { type: 'array', items: { type: 'string' } }],
    ['a: readonly string[]', { type: 'array', items: { type: 'string' } }],
    ['a: ReadonlyArray<number>', { type: 'array', items: { type: 'number' } }],
    ["a: ('x' | 'y')[]", { type: 'array', items: { enum: ['x', 'y'] } }],
    ['a: Record<string, number>', { type: 'object', additionalProperties: { type: 'number' } }],
    ['a: Readonly<Record<string, string>>', { type: 'object', additionalProperties: { type: 'string' } }],
    ["a: number | 'auto'", { anyOf: [{ enum: ['auto'] }, { type: 'number' }] }],
    ['a: string | readonly string[]', { anyOf: [{ type: 'string' }, { type: 'array', items: { type: 'string' } }] }],
    ['a?: string | undefined', { type: 'string' }],
    ['a: Size', { enum: ['tiny', 'small'] }],
    ['a: Kind', { enum: ['one', 'two'] }],
    ['a: Named', { enum: ['p', 'q'] }],
    ['/** @unit bytes */ a: number', { type: ['number', 'string'], unit: 'bytes', minimum: 0 }],
    ['/** @unit fraction @exclusiveMinimum 0 */ a: number', { unit: 'fraction', exclusiveMinimum: 0, maximum: 1 }],
    ['/** @unit duration @minimum 5 */ a: number', { unit: 'duration', minimum: 5 }],
    ['/** @exclusiveMaximum 1e3 */ a: number[]', { type: 'array', items: { type: 'number', exclusiveMaximum: 1000 } }],
  ])('%s', (field, expected) => {
    const more = `export const SIZES = ['tiny', 'small'] as const;
export type Size = (typeof SIZES)[number];
const KINDS = { one: 1, two: 2 };
type Kind = keyof typeof KINDS;
type Named = 'p' | 'q';`;
    const { schema, problems } = schemaOf(`${field};`, '{}', more);
    expect(problems).toEqual([]);
    expect(schema!.properties!.a).toMatchObject(expected);
  });

  it('reads nested objects, interfaces, and what they extend, also from a file beside', () => {
    const { entries, problems } = scan({
      'x.ts': operator(
        '/** Crop. */\n  crop: Crop;\n  /** Where. */\n  at: { /** Left. */ x: number; y?: number };',
        '{ crop: { min: 0.5 }, steps: 3 }',
        "import type { Base } from './base.js';\nexport interface Crop { /** Least. @minimum 0 */ min: number; max: number }",
      ).replace('interface Thing {', 'interface Thing extends Base {'),
      'base.ts': 'export interface Base {\n  /** Steps. @minimum 1 */\n  steps: number;\n}\n',
    });
    expect(problems).toEqual([]);
    expect(entries[0]!.schema).toEqual({
      type: 'object',
      properties: {
        steps: { type: 'number', description: 'Steps.', minimum: 1, default: 3 },
        crop: {
          type: 'object',
          description: 'Crop.',
          properties: {
            min: { type: 'number', description: 'Least.', minimum: 0, default: 0.5 },
            max: { type: 'number' },
          },
          required: ['max'],
          additionalProperties: false,
          default: { min: 0.5 },
        },
        at: {
          type: 'object',
          description: 'Where.',
          properties: { x: { type: 'number', description: 'Left.' }, y: { type: 'number' } },
          required: ['x'],
          additionalProperties: false,
        },
      },
      required: ['at'],
      additionalProperties: false,
    });
  });

  it.each([
    ['a: Date;', 'no interface Date'],
    ['a: Map<string, number>;', 'options cannot have the generic type Map<string, number>'],
    ['a: () => void;', 'options cannot have the type () => void'],
    ['a: null;', 'options cannot have the type null'],
    ['a: unknown;', 'options cannot have the type unknown'],
    ['a: Record<Key, number>;', 'the keys of a Record must be string'],
    ['a;', 'the field a has no type'],
    ['a(): void;', 'options hold fields only'],
    ['a: Thing;', 'the type Thing contains itself'],
    ['/** @minimum many */ a: number;', '@minimum needs a number, it has many'],
    ['/** @minumum 1 */ a: number;', '@minumum is not known; did you mean @minimum?'],
    ['/** @unit parsecs */ a: number;', '@unit parsecs is not known'],
    ['/** @default "x" */ a: number;', '@default sets none: the default stands in `defaults`'],
    ['/** @minimum 1 */ a: string;', 'the field a has the bounds of a number and is none'],
  ])('refuses %s', (field, message) => {
    const { problems } = schemaOf(`\n\n${field}`);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(/^x\.ts:7 /);
    expect(problems[0]).toContain(message);
  });
});

it('scans files by their full path', () => {
  const folder = makeFolder({ 'x.ts': operator('') });
  expect(scanFiles([join(folder, 'x.ts')], true, () => {}).entries[0]).toMatchObject({
    file: join(folder, 'x.ts'),
    builtIn: true,
  });
});

import { existsSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import { builtInEntries, catalogText } from '../../../pipeline/discovery/built-in.js';
import { openCatalog } from '../../../pipeline/discovery/catalog.js';
import { packageRoot } from '../../../pipeline/discovery/package.js';
import { makeFolder } from '../folder.js';

/** Folders of operators, and what the names in them begin with. */
const PREFIXES: Readonly<Record<string, string>> = {
  columns: 'columns',
  sources: 'source',
  filters: 'filter',
  scores: 'score',
  dedup: 'dedup',
  images: 'image',
  text: 'text',
  tokenizers: 'tokenizer',
  order: 'order',
  sinks: 'sink',
};

const at = { file: 'test', line: 1, column: 1, length: 1, text: '' };

const sink = (name: string) => `import { defineSink } from 'alignflow';
export interface Nowhere {}
export default defineSink({ name: '${name}', defaults: {}, open: async (_config: Nowhere) => undefined as never });
`;

describe('the catalog of alignflow itself', async () => {
  const entries = await builtInEntries();

  it('has operators and stages, each once', () => {
    expect(new Set(entries.map(({ name }) => name)).size).toBe(entries.length);
    expect(entries.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['source/parquet', 'sink/parquet', 'filtering']),
    );
  });

  it.each(entries.map((entry) => [entry.name, entry] as const))(
    '%s has the name of its file, and documentation',
    (name, entry) => {
      const folder = relative(packageRoot, dirname(entry.file));
      const file = basename(entry.file, '.ts');
      expect(name).toBe(folder === 'stages' ? file : `${PREFIXES[basename(folder)]}/${file}`);
      expect(entry.docs).not.toBe('');
      for (const [option, { description }] of Object.entries(entry.schema.properties ?? {}))
        expect(description, option).toBeTruthy();
    },
  );

  it('counts pixels, rows and tokens in whole numbers', () => {
    const counts = ['size', 'rows', 'vocabulary', 'maxTokens', 'minFrequency', 'length', 'steps', 'batch'];
    for (const { name, schema } of entries)
      for (const [option, { type }] of Object.entries(schema.properties ?? {}))
        if (counts.includes(option)) expect(type, `${name}: ${option}`).toBe('integer');
  });

  it('is written the same each time, with compiled files inside dist', () => {
    const text = catalogText(entries);
    expect(catalogText(entries)).toBe(text);
    for (const { file } of JSON.parse(text) as { file: string }[]) {
      expect(file).toMatch(/^(operators|stages)\/.*\.js$/);
      expect(existsSync(join(packageRoot, file.replace(/\.js$/, '.ts')))).toBe(true);
    }
    expect(text).not.toContain(packageRoot);
  });
});

describe('openCatalog', () => {
  it('reports a name that two files have, with both', async () => {
    const folder = makeFolder({ 'a.ts': sink('my/sink'), 'b.ts': sink('my/sink'), 'c.ts': sink('sink/parquet') });
    const messages: string[] = [];
    const catalog = await openCatalog([{ value: folder, at }], ({ message }) => messages.push(message));
    expect(messages).toEqual([
      `two files define my/sink: ${join(folder, 'b.ts')} and ${join(folder, 'a.ts')}`,
      `two files define sink/parquet: ${join(folder, 'c.ts')} and alignflow itself`,
    ]);
    expect(catalog.entries.get('my/sink')?.file).toBe(join(folder, 'a.ts'));
  });

  it('finds the nearest name of a kind', async () => {
    const catalog = await openCatalog([], ({ message }) => expect.fail(message));
    expect(catalog.nearest('parqet', 'sink')).toBe('sink/parquet');
    expect(catalog.nearest('sink/parqet')).toBe('sink/parquet');
    expect(catalog.nearest('source/parqet', 'source')).toBe('source/parquet');
    expect(catalog.nearest('parquet', 'sink')).toBe('sink/parquet');
  });
});

import { join } from 'node:path';
import { Command } from 'commander';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { addDiffCommand } from '../../../pipeline/commands/diff.js';
import { addPlanCommand } from '../../../pipeline/commands/plan.js';
import { makeFolder } from '../folder.js';

const source = `
import { batchOf, defineSource, int32Column, utf8Column } from 'alignflow';
import { Field, Int32, Schema, Utf8 } from 'apache-arrow';

/** Captions of one to nine words. */
// biome-ignore lint/suspicious/noEmptyInterface: it has no options
export interface Words {}

export default defineSource({
  name: 'diff/words',
  defaults: {},
  schema: async (_: Words) => new Schema([new Field('caption', new Utf8(), true), new Field('n', new Int32(), true)]),
  units: async () => Array.from({ length: 20 }, (_, page) => ({ file: 'page-' + page, rows: 90 })),
  async *read({ file }) {
    const numbers = Array.from({ length: 90 }, (_, i) => 90 * Number(file.slice(5)) + i);
    yield batchOf({ caption: utf8Column(numbers.map((n) => 'cat '.repeat(1 + (n % 9)))), n: int32Column(numbers) });
  },
});
`;

const broken = `
import { defineOperator } from 'alignflow';
import { map } from 'rxjs';

export default defineOperator({
  name: 'diff/broken',
  defaults: {},
  reads: (_: object) => ({}),
  writes: (schema) => schema,
  run: () => map(() => { throw new Error('no more'); }),
});
`;

const manifest = `
name: diff
key: n
operators: [./operators]
stages:
  pairs:
    use: filtering
    source: { use: diff/words }
    steps:
      - { use: filter/caption-length, with: { min: 3, max: 8 } }
  more: { use: filtering, from: pairs }
`;

let out = '';
let errors = '';

/** Runs a command on the manifests of a folder. */
async function run(...args: readonly string[]): Promise<string> {
  const folder = makeFolder({
    'a.yaml': manifest,
    'b.yaml': manifest.replace('min: 3, max: 8', 'min: 2, max: 7'),
    'c.yaml': manifest.replace('filter/caption-length', 'filter/caption-lenght'),
    'd.yaml': manifest.replace('max: 8 } }', 'max: 8 } }\n      - { use: diff/broken }'),
    'operators/words.ts': source,
    'operators/broken.ts': broken,
  });
  out = '';
  errors = '';
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    out += text;
    return true;
  });
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    errors += text;
    return true;
  });
  const program = new Command().exitOverride();
  addDiffCommand(program);
  addPlanCommand(program);
  const inFolder = args.map((arg) => (/^[abcd]\.yaml$/.test(arg) ? join(folder, arg) : arg));
  await program.parseAsync(['node', 'alignflow', ...inFolder]);
  return out;
}

afterEach(() => {
  vi.restoreAllMocks();
  process.exitCode = 0;
});

describe('alignflow diff', () => {
  it('shows which rows of a sample change sides between two manifests, and why', async () => {
    const text = await run('diff', 'a.yaml', 'b.yaml', '--sample', '900', '--show', '2');
    const [head, , long, short] = text.split('\n');
    expect(head).toMatch(/^pairs: 912 rows came to both; the first keeps (5\d\d|6\d\d), the second (5\d\d|6\d\d)$/);
    expect([long, short].map((line) => line!.replace(/^ +\d+ +/, '').replace(/.*\) +/, '')).sort()).toEqual([
      'filter/caption-length short -> kept',
      'kept -> filter/caption-length long',
    ]);
    expect(text).toMatch(
      /\n {2}\d+ in page-\d+, row \d+ +filter\/caption-length\[0\] short, words 2, threshold 3 +kept\n/,
    );
    expect(text).toMatch(
      /\n {2}\d+ in page-\d+, row \d+ +kept +filter\/caption-length\[0\] long, words 8, threshold 7\n/,
    );
    // Only the rows that both keep come to the next stage of both.
    expect(text).toMatch(/\nmore: \d+ rows came to both, \d+ in the first alone, \d+ in the second alone/);
    expect(errors).toContain('sampling more of the second\n');
  });

  it('compares a manifest with itself changed by --set, as JSON with every row', async () => {
    const set = ['--set', 'stages.pairs.steps.0.with.max=4'];
    const json = await run('diff', 'a.yaml', 'a.yaml', ...set, '--sample', '1e9', '--stage', 'pairs', '--json');
    const [{ rows, kept, changes }] = JSON.parse(json);
    expect({ rows, kept }).toEqual({ rows: 1800, kept: [1200, 400] });
    expect(changes).toHaveLength(1);
    expect(changes[0].changed).toHaveLength(800);
    // All rows were looked at, so the share is known.
    expect(changes[0].share).toEqual({ value: 800 / 1800, low: 800 / 1800, high: 800 / 1800 });
    expect(changes[0].changed[0]).toMatchObject({
      place: { file: 'page-0', row: 4 },
      second: { reason: 'long', value: 5 },
    });
  });

  it('finds nothing in a manifest and itself', async () => {
    expect(await run('diff', 'a.yaml', 'a.yaml')).toContain(
      'pairs: 1,800 rows came to both; the first keeps 1,200, the second 1,200\n  no row changes sides\n',
    );
  });

  it('says what is wrong with a manifest, a stage, a number', async () => {
    expect(await run('diff', 'a.yaml', 'c.yaml')).toBe('');
    expect(process.exitCode).toBe(2);
    expect(errors).toContain('filter/caption-lenght');
    await expect(run('diff', 'a.yaml', 'b.yaml', '--stage', 'pears')).rejects.toThrow(
      'both manifests have no stage pears',
    );
    await expect(run('diff', 'a.yaml', 'b.yaml', '--sample', '0')).rejects.toThrow('a number of rows, 1 or more');
  });
});

describe('a stage that fails on the sample', () => {
  it('fails the command, which says why', async () => {
    expect(await run('plan', 'd.yaml', '--sample', '900')).toContain('no more');
    expect(process.exitCode).toBe(1);
    process.exitCode = 0;
    await run('diff', 'a.yaml', 'd.yaml');
    expect(errors).toContain('pairs of the second failed on the sample: ');
    expect(process.exitCode).toBe(1);
  });
});

describe('alignflow plan --sample', () => {
  it('prints predictions, as text and as JSON', async () => {
    expect(await run('plan', 'a.yaml', '--sample', '900')).toMatch(
      /^pairs: filtering, on 912 rows of 1,800, from 16 of 20 units\n/,
    );
    const [pairs, more] = JSON.parse(await run('plan', 'a.yaml', '--sample', '900', '--json'));
    expect(pairs.operators[1].keeps.value).toBeCloseTo(2 / 3, 1);
    expect(more.rows.low).toBeLessThanOrEqual(1200);
    expect(more.rows.high).toBeGreaterThanOrEqual(1200);
  });
});

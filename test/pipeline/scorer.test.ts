import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Float32, Int32, List, Utf8 } from 'apache-arrow';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { batchOf, int32Column, int32ListColumn, utf8Column } from '../../pipeline/batch/build.js';
import { readColumn } from '../../pipeline/batch/column.js';
import type { Operator } from '../../pipeline/operator.js';
import { scoresOf } from '../../pipeline/run/score-store.js';
import { defineScorer } from '../../pipeline/scorer.js';
import { memoryScores } from '../kit/context.js';
import { runOperator, valuesOf } from '../operators/run-operator.js';

interface Letters {
  readonly column: string;
  readonly into: string;
  readonly letter: string;
}

/** Scores how many of a text's letters are some letter; texts that were scored are remembered. */
function lettersScorer(version = '1', score?: (text: string) => number | undefined) {
  const seen: string[] = [];
  const operator = defineScorer({
    name: 'test/letters',
    version,
    defaults: { column: 'caption', into: 'letters', letter: 'a' },
    reads: ({ column }: Letters) => ({ [column]: new Utf8() }),
    scale: [0, 1],
    score: (batch, { column, letter }) =>
      [...readColumn(batch, column, Utf8)].map((text) => {
        seen.push(String(text));
        if (text === null || text === '') return undefined;
        return score === undefined
          ? text.split(letter).length / (text.length + 1) - 1 / (text.length + 1)
          : score(text);
      }),
  });
  return { operator, seen };
}

const captions = (...texts: (string | null)[]) =>
  batchOf({ caption: utf8Column(texts), n: int32Column(texts.map((_, i) => i)) });

describe('defineScorer', () => {
  it('adds a column that says who scored, and on which scale', () => {
    const { operator } = lettersScorer('3');
    const field = operator
      .writes(captions('a').schema, { column: 'caption', into: 'letters', letter: 'a' })
      .fields.at(-1)!;
    expect([field.name, field.type, field.nullable]).toEqual(['letters', new Float32(), true]);
    expect(Object.fromEntries(field.metadata)).toEqual({
      'alignflow.score.name': 'test/letters',
      'alignflow.score.version': '3',
      'alignflow.score.min': '0',
      'alignflow.score.max': '1',
    });
  });

  it('scores each content once, in a batch and after it, and gives rows without one a null', async () => {
    const { operator, seen } = lettersScorer();
    const scores = memoryScores();
    const { out, context } = await runOperator(operator, {}, [captions('aab', null, 'bbb', 'aab', '')], { scores });
    expect(seen).toEqual(['aab', 'null', 'bbb', '']);
    expect(valuesOf(out, 'letters')).toEqual([0.5, null, 0, 0.5, null]);
    expect(valuesOf(out, 'n')).toEqual([0, 1, 2, 3, 4]);
    expect(context.measured.map(({ value }) => value)).toEqual([0.5, 0, 0.5]);
    const more = await runOperator(operator, {}, [captions('bbb', null, 'c')], { scores });
    expect(seen.slice(4)).toEqual(['c']);
    expect(valuesOf(more.out, 'letters')).toEqual([0, null, 0]);
  });

  it('knows the scores of another run of the same version and options, whatever the column is called that it adds', async () => {
    const scores = memoryScores();
    const first = lettersScorer();
    await runOperator(first.operator, {}, [captions('aab', 'b')], { scores });
    const again = lettersScorer();
    const { out } = await runOperator(again.operator, { into: 'other' }, [captions('b', 'aab', 'c')], { scores });
    expect(again.seen).toEqual(['c']);
    expect(valuesOf(out, 'other')).toEqual([0, 0.5, 0]);
    for (const [scorer, config] of [
      [lettersScorer('2'), {}],
      [lettersScorer(), { letter: 'b' }],
    ] as const) {
      await runOperator(scorer.operator, config, [captions('aab')], { scores });
      expect(scorer.seen).toEqual(['aab']);
    }
  });

  it('tells contents of several columns apart, empty ones and nulls too', async () => {
    const seen: number[] = [];
    const operator = defineScorer({
      name: 'test/two',
      version: '1',
      defaults: { into: 'two' },
      reads: (_: { readonly into: string }) => ({ one: new Utf8(), other: new Utf8() }),
      scale: [0, 9],
      score: (batch) => Array.from({ length: batch.numRows }, () => seen.push(1) % 10),
    });
    const batch = batchOf({
      one: utf8Column(['ab', 'a', '', null, 'ab']),
      other: utf8Column(['c', 'bc', 'abc', 'abc', 'c']),
    });
    await runOperator(operator as Operator<object>, {}, [batch]);
    expect(seen).toHaveLength(4);
  });

  it('gives the same for any batches', async () => {
    const texts = Array.from({ length: 50 }, (_, i) => 'a'.repeat(i % 7) + 'b'.repeat(i % 5));
    const whole = await runOperator(lettersScorer().operator, {}, [captions(...texts)]);
    const parts = await runOperator(
      lettersScorer().operator,
      {},
      texts.map((text) => captions(text)),
    );
    expect(valuesOf(parts.out, 'letters')).toEqual(valuesOf(whole.out, 'letters'));
  });

  it('refuses scores off its scale, too few of them, and columns that are no content', async () => {
    await expect(runOperator(lettersScorer('1', () => 1.5).operator, {}, [captions('a')])).rejects.toThrow(
      'the scorer gave the score 1.5',
    );
    const few = defineScorer({
      name: 'test/few',
      version: '1',
      defaults: { into: 'few' },
      reads: (_: { readonly into: string }) => ({ caption: new Utf8() }),
      scale: [0, 1],
      score: () => [],
    });
    await expect(runOperator(few as Operator<object>, {}, [captions('a')])).rejects.toThrow(
      'the scorer gave 0 scores for 1 rows',
    );
    const lists = defineScorer({
      name: 'test/lists',
      version: '1',
      defaults: { into: 'few' },
      reads: (_: { readonly into: string }) => ({
        ids: new List(batchOf({ ids: int32ListColumn([[1]]) }).schema.fields[0]!.type.children[0]!),
      }),
      scale: [0, 1],
      score: () => [],
    });
    const { schema } = batchOf({ ids: int32ListColumn([[1]]) });
    expect(() => lists.writes(schema, { into: 'few' })).toThrow('scores cannot be made from the column ids');
    expect(String(new Int32())).toBe('Int32');
  });
});

describe('scores on disk', () => {
  const folder = mkdtempSync(join(tmpdir(), 'alignflow-scores-'));
  const before = process.env.ALIGNFLOW_CACHE;
  beforeAll(() => {
    process.env.ALIGNFLOW_CACHE = folder;
  });
  afterAll(() => {
    if (before === undefined) delete process.env.ALIGNFLOW_CACHE;
    else process.env.ALIGNFLOW_CACHE = before;
    rmSync(folder, { recursive: true, force: true });
  });

  it('are there again, nulls too, and each scorer has its own', async () => {
    const table = await scoresOf(undefined).table('one');
    const content = Buffer.from('0123456789abcdef');
    expect(table.get(content)).toBeUndefined();
    table.put(content, 0.25);
    table.put(Buffer.from('fedcba9876543210'), null);
    // At once, before they are written.
    expect([table.get(content), table.get(Buffer.from('fedcba9876543210'))]).toEqual([0.25, null]);
    await table.settled();
    const again = await scoresOf(undefined).table('one');
    expect([again.get(content), again.get(Buffer.from('fedcba9876543210'))]).toEqual([0.25, null]);
    expect((await scoresOf(undefined).table('other')).get(content)).toBeUndefined();
    expect((await scoresOf('a hash of its code').table('one')).get(content)).toBeUndefined();
  });

  it('are none where the folder cannot be used, and the rows are scored all the same', async () => {
    const file = join(folder, 'file');
    writeFileSync(file, 'no folder');
    process.env.ALIGNFLOW_CACHE = file;
    vi.resetModules();
    const { scoresOf: broken } = await import('../../pipeline/run/score-store.js');
    const { operator, seen } = lettersScorer();
    for (let time = 0; time < 2; time++) {
      const { out } = await runOperator(operator, {}, [captions('aab')], { scores: broken(undefined) });
      expect(valuesOf(out, 'letters')).toEqual([0.5]);
    }
    expect(seen).toEqual(['aab', 'aab']);
    process.env.ALIGNFLOW_CACHE = folder;
  });
});

/**
 * What must not compile, checked by the type check: a line after `@ts-expect-error` that compiles is an error itself.
 * Nothing here runs.
 */
import { Int32, type RecordBatch, Utf8 } from 'apache-arrow';
import { map } from 'rxjs';
import captionLength from '../../operators/filters/caption-length.js';
import { readColumn } from '../../pipeline/batch/column.js';
import { keepRows } from '../../pipeline/batch/select.js';
import { defineFilter } from '../../pipeline/filter.js';
import { defineOperator, type OperatorContext } from '../../pipeline/operator.js';
import { defineSource } from '../../pipeline/source.js';
import { describeConformance, type TestRunner } from '../kit/conformance.js';

interface Config {
  column: string;
  min: number;
  mode: 'fast' | 'exact';
  extra?: string;
}

declare const batch: RecordBatch;
declare const runner: TestRunner;

/** A definition that compiles, which the cases below change in one place each. */
const right = {
  name: 'filter/subject',
  defaults: { min: 1 },
  reads: ({ column }: Config) => ({ [column]: new Utf8() }),
  drops: ['short', 'null'],
} as const;

export const filter = defineFilter({
  ...right,
  measures: ['words'],
  judge: (rows, { column, min }, context) => {
    const texts = readColumn(rows, column, Utf8);
    return (row) => {
      const text = texts.get(row);
      if (text === null) return 'null';
      context.measure('words', text.length);
      return text.length < min ? 'short' : undefined;
    };
  },
});

export function columnsAreTyped(): void {
  const text: string | null = readColumn(batch, 'caption', Utf8).get(0);
  // @ts-expect-error a text column has no numbers
  const number: number | null = readColumn(batch, 'caption', Utf8).get(0);
  // @ts-expect-error a column of numbers has no text
  const wrong: string | null = readColumn(batch, 'n', Int32).get(0);
  // @ts-expect-error a type is a class, not its name
  readColumn(batch, 'caption', 'Utf8');
  // @ts-expect-error any value may be null
  readColumn(batch, 'caption', Utf8).get(0).length;
  console.log(text, number, wrong);
}

export const reasons = [
  // @ts-expect-error a judge names no reason that was not declared
  defineFilter({ ...right, judge: () => () => 'long' }),
  defineFilter({
    ...right,
    judge: (rows, _, context) => {
      context.drop(rows, 0, 'short');
      // @ts-expect-error nor does it drop with one
      context.drop(rows, 0, 'long');
      return () => undefined;
    },
  }),
  defineOperator({
    ...right,
    writes: (schema) => schema,
    // @ts-expect-error nor does an operator keep rows with one
    run: (_, context) => map((rows) => keepRows(rows, context, () => 'long')),
  }),
];

export function contextIsTyped(context: OperatorContext<'short', 'words'>): void {
  context.measure('words', 1);
  // @ts-expect-error a measure that was not declared
  context.measure('letters', 1);
  // @ts-expect-error a measure is a number
  context.measure('words', '1');
}

export const measures = defineFilter({
  ...right,
  judge: (_rows, _config, context) => {
    // @ts-expect-error without declared measures there is none
    context.measure('words', 1);
    return () => undefined;
  },
});

const run = () => map((rows: RecordBatch) => rows);
const writes = (schema: RecordBatch['schema']) => schema;

export const defaults = [
  defineOperator({ ...right, writes, run, defaults: { mode: 'exact' } }),
  // @ts-expect-error a default has the type of its option
  defineOperator({ ...right, writes, run, defaults: { min: '1' } }),
  // @ts-expect-error a default is one of the choices
  defineOperator({ ...right, writes, run, defaults: { mode: 'slow' } }),
  // @ts-expect-error a default is of an option that there is
  defineOperator({ ...right, writes, run, defaults: { most: 1 } }),
  defineSource({
    name: 's',
    // @ts-expect-error a source's default has the type of its option
    defaults: { min: '1' },
    schema: async (_: Config) => batch.schema,
    units: async () => [],
    read: async function* () {},
  }),
];

export const configs = [
  // @ts-expect-error an option that the config does not have
  defineOperator({ ...right, writes, run: ({ most }) => map((rows) => rows.slice(0, most)) }),
  // @ts-expect-error an option that may be left out may be undefined
  defineOperator({ ...right, writes, run: ({ extra }) => map((rows) => rows.select([extra.trim()])) }),
  // @ts-expect-error what is read are Arrow types
  defineOperator({ ...right, writes, run, reads: ({ column }: Config) => ({ [column]: 'Utf8' }) }),
  // @ts-expect-error what is written is a schema
  defineOperator({ ...right, writes: () => ['caption'], run }),
];

export function operatorsAreTyped(): void {
  describeConformance(captionLength, { config: { max: 5 }, batches: [] }, runner);
  // @ts-expect-error an option of another type
  describeConformance(captionLength, { config: { max: '5' }, batches: [] }, runner);
  // @ts-expect-error an option that it does not have
  describeConformance(captionLength, { config: { most: 5 }, batches: [] }, runner);
  // @ts-expect-error a word that is no choice
  describeConformance(captionLength, { config: { unit: 'bytes' }, batches: [] }, runner);
}

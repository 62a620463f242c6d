import type { RecordBatch } from 'apache-arrow';
import { from, lastValueFrom, toArray } from 'rxjs';
import type { Operator } from '../../pipeline/operator.js';
import { type TestContext, type TestContextOptions, testContext } from '../kit/context.js';

/** What an operator made of some batches. */
export interface Ran {
  readonly out: readonly RecordBatch[];
  readonly context: TestContext;
  /** Reasons of the dropped rows, in order. */
  readonly reasons: readonly string[];
}

/** Runs one operator over batches; options that are left out have their defaults. */
export async function runOperator<Config extends object>(
  operator: Operator<Config>,
  config: Partial<Config>,
  batches: readonly RecordBatch[],
  options?: TestContextOptions,
): Promise<Ran> {
  const context = testContext(operator, options);
  const run = operator.run({ ...operator.defaults, ...config } as Config, context);
  const out = await lastValueFrom(from(batches).pipe(run, toArray()));
  return { out, context, reasons: context.dropped.map(({ reason }) => reason) };
}

/** What an operator declares to emit; throws for options that cannot work. */
export function declare<Config extends object>(
  operator: Operator<Config>,
  config: Partial<Config>,
  batch: RecordBatch,
): readonly string[] {
  const schema = operator.writes(batch.schema, { ...operator.defaults, ...config } as Config);
  return schema.fields.map(({ name, type }) => `${name}: ${type}`);
}

/** The values of a column over all batches. */
export function valuesOf(batches: readonly RecordBatch[], column: string): unknown[] {
  return batches.flatMap((batch) => Array.from(batch.getChild(column) as Iterable<unknown>));
}

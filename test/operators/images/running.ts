import type { RecordBatch } from 'apache-arrow';
import { from, lastValueFrom, toArray } from 'rxjs';
import type { Operator } from '../../../pipeline/operator.js';
import { type TestContext, testContext } from '../../kit/context.js';

/** What an operator makes of batches, and what it said meanwhile. */
export async function runOperator<Config extends object>(
  operator: Operator<Config>,
  config: Partial<Config>,
  batches: readonly RecordBatch[],
  options: Parameters<typeof testContext>[1] = {},
): Promise<{ readonly out: readonly RecordBatch[]; readonly context: TestContext }> {
  const context = testContext(operator, options);
  const complete = { ...operator.defaults, ...config } as Config;
  const out = await lastValueFrom(from(batches).pipe(operator.run(complete, context), toArray()));
  return { out, context };
}

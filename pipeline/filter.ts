import type { RecordBatch, Schema } from 'apache-arrow';
import { map } from 'rxjs';
import { keepRows } from './batch/select.js';
import { defineOperator, type Operator, type OperatorContext, type Reads } from './operator.js';

/** How a filter is written: an operator that judges rows one by one and changes none. See `defineFilter`. */
export interface FilterDefinition<Config extends object, Drop extends string, Measure extends string> {
  readonly name: string;
  readonly defaults: Partial<NoInfer<Config>>;
  readonly reads: (config: Config) => Reads;
  /** Throws an `AlignflowError` for options that cannot work, alone or with the rows that come in. Runs before any row does. */
  readonly check?: (config: NoInfer<Config>, schema: Schema) => void;
  readonly drops: readonly Drop[];
  readonly measures?: readonly Measure[];
  /** Prepares one batch (columns are read here) and returns the judge: the reason to drop a row, or undefined to keep it. */
  readonly judge: (
    batch: RecordBatch,
    config: NoInfer<Config>,
    context: OperatorContext<NoInfer<Drop>, NoInfer<Measure>>,
  ) => (row: number) => NoInfer<Drop> | undefined;
}

/** Declares a filter: the short form of `defineOperator` for a pure judge of rows. */
export function defineFilter<Config extends object, const Drop extends string, const Measure extends string = never>(
  definition: FilterDefinition<Config, Drop, Measure>,
): Operator<Config> {
  const { judge, check, ...rest } = definition;
  const operator = defineOperator<Config, Drop, Measure>({
    ...rest,
    carries: 'nothing',
    writes: (schema, config) => {
      check?.(config, schema);
      return schema;
    },
    run: (config, context) => map((batch) => keepRows(batch, context, judge(batch, config, context))),
  });
  return { ...operator, passesSchema: true };
}

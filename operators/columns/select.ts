import { map } from 'rxjs';
import { selectColumns, selectFields } from '../../pipeline/batch/columns.js';
import { defineOperator } from '../../pipeline/operator.js';

/** Keeps some columns, in the order given, and leaves out the others: what is not needed later need not be stored or read. */
export interface Select {
  /** Columns kept. */
  columns: string[];
}

export default defineOperator({
  name: 'columns/select',
  defaults: {},
  reads: ({ columns }: Select) => Object.fromEntries(columns.map((column) => [column, 'any'])),
  writes: (schema, { columns }) => selectFields(schema, columns),
  carries: 'nothing',
  run: ({ columns }) => map((batch) => selectColumns(batch, columns)),
});

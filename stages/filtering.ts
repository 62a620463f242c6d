import { defineStage } from '../pipeline/stage.js';

/** Filters, changes and stores rows: a source or an earlier stage, through its steps, into a sink. It has no options. */

export default defineStage({
  name: 'filtering',
  defaults: {},
  takes: { rows: 'required', sink: true },
  passesRows: true,
  reads: (_config: object) => ({}),
  plan: (_config, { rows }) => ({ hands: rows === undefined ? {} : { rows: { schema: rows } } }),
  run: (_config, _inputs, context) => context.write(context.rows()),
});

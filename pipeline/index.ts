/** The public API: what an operator, a source, a sink or a stage is written with. */

export {
  batchOf,
  binaryColumn,
  boolColumn,
  fixedBinaryColumn,
  float32Column,
  float64Column,
  int32Column,
  int32ListColumn,
  int64Column,
  listColumn,
  structColumn,
  utf8Column,
} from './batch/build.js';
export { batchBytes } from './batch/bytes.js';
export { readColumn } from './batch/column.js';
export {
  selectColumns,
  selectFields,
  withColumn,
  withField,
  withoutColumns,
  withoutFields,
} from './batch/columns.js';
export { concatBatches, sliceBatch } from './batch/concat.js';
export { rebatch } from './batch/rebatch.js';
export { keepRows, takeRows } from './batch/select.js';
export { BYTES, FLAT, NUMBERS, readNumbers, readSpans, type Spans, TEXT } from './batch/spans.js';
export { AlignflowError, type Fault, type Where } from './errors.js';
export { defineFilter, type FilterDefinition } from './filter.js';
export type { MemoryBudget } from './graph/budget.js';
export { mapAsync } from './graph/map-async.js';
export type { Reservation } from './graph/reserve.js';
export { type UseOptions, use } from './graph/use.js';
export type { Problem } from './manifest/problem.js';
export { renderProblems } from './manifest/render.js';
export type { ManifestValue } from './manifest/yaml-of.js';
export type { Note, Progress, Result, Sample, StageEvent, StepMetrics } from './metrics.js';
export {
  defineOperator,
  type Operator,
  type OperatorContext,
  type OperatorDefinition,
  type Reads,
} from './operator.js';
export type { Plan } from './plan/plan.js';
export { type Planned, planManifest } from './plan/plan-manifest.js';
export type { DrawContext, DrawRow } from './run/dropped-examples.js';
export type { RunEvent } from './run/events.js';
export { createRandom, deriveSeed, permutation, type Random } from './run/random.js';
export { type RunOptions, run } from './run/run.js';
export { type Threads, threads } from './run/threads.js';
export { defineScorer, type Scored, type ScorerDefinition } from './scorer.js';
export { defineSink, type Shard, type Sink, type SinkContext, type SinkWriter } from './sink.js';
export { defineSource, type Source, type SourceContext, type Unit } from './source.js';
export {
  type Artefacts,
  defineStage,
  type Reference,
  type Stage,
  type StageContext,
  type StageFacts,
  type StageInputs,
} from './stage.js';

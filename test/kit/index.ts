/** For authors of operators: random batches, a context to run an operator in, marbles, and what every operator must do. */

export { batchDifference, schemaDifference, streamDifference } from '../../pipeline/batch/equal.js';
export { nullColumn, type RandomBatches, randomBatches, randomValue } from './batches.js';
export {
  type ConformanceCase,
  type ConformanceSpec,
  conformanceCases,
  describeConformance,
  type TestRunner,
} from './conformance.js';
export {
  memoryScores,
  originText,
  type TestContext,
  type TestContextOptions,
  type TestDrop,
  type TestMeasure,
  testContext,
} from './context.js';
export { marbles } from './marbles.js';

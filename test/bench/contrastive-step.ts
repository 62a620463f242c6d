/**
 * The contrastive stage on random rows in memory, in a process of its own. Prints one line of JSON like
 * `peers/contrastive_step.py`. Usage: node contrastive-step.js tiny|small fp32|bf16 KEPT STEPS [CHUNK [BATCH]]
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Field, FixedSizeBinary, Int32, List, makeData, type RecordBatch, Vector, vectorFromArray } from 'apache-arrow';
import { EMPTY, from, lastValueFrom, tap, toArray } from 'rxjs';
import { pixelsField } from '../../operators/images/pixels.js';
import { batchOf } from '../../pipeline/batch/build.js';
import { batchBytes } from '../../pipeline/batch/bytes.js';
import { withColumn } from '../../pipeline/batch/columns.js';
import { createBudget, type MemoryBudget } from '../../pipeline/graph/budget.js';
import { createRandom } from '../../pipeline/run/random.js';
import type { StageContext } from '../../pipeline/stage.js';
import { startBackend } from '../../stages/backend/start.js';
import contrastive, { type Contrastive } from '../../stages/contrastive.js';
import { writePrompts } from '../../stages/prompts.js';
import { type StepShape, stepShapes } from './step-shapes.js';

const shape = process.argv[2] as StepShape;
const precision = process.argv[3] as 'fp32' | 'bf16';
const kept = Number(process.argv[4]);
const steps = Number(process.argv[5]);
/** Rows that go through the model at once, by gradient caching; all for 0 and unless given. */
const chunk = Number(process.argv[6]) || undefined;
/** `warmup` steps come before the clock counts: the first one records the graph. */
const { batch, length: LENGTH, vocabulary: VOCABULARY, side: SIDE, patches: PATCHES, text, warmup } = stepShapes[shape];
const BATCH = Number(process.argv[7] ?? batch);
const folder = await mkdtemp(join(tmpdir(), 'alignflow-bench-'));
try {
  const { version } = await startBackend();
  const began = performance.now();
  const { speeds, firstAt, saidBytes } = await trainingSpeeds();
  const result = {
    samplesPerSecond: speeds.toSorted((a, b) => a - b)[speeds.length >> 1],
    firstSeconds: (firstAt - began) / 1000,
    peakBytes: process.resourceUsage().maxRSS * 1024,
    saidBytes,
    version: `TensorFlow ${version}`,
  };
  process.stdout.write(`${JSON.stringify(result)}\n`);
} finally {
  await rm(folder, { recursive: true, force: true });
}

/** Samples/s of each step after the warm-up, when the first step was done, and the memory that training said it would take. */
async function trainingSpeeds(): Promise<{ speeds: number[]; firstAt: number; saidBytes: number | undefined }> {
  const config = {
    ...contrastive.defaults,
    model: shape,
    text,
    precision,
    length: LENGTH,
    steps: warmup + steps,
    warmup: 0,
    masking: 1 - kept / PATCHES,
    unmasked: 0,
    checkpointEvery: warmup + steps,
    chunk,
  } as unknown as Contrastive;
  const rows = randomRows();
  const tokenizer = { vocabulary: VOCABULARY, trainedBy: 'rows' };
  await writePrompts(folder, { tokens: [1] });
  const inputs = { name: 'bench', seed: 7, from: { stage: 'rows', folder, artefacts: { tokenizer } } };
  const events = contrastive.run(config, inputs, stageContext(rows));
  let firstAt = 0;
  const all = await lastValueFrom(
    events.pipe(
      tap(({ kind }) => {
        if (kind === 'step') firstAt ||= performance.now();
      }),
      toArray(),
    ),
  );
  const speeds = all.flatMap((event) => (event.kind === 'step' ? [event.values.samples_per_second!] : []));
  const notes = all.flatMap((event) => (event.kind === 'note' ? [event.text] : []));
  return { speeds: speeds.slice(warmup), firstAt, saidBytes: memoryIn(notes.join(' ')) };
}

/** The bytes of `about 2.28 GB of memory`; nothing on a GPU, whose memory is not foretold. */
function memoryIn(text: string): number | undefined {
  const found = /about ([\d.]+) ([MG])B of memory/.exec(text);
  return found === null ? undefined : Number(found[1]) * (found[2] === 'G' ? 1e9 : 1e6);
}

function stageContext(batch: RecordBatch): StageContext {
  const budget = createBudget(2 * batchBytes(batch));
  return {
    folder,
    seed: 7,
    signal: new AbortController().signal,
    stopping: new AbortController().signal,
    budget,
    rows: () => from(forever(batch, budget)),
    through: () => () => EMPTY,
    write: () => EMPTY,
  };
}

async function* forever(batch: RecordBatch, budget: MemoryBudget): AsyncGenerator<RecordBatch> {
  for (;;) {
    await budget.room();
    yield batch;
  }
}

function randomRows(): RecordBatch {
  const random = createRandom(7);
  const ids = Array.from({ length: BATCH }, () =>
    Int32Array.from({ length: 4 + random.integer(LENGTH - 4) }, () => random.integer(VOCABULARY)),
  );
  const type = new FixedSizeBinary(3 * SIDE * SIDE);
  const pixels = Uint8Array.from({ length: BATCH * type.byteWidth }, () => random.integer(256));
  const tokens = vectorFromArray(ids, new List(new Field('item', new Int32(), true)));
  return withColumn(
    batchOf({ tokens }),
    pixelsField('pixels', SIDE, SIDE),
    new Vector([makeData({ type, length: BATCH, data: pixels })]),
  );
}

import { setImmediate as nextTurn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, it } from 'vitest';
import { encodeParquet } from '../../../operators/parquet/encode.js';
import { batchOf, binaryColumn } from '../../../pipeline/batch/build.js';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

it('keeps nothing of a row group that was written but what the end of the file needs', async () => {
  const batch = batchOf({ image: binaryColumn([new Uint8Array(1_000_000)]) });
  const encoder = encodeParquet(batch.schema, 'none');
  const written = new WeakRef(encoder.rowGroup(batch).buffer);
  await nextTurn();
  collectGarbage();
  expect(written.deref()).toBeUndefined();
  expect(encoder.end().length).toBeLessThan(2000);
});

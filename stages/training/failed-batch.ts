import { join } from 'node:path';
import { type RecordBatch, Table, tableToIPC } from 'apache-arrow';
import { writeWhole } from '../../pipeline/run/atomic-file.js';

/** File in a stage's folder with the batch whose loss or gradients were not finite: an Arrow IPC file. */
const batchFile = 'not-finite.arrow';

/** Keeps the rows of a batch for people to look at (`pyarrow.ipc.open_file` reads them); returns the file. */
export async function saveBatch(folder: string, batch: RecordBatch): Promise<string> {
  const path = join(folder, batchFile);
  await writeWhole(path, tableToIPC(new Table([batch]), 'file'));
  return path;
}

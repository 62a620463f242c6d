import { type RecordBatch, Schema } from 'apache-arrow';
import { pixelsField } from '../../../operators/images/pixels.js';
import {
  batchOf,
  binaryColumn,
  fixedBinaryColumn,
  float64Column,
  int32ListColumn,
  int64Column,
  utf8Column,
} from '../../../pipeline/batch/build.js';
import { batchFrom } from '../../../pipeline/batch/select.js';

/** The rows of test/reference/parquet/written.parquet; test/reference/parquet.py has the same. */
export function writtenRows(): RecordBatch {
  const rows = Array.from({ length: 20 }, (_, i) => i);
  const some = <T>(i: number, rest: number, value: T): T | null => (i % 4 === rest ? null : value);
  const batch = batchOf({
    caption: utf8Column(rows.map((i) => some(i, 1, `caption ${i} 犬`))),
    image: binaryColumn(rows.map((i) => some(i, 2, new Uint8Array(i).fill(i)))),
    pixels: fixedBinaryColumn(
      6,
      rows.map((i) => new Uint8Array(6).fill(i)),
    ),
    tokens: int32ListColumn(
      rows.map((i) =>
        some(
          i,
          3,
          Int32Array.from({ length: i }, (_, k) => k),
        ),
      ),
    ),
    score: float64Column(rows.map((i) => i / 7)),
    id: int64Column(rows.map((i) => 2n ** 60n + BigInt(i))),
  });
  const fields = batch.schema.fields.map((field) => (field.name === 'pixels' ? pixelsField('pixels', 1, 2) : field));
  return batchFrom(new Schema(fields, new Map([['made', 'by alignflow']])), batch.data.children, batch.numRows);
}

import { Data, Field, type RecordBatch, Utf8, Vector } from 'apache-arrow';
import { map } from 'rxjs';
import { bitmapBytes, setBits } from '../../pipeline/batch/bitmap.js';
import { utf8Column } from '../../pipeline/batch/build.js';
import { withColumn, withField } from '../../pipeline/batch/columns.js';
import { writeOffsets } from '../../pipeline/batch/offsets.js';
import { NUMBERS, readNumbers, readSpans, type Spans, TEXT } from '../../pipeline/batch/spans.js';
import { AlignflowError } from '../../pipeline/errors.js';
import { defineOperator } from '../../pipeline/operator.js';

/**
 * Writes a text into a column of each row, from a template: `a photo of a {caption}`. A row with a null among the columns of
 * the template gets a null.
 */
export interface Prompt {
  /** Column that the text goes to; one of the same name is replaced. */
  into: string;
  /** The text. `{name}` stands for the value of the text or number column `name`, `{{` and `}}` for braces. */
  template: string;
}

export default defineOperator({
  name: 'text/prompt',
  defaults: { into: 'caption' },
  reads: ({ template }: Prompt) =>
    Object.fromEntries(columnsOf(template).map((column) => [column, [...TEXT, ...NUMBERS]])),
  writes: (schema, { into }) => withField(schema, textField(into)),
  carries: 'nothing',
  run: ({ into, template }) => {
    const parts = parseTemplate(template);
    return map((batch) => withColumn(batch, textField(into), fillTemplate(batch, parts)));
  },
});

/** A piece of the template: bytes as they are, or the column whose value goes there. */
type Part = { readonly bytes: Uint8Array } | { readonly column: string };

function textField(name: string): Field<Utf8> {
  return new Field(name, new Utf8(), true);
}

function columnsOf(template: string): string[] {
  return parseTemplate(template).flatMap((part) => ('column' in part ? [part.column] : []));
}

/** The pieces of a template. A brace that neither opens nor closes a name is an error. */
function parseTemplate(template: string): Part[] {
  const encoder = new TextEncoder();
  const parts: Part[] = [];
  for (const [piece] of template.matchAll(/\{\{|\}\}|\{[^{}]+\}|[^{}]+|[{}]/g)) {
    if (piece === '{' || piece === '}') {
      throw new AlignflowError({
        what: `the template ${JSON.stringify(template)} has a "${piece}" that stands alone`,
        expected: '{column} for a value, {{ and }} for braces',
        options: ['template'],
      });
    }
    if (piece === '{{' || piece === '}}') parts.push({ bytes: encoder.encode(piece[0]) });
    else if (piece.startsWith('{')) parts.push({ column: piece.slice(1, -1).trim() });
    else parts.push({ bytes: encoder.encode(piece) });
  }
  return parts;
}

/** The filled template for each row, put together from bytes. */
function fillTemplate(batch: RecordBatch, parts: readonly Part[]): Vector<Utf8> {
  const rows = batch.numRows;
  const pieces = parts.map((part) => ('bytes' in part ? part.bytes : readText(batch, part.column)));
  const valid = Array.from({ length: rows }, (_, row) =>
    pieces.every((piece) => !('isNull' in piece && piece.isNull(row))),
  );
  const offsets = new Float64Array(rows + 1);
  for (let row = 0; row < rows; row++) {
    let length = 0;
    if (valid[row])
      for (const piece of pieces)
        length += 'isNull' in piece ? piece.offsets[row + 1]! - piece.offsets[row]! : piece.length;
    offsets[row + 1] = offsets[row]! + length;
  }
  const valueOffsets = writeOffsets(offsets, false);
  const values = new Uint8Array(offsets[rows]!);
  const bitmap = new Uint8Array(bitmapBytes(rows));
  let nulls = 0;
  for (let row = 0; row < rows; row++) {
    if (!valid[row]) {
      nulls++;
      continue;
    }
    setBits(bitmap, row, 1);
    let to = offsets[row]!;
    for (const piece of pieces) {
      const bytes = 'isNull' in piece ? piece.values.subarray(piece.offsets[row], piece.offsets[row + 1]) : piece;
      values.set(bytes, to);
      to += bytes.length;
    }
  }
  const validity = nulls === 0 ? new Uint8Array(0) : bitmap;
  return new Vector([new Data(new Utf8(), 0, rows, nulls, [valueOffsets as Int32Array, values, validity])]);
}

/** A text column as it is; numbers written out as in JavaScript. */
function readText(batch: RecordBatch, column: string): Spans {
  const type = batch.schema.fields.find(({ name }) => name === column)?.type;
  if (!NUMBERS.some((number) => number.typeId === type?.typeId)) return readSpans(batch, column);
  const { values, isNull } = readNumbers(batch, column);
  const texts = utf8Column(
    Array.from({ length: batch.numRows }, (_, row) => (isNull(row) ? null : String(values[row]))),
  );
  return readSpans(withColumn(batch, textField(column), texts), column);
}

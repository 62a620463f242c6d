import { DataType, type Schema } from 'apache-arrow';
import { sameType } from '../batch/column.js';
import { nearestName } from '../manifest/nearest.js';
import type { Position } from '../manifest/position.js';
import type { Report } from '../manifest/problem.js';
import { type MapNode, placeOfText } from '../manifest/tree.js';
import type { Reads } from '../operator.js';

/** What reads columns: a step, or a stage after its steps. */
export interface Reader {
  /** `filter/score`, `the stage contrastive`. */
  readonly name: string;
  readonly at: Position;
  /** Its options in the manifest: a column that one of them names is reported there. */
  readonly options: MapNode | undefined;
}

/** Checks that a schema has the columns that are read, of the right types. True if it has. */
export function checkColumns(reads: Reads, schema: Schema, reader: Reader, report: Report): boolean {
  let right = true;
  for (const [column, wanted] of Object.entries(reads)) {
    const field = schema.fields.find(({ name }) => name === column);
    if (field !== undefined && acceptsRead(wanted, field.type)) continue;
    right = false;
    const at = placeOfText(reader.options, column) ?? reader.at;
    const expected = wanted === 'any' ? 'a column' : typesOf(wanted).map(typeName).join(' or ');
    if (field !== undefined) {
      const message = `${reader.name} reads the column ${column}, which is ${typeName(field.type)}`;
      report({ code: 'column', message, at, expected });
      continue;
    }
    const names = schema.fields.map(({ name }) => name);
    const nearest = nearestName(column, names);
    report({
      code: 'column',
      message: `${reader.name} reads the column ${column}, which is not there`,
      at,
      expected:
        names.length === 0 ? `${expected}; there are no columns` : `${expected}; the columns are ${names.join(', ')}`,
      ...(nearest === undefined ? {} : { nearest }),
    });
  }
  return right;
}

/** True if a column of a type is one that is read. */
export function acceptsRead(wanted: Reads[string], given: DataType): boolean {
  return wanted === 'any' || typesOf(wanted).some((type) => acceptsType(type, given));
}

/** The types that a column which is read may have; none where any will do. */
export function typesOf(wanted: Reads[string]): readonly DataType[] {
  if (wanted === 'any') return [];
  return Array.isArray(wanted) ? wanted : [wanted as DataType];
}

/** True if a column of type `given` may be read as `wanted`. A `FixedSizeBinary(0)` that is wanted stands for any width. */
export function acceptsType(wanted: DataType, given: DataType): boolean {
  if (DataType.isFixedSizeBinary(wanted) && wanted.byteWidth <= 0) return DataType.isFixedSizeBinary(given);
  return sameType(wanted, given);
}

/** An Arrow type as messages and plans write it: `Utf8`, `List<Int32>`, `FixedSizeBinary`. */
export function typeName(type: DataType): string {
  return DataType.isFixedSizeBinary(type) && type.byteWidth <= 0 ? 'FixedSizeBinary' : String(type);
}

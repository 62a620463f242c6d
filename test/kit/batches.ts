import { type DataType, type RecordBatch, type Schema, Type, type Vector, vectorFromArray } from 'apache-arrow';
import { withOrigin } from '../../pipeline/batch/origin.js';
import { batchFrom } from '../../pipeline/batch/select.js';
import { AlignflowError } from '../../pipeline/errors.js';
import { createRandom, type Random } from '../../pipeline/run/random.js';

/** How random batches are made. */
export interface RandomBatches {
  /** The same seed gives the same batches. 7 unless given. */
  readonly seed?: number;
  /** Rows of each batch. */
  readonly sizes: readonly number[];
  /** Share of nulls in columns that may be null, 0 to 1. 0.1 unless given. */
  readonly nulls?: number;
}

/** Batches of random values for a schema, with origins, as a source would give them. */
export function randomBatches(schema: Schema, { seed = 7, sizes, nulls = 0.1 }: RandomBatches): RecordBatch[] {
  const random = createRandom(seed);
  let row = 0;
  return sizes.map((size) => {
    const columns = schema.fields.map((field) => {
      const values = Array.from({ length: size }, () =>
        field.nullable && random.next() < nulls ? null : randomValue(field.type, random),
      );
      return columnOf(values, field.type).data[0]!;
    });
    const batch = withOrigin(batchFrom(schema, columns, size), { epoch: 0, unit: 0, row });
    row += size;
    return batch;
  });
}

/** A column of nulls of a type. */
export function nullColumn(type: DataType, length: number): Vector {
  return columnOf(new Array<null>(length).fill(null), type);
}

/** Words of many scripts, with the white space and the lengths that text has in the wild. */
const WORDS = [
  'a',
  'cat',
  'rocket',
  'été',
  '犬',
  '猫と犬',
  'سيارة',
  'हाथी',
  'собака',
  '🚀',
  '👩‍🚀',
  'naïve',
  '\u3000',
  'Straße',
];

/** One random value that a column of the type may hold. Text is 0 to 8 words, lists have 0 to 5 elements. */
export function randomValue(type: DataType, random: Random): unknown {
  const count = (most: number) => random.integer(most + 1);
  switch (type.typeId) {
    case Type.Null:
      return null;
    case Type.Bool:
      return random.next() < 0.5;
    case Type.Int: {
      const { bitWidth, isSigned } = type as DataType & { bitWidth: number; isSigned: boolean };
      if (bitWidth === 64) return BigInt(random.integer(2 ** 40));
      return random.integer(2 ** (isSigned ? bitWidth - 1 : bitWidth));
    }
    case Type.Float:
      return random.between(-1, 1);
    case Type.Utf8:
    case Type.LargeUtf8:
      return Array.from({ length: count(8) }, () => WORDS[random.integer(WORDS.length)]).join(' ');
    case Type.Binary:
    case Type.LargeBinary:
      return Uint8Array.from({ length: count(40) }, () => random.integer(256));
    case Type.FixedSizeBinary: {
      const { byteWidth } = type as DataType & { byteWidth: number };
      return Uint8Array.from({ length: byteWidth }, () => random.integer(256));
    }
    case Type.List:
    case Type.LargeList:
      return Array.from({ length: count(5) }, () => randomValue(type.children[0]!.type, random));
    case Type.FixedSizeList: {
      const { listSize } = type as DataType & { listSize: number };
      return Array.from({ length: listSize }, () => randomValue(type.children[0]!.type, random));
    }
    case Type.Struct:
      return Object.fromEntries(type.children.map((child) => [child.name, randomValue(child.type, random)]));
    default:
      throw new AlignflowError({
        what: `there are no random values of the type ${type}`,
        fix: 'build the batches of this test by hand',
      });
  }
}

function columnOf(values: readonly unknown[], type: DataType): Vector {
  return vectorFromArray(values, type);
}

import {
  Binary,
  Bool,
  type DataType,
  DateMillisecond,
  Decimal,
  Dictionary,
  Field,
  FixedSizeBinary,
  FixedSizeList,
  Float32,
  Float64,
  Int8,
  Int16,
  Int32,
  Int64,
  LargeBinary,
  LargeUtf8,
  List,
  Map_,
  MapRow,
  Null,
  Struct,
  StructRow,
  TimestampMicrosecond,
  Uint64,
  Utf8,
  Vector,
} from 'apache-arrow';
import fc from 'fast-check';

/** A type with an arbitrary of its plain values: what the property tests build columns from, row by row. */
export interface TypedValues {
  readonly type: DataType;
  readonly value: fc.Arbitrary<unknown>;
}

const bytes = (size: fc.SizeForArbitrary, min = 0, max = 70) => fc.uint8Array({ minLength: min, maxLength: max, size });

const leaves: readonly TypedValues[] = [
  { type: new Null(), value: fc.constant(null) },
  { type: new Bool(), value: fc.boolean() },
  { type: new Int8(), value: fc.integer({ min: -128, max: 127 }) },
  { type: new Int16(), value: fc.integer({ min: -32768, max: 32767 }) },
  { type: new Int32(), value: fc.integer() },
  { type: new Int64(), value: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }) },
  { type: new Uint64(), value: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }) },
  { type: new Float32(), value: fc.float() },
  { type: new Float64(), value: fc.double() },
  { type: new DateMillisecond(), value: fc.date({ noInvalidDate: true }).map((date) => date.getTime()) },
  { type: new TimestampMicrosecond(), value: fc.integer({ min: 0, max: 2 ** 40 }) },
  {
    type: new Decimal(2, 20),
    value: fc.uint32Array({ minLength: 4, maxLength: 4 }),
  },
  { type: new Utf8(), value: fc.string({ unit: 'grapheme', maxLength: 30 }) },
  { type: new LargeUtf8(), value: fc.string({ unit: 'grapheme', maxLength: 30 }) },
  { type: new Binary(), value: bytes('max') },
  { type: new LargeBinary(), value: bytes('max') },
  { type: new FixedSizeBinary(5), value: bytes('max', 5, 5) },
];

/** A type, nested at most `depth` deep. */
export function typedValues(depth = 2): fc.Arbitrary<TypedValues> {
  const leaf = fc.constantFrom(...leaves);
  if (depth === 0) return leaf;
  const inner = typedValues(depth - 1);
  const nested = fc.oneof(
    inner.map(({ type, value }) => ({
      type: new List(new Field('item', type, true)),
      value: fc.array(fc.option(value), { maxLength: 4 }),
    })),
    inner.map(({ type, value }) => ({
      type: new FixedSizeList(3, new Field('item', type, true)),
      value: fc.array(fc.option(value), { minLength: 3, maxLength: 3 }),
    })),
    fc.tuple(inner, inner).map(([a, b]) => ({
      type: new Struct([new Field('a', a.type, true), new Field('b', b.type, true)]),
      value: fc.record({ a: fc.option(a.value), b: fc.option(b.value) }),
    })),
    inner.map(({ type, value }) => ({
      type: mapOf(type),
      value: fc
        .uniqueArray(fc.string({ maxLength: 5 }), { maxLength: 3 })
        .chain((keys) => fc.tuple(...keys.map((key) => fc.tuple(fc.constant(key), value))))
        .map((entries) => new Map(entries)),
    })),
    fc.constant({
      type: new Dictionary(new Utf8(), new Int32()),
      value: fc.constantFrom('red', 'green', 'blue'),
    }),
  );
  return fc.oneof({ weight: 3, arbitrary: leaf }, { weight: 2, arbitrary: nested });
}

function mapOf(value: DataType): Map_ {
  const fields: Field[] = [new Field('key', new Utf8(), false), new Field('value', value, true)];
  return new Map_(new Field('entries', new Struct<{ key: DataType; value: DataType }>(fields as never), false));
}

/** A value read from a column as plain data that `toEqual` compares by content. */
export function plain(value: unknown): unknown {
  if (value instanceof Vector) return Array.from(value, plain);
  if (value instanceof StructRow)
    return Object.fromEntries(Object.entries(value.toJSON()).map(([k, v]) => [k, plain(v)]));
  if (value instanceof MapRow)
    return Array.from(value as Iterable<[unknown, unknown]>, ([k, v]) => [plain(k), plain(v)]);
  if (ArrayBuffer.isView(value)) return Array.from(value as Uint8Array);
  return value;
}

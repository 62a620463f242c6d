/** The part of JSON Schema (draft 2020-12) that an options interface is turned into, and the one extra keyword `unit`. */
export interface JsonSchema {
  readonly $schema?: string;
  readonly type?: 'string' | 'number' | 'integer' | 'boolean' | 'array' | 'object' | readonly ('number' | 'string')[];
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly (string | number | boolean)[];
  readonly anyOf?: readonly JsonSchema[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly exclusiveMaximum?: number;
  /** What a text may be instead of a number: `64MB` for bytes, `5m` for a duration, `90%` for a fraction. */
  readonly unit?: Unit;
  readonly pattern?: string;
  readonly items?: JsonSchema;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  /** False for an interface; the schema of the values for a `Record`. */
  readonly additionalProperties?: JsonSchema | false;
}

/** What a number counts: bytes, milliseconds, or a share from 0 to 1. */
export type Unit = 'bytes' | 'duration' | 'fraction';

/** True for a number within the bounds of a schema. */
export function isWithin(value: number, schema: JsonSchema): boolean {
  const { type, minimum, maximum, exclusiveMinimum, exclusiveMaximum } = schema;
  return (
    Number.isFinite(value) &&
    (minimum === undefined || value >= minimum) &&
    (maximum === undefined || value <= maximum) &&
    (exclusiveMinimum === undefined || value > exclusiveMinimum) &&
    (exclusiveMaximum === undefined || value < exclusiveMaximum) &&
    (type !== 'integer' || Number.isInteger(value))
  );
}

import { describe, expect, it } from 'vitest';
import type { JsonSchema } from '../../../pipeline/discovery/json-schema.js';
import { parseTree, placesIn } from '../../../pipeline/manifest/parse.js';
import type { Problem } from '../../../pipeline/manifest/problem.js';
import type { MapNode } from '../../../pipeline/manifest/tree.js';
import { checkOptions } from '../../../pipeline/plan/options.js';

const at = { file: 'm.yaml', line: 9, column: 9, length: 1, text: '' };

/** Checks options in YAML; the options, or the problems as `code line:column message (expected)`. */
function check(schema: JsonSchema, text: string, defaults: Record<string, unknown> = {}): unknown {
  const problems: Problem[] = [];
  const report = (problem: Problem) => void problems.push(problem);
  const node = parseTree(text, placesIn('m.yaml', text), report) as MapNode;
  const { options } = checkOptions({ name: 'op', at, node, schema, defaults }, report);
  if (problems.length === 0) return options;
  expect(options).toBeUndefined();
  return problems.map(
    ({ code, at: place, message, expected }) => `${code} ${place.line}:${place.column} ${message} (${expected})`,
  );
}

function object(properties: Record<string, JsonSchema>, required: string[] = []): JsonSchema {
  return { type: 'object', properties, required, additionalProperties: false };
}

/** Checks one option `a`. */
function one(schema: JsonSchema, text: string): unknown {
  const result = check(object({ a: schema }), `a: ${text}`);
  return Array.isArray(result) ? result : (result as { a: unknown }).a;
}

const bytes: JsonSchema = { type: ['number', 'string'], unit: 'bytes', minimum: 0 };

describe('checkOptions', () => {
  it('fills in defaults, field by field in nested objects and not in records', () => {
    const schema = object({
      a: { type: 'number' },
      crop: object({ min: { type: 'number' }, max: { type: 'number' } }),
      names: { type: 'object', additionalProperties: { type: 'number' } },
    });
    const defaults = { a: 1, crop: { min: 0.5, max: 1 }, names: { x: 1 } };
    expect(check(schema, '{}', defaults)).toEqual(defaults);
    expect(check(schema, 'crop: { min: 0.2 }\nnames: { y: 2 }', defaults)).toEqual({
      a: 1,
      crop: { min: 0.2, max: 1 },
      names: { y: 2 },
    });
  });

  it('checks maps of several kinds by the field that tells them apart', () => {
    const kind = (name: string, properties: Record<string, JsonSchema>) =>
      object({ name: { enum: [name] }, ...properties }, ['name']);
    const optimiser = {
      anyOf: [kind('adamw', { beta: { type: 'number' } }), kind('sgd', { momentum: { type: 'number', maximum: 1 } })],
    } satisfies JsonSchema;
    expect(one(optimiser, '{ name: sgd, momentum: 0.9 }')).toEqual({ name: 'sgd', momentum: 0.9 });
    expect(one(optimiser, '{ name: sgd, beta: 0.9, momentum: 2 }')).toEqual([
      'unknown-key 1:17 op has no option a.beta (one of name, momentum)',
      'range 1:38 op: option a.momentum is 2 (a number at most 1)',
    ]);
    expect(one(optimiser, '{ name: adam }')).toEqual(['value 1:12 op: option a.name is adam (one of adamw, sgd)']);
    expect(one(optimiser, '{ beta: 1 }')).toEqual(['missing 1:4 op needs the option a.name (one of adamw, sgd)']);
    expect(one(optimiser, 'sgd')).toEqual(['type 1:4 op: option a is text (a map, by its name: adamw, sgd)']);
  });

  it('expects all members of a union of plain values', () => {
    const rate: JsonSchema = { anyOf: [{ enum: ['frozen'] }, { type: 'number' }] };
    expect([one(rate, 'frozen'), one(rate, '0.1')]).toEqual(['frozen', 0.1]);
    expect(one(rate, 'frozn')).toEqual(['value 1:4 op: option a is frozn (frozen, or a number)']);
  });

  it.each<[JsonSchema, string, unknown]>([
    [{ type: 'string' }, 'text', 'text'],
    [{ type: 'boolean' }, 'true', true],
    [{ type: 'integer', minimum: 1 }, '3', 3],
    [{ enum: ['x', 2] }, '2', 2],
    [bytes, '64MB', 64e6],
    [bytes, '100', 100],
    [{ type: ['number', 'string'], unit: 'fraction', maximum: 1 }, '90%', 0.9],
    [{ type: ['number', 'string'], unit: 'duration' }, '5m', 300_000],
    [{ type: 'array', items: bytes }, '[1KB, 2]', [1000, 2]],
    [{ anyOf: [{ type: 'string' }, { type: 'array', items: { type: 'string' } }] }, '[x]', ['x']],
    [{ anyOf: [{ enum: ['auto'] }, bytes] }, '2KB', 2000],
    [{ type: 'object', additionalProperties: bytes }, '{ x: 1KB }', { x: 1000 }],
    [{ type: 'object', additionalProperties: { type: 'number' } }, '{ __proto__: 1 }', JSON.parse('{"__proto__": 1}')],
  ])('takes %j for %s', (schema, text, value) => {
    expect(one(schema, text)).toEqual(value);
  });

  it.each<[JsonSchema, string, string]>([
    [{ type: 'string' }, '3', 'type 1:4 op: option a is a number (a text)'],
    [{ type: 'string' }, '', 'type 1:4 op: option a is empty (a text)'],
    [{ type: 'boolean' }, 'yes', 'type 1:4 op: option a is text (true or false)'],
    [{ type: 'number', minimum: 1, maximum: 2 }, '3', 'range 1:4 op: option a is 3 (a number from 1 to 2)'],
    [{ type: 'number', exclusiveMinimum: 0 }, '0', 'range 1:4 op: option a is 0 (a number more than 0)'],
    [{ type: 'number', exclusiveMaximum: 1 }, '1', 'range 1:4 op: option a is 1 (a number less than 1)'],
    [{ type: 'number' }, '.nan', 'range 1:4 op: option a is NaN (a number)'],
    [{ type: 'number' }, '.inf', 'range 1:4 op: option a is Infinity (a number)'],
    [{ type: 'integer' }, '1.5', 'range 1:4 op: option a is 1.5 (a whole number)'],
    [{ enum: ['x', 'y'] }, 'z', 'value 1:4 op: option a is z (one of x, y)'],
    [bytes, '5m', 'unit 1:4 op: option a is 5m (bytes, like 64MB, 2GB or 1GiB; at least 0)'],
    [{ type: 'array', items: { type: 'string' } }, '[x, 3]', 'type 1:8 op: option a[1] is a number (a text)'],
    [{ type: 'array', items: { type: 'string' } }, 'x', 'type 1:4 op: option a is text (a list, each a text)'],
    [object({ b: { type: 'number' } }), '3', 'type 1:4 op: option a is a number (a map of b)'],
    [object({ b: { type: 'number' } }, ['b']), '{ c: 1 }', 'unknown-key 1:6 op has no option a.c (one of b)'],
    [object({ b: { type: 'number' } }, ['b']), '{}', 'missing 1:4 op needs the option a.b (a number)'],
    [
      { anyOf: [{ enum: ['auto'] }, { type: 'array', items: { type: 'number' } }] },
      '[x]',
      'type 1:5 op: option a[0] is text (a number)',
    ],
    [
      { anyOf: [{ type: 'number' }, { type: 'boolean' }] },
      'x',
      'type 1:4 op: option a is text (a number, or true or false)',
    ],
  ])('refuses %j for %s', (schema, text, problem) => {
    expect(one(schema, text)).toContain(problem);
  });

  it('reports everything at once, what is missing at the operator', () => {
    const schema = object({ min: { type: 'number' }, model: { type: 'string' } }, ['model']);
    expect(check(schema, 'mim: 1\nmin: x')).toEqual([
      'unknown-key 1:1 op has no option mim (one of min, model)',
      'type 2:6 op: option min is text (a number)',
      'missing 9:9 op needs the option model (a text)',
    ]);
    expect(check(object({}), 'a: 1')).toEqual(['unknown-key 1:1 op has no option a (no options)']);
    expect(check(object({ a: { type: 'string' } }), 'toString: x\nconstructor: y')).toHaveLength(2);
  });
});

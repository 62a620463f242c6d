import { describeSchema, isObject } from '../discovery/describe-schema.js';
import { isWithin, type JsonSchema } from '../discovery/json-schema.js';
import { type Variants, variantsOf } from '../discovery/variants.js';
import { nearestName } from '../manifest/nearest.js';
import type { Position } from '../manifest/position.js';
import type { Problem, Report } from '../manifest/problem.js';
import { kindOf, type MapNode, type Node } from '../manifest/tree.js';
import { parseUnit } from '../manifest/units.js';
import { Doubt, Guesses } from './doubt.js';
import type { Options } from './plan.js';
import type { Guess } from './whatever-meant.js';

/** The options that are checked, and what messages call them. */
export interface OptionsRequest {
  /** `filter/score`, `contrastive`. */
  readonly name: string;
  /** The place of the `use`: options that are missing are reported there. */
  readonly at: Position;
  readonly node: MapNode | undefined;
  readonly schema: JsonSchema;
  readonly defaults: Options;
}

/** Options as an operator gets them, or what they may have been meant to be. */
export interface CheckedOptions {
  /** Undefined after a problem. */
  readonly options: Options | undefined;
  /** After a problem: the options with what each that is wrong or missing may have been meant to be. */
  readonly guesses: readonly Guess[];
}

/**
 * Checks options against a schema, turns texts with units into numbers, and fills in defaults (field by field in nested objects).
 * All problems are reported.
 */
export function checkOptions({ name, at, node, schema, defaults }: OptionsRequest, report: Report): CheckedOptions {
  let right = true;
  const check = (choice: number, say: Report) => {
    const guesses = new Guesses(choice);
    // Of their own, as a user's function may change them.
    const options = new Checker(name, guesses, say).object(node, schema, structuredClone(defaults), '', at);
    return { options, looks: guesses.looks, count: guesses.count };
  };
  const first = check(0, (problem) => {
    right = false;
    report(problem);
  });
  if (right) return { options: first.options, guesses: [] };
  const others = Array.from({ length: first.count - 1 }, (_, i) => check(i + 1, () => {}));
  return { options: undefined, guesses: [first, ...others] };
}

class Checker {
  private readonly subject: string;
  private readonly guesses: Guesses;
  private readonly report: Report;

  constructor(subject: string, guesses: Guesses, report: Report) {
    this.subject = subject;
    this.guesses = guesses;
    this.report = report;
  }

  /** The value of an object: what the node gives, over the defaults. `at` is where missing fields are reported. */
  object(node: MapNode | undefined, schema: JsonSchema, defaults: Options, path: string, at: Position): Options {
    const { properties = {}, required = [], additionalProperties: values } = schema;
    const result = new Map(Object.entries(defaults));
    const absent = Object.keys(properties).filter((key) => node?.entries.has(key) !== true);
    for (const [key, entry] of node?.entries ?? []) {
      const way = path === '' ? key : `${path}.${key}`;
      const property = Object.hasOwn(properties, key) ? properties[key] : values || undefined;
      if (property === undefined) {
        this.unknown(way, key, Object.keys(properties), entry.key);
        const near = absent.filter((name) => nearestName(key, [name]) !== undefined);
        // Where not one alone is near, it may be any that is not there.
        if (near.length === 1) result.set(near[0]!, this.guesses.of(properties[near[0]!]!, defaults[near[0]!]));
        else for (const name of absent) result.set(name, new Doubt(undefined));
      } else result.set(key, this.value(entry.value, property, defaults[key], way));
    }
    for (const key of required) {
      if (node?.entries.has(key)) continue;
      const way = path === '' ? key : `${path}.${key}`;
      this.problem('missing', `needs the option ${way}`, at, describeSchema(properties[key] ?? {}));
      if (!result.has(key)) result.set(key, this.guesses.of(properties[key] ?? {}, undefined));
    }
    return this.guesses.fill({}, result);
  }

  /** The value of a node, or a `Doubt` for a wrong one. */
  private value(node: Node, schema: JsonSchema, fallback: unknown, path: string): unknown {
    return this.given(node, schema, fallback, path) ?? this.guesses.of(schema, fallback);
  }

  /** Undefined after a problem. */
  private given(node: Node, schema: JsonSchema, fallback: unknown, path: string): unknown {
    const variants = variantsOf(schema);
    if (variants !== undefined) return this.variant(node, schema, variants, fallback, path);
    if (schema.anyOf !== undefined) return this.anyOf(node, schema, schema.anyOf, fallback, path);
    if (schema.enum !== undefined) return this.constant(node, schema, schema.enum, path);
    if (isObject(schema)) {
      if (node.kind !== 'map') return this.wrongType(node, schema, path);
      const defaults = schema.properties !== undefined && isOptions(fallback) ? fallback : {};
      return this.object(node, schema, defaults, path, node.at);
    }
    if (schema.type === 'array') {
      if (node.kind !== 'list') return this.wrongType(node, schema, path);
      return this.guesses.fill(
        [],
        node.items.map((item, i) => [i, this.value(item, schema.items ?? {}, undefined, `${path}[${i}]`)]),
      );
    }
    if (schema.type === 'string' || schema.type === 'boolean') {
      if (node.kind === 'scalar' && typeof node.value === schema.type) return node.value;
      return this.wrongType(node, schema, path);
    }
    return this.number(node, schema, path);
  }

  /** The kind of map that the node says it is. */
  private variant(
    node: Node,
    schema: JsonSchema,
    { key, members }: Variants,
    fallback: unknown,
    path: string,
  ): unknown {
    if (node.kind !== 'map') return this.wrongType(node, schema, path);
    const way = `${path}.${key}`;
    const said = node.entries.get(key)?.value;
    const constants = { enum: [...members.keys()] };
    if (said === undefined)
      return this.problem('missing', `needs the option ${way}`, node.at, describeSchema(constants));
    const member = said.kind === 'scalar' && said.value !== null ? members.get(said.value) : undefined;
    return member === undefined
      ? this.constant(said, constants, constants.enum, way)
      : this.value(node, member, fallback, path);
  }

  /** A member that takes the node without a problem; else the problems of the one that has the node's kind. */
  private anyOf(
    node: Node,
    schema: JsonSchema,
    members: readonly JsonSchema[],
    fallback: unknown,
    path: string,
  ): unknown {
    const tried = members.map((member) => {
      const problems: Problem[] = [];
      const value = new Checker(this.subject, new Guesses(0), (problem) => problems.push(problem)).value(
        node,
        member,
        fallback,
        path,
      );
      return { value, problems };
    });
    const right = tried.find(({ problems }) => problems.length === 0);
    if (right !== undefined) return right.value;
    const close = tried.find(({ problems }) => problems.every(({ code, at }) => code !== 'type' || at !== node.at));
    if (close === undefined) return this.wrongType(node, schema, path);
    // What stands at the node itself is judged by all members, what stands within it by the one that it is meant for.
    for (const problem of close.problems)
      this.report(problem.at === node.at ? { ...problem, expected: describeSchema(schema) } : problem);
    return undefined;
  }

  private constant(node: Node, schema: JsonSchema, allowed: readonly unknown[], path: string): unknown {
    if (node.kind !== 'scalar') return this.wrongType(node, schema, path);
    if (allowed.includes(node.value)) return node.value;
    const names = allowed.filter((value) => typeof value === 'string');
    const nearest = typeof node.value === 'string' ? nearestName(node.value, names) : undefined;
    return this.problem('value', `option ${path} is ${node.value}`, node.at, describeSchema(schema), nearest);
  }

  private number(node: Node, schema: JsonSchema, path: string): unknown {
    if (node.kind !== 'scalar') return this.wrongType(node, schema, path);
    let { value } = node;
    if (typeof value === 'string' && schema.unit !== undefined) {
      const parsed = parseUnit(value, schema.unit);
      if (parsed === undefined)
        return this.problem('unit', `option ${path} is ${value}`, node.at, describeSchema(schema));
      value = parsed;
    }
    if (typeof value !== 'number') return this.wrongType(node, schema, path);
    return isWithin(value, schema)
      ? value
      : this.problem('range', `option ${path} is ${node.value}`, node.at, describeSchema(schema));
  }

  private wrongType(node: Node, schema: JsonSchema, path: string): undefined {
    this.problem('type', `option ${path} is ${kindOf(node)}`, node.at, describeSchema(schema));
  }

  private unknown(path: string, key: string, known: readonly string[], at: Position): void {
    const expected = known.length === 0 ? 'no options' : `one of ${known.join(', ')}`;
    this.problem('unknown-key', `has no option ${path}`, at, expected, nearestName(key, known));
  }

  private problem(code: Problem['code'], what: string, at: Position, expected: string, nearest?: string): undefined {
    const message = what.startsWith('option') ? `${this.subject}: ${what}` : `${this.subject} ${what}`;
    this.report({ code, message, at, expected, ...(nearest === undefined ? {} : { nearest }) });
  }
}

function isOptions(value: unknown): value is Options {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

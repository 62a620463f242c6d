import { describeSchema, isObject } from '../discovery/describe-schema.js';
import { isWithin, type JsonSchema } from '../discovery/json-schema.js';
import { type Variants, variantsOf } from '../discovery/variants.js';
import { nearestName } from '../manifest/nearest.js';
import type { Position } from '../manifest/position.js';
import type { Problem, Report } from '../manifest/problem.js';
import { kindOf, type MapNode, type Node } from '../manifest/tree.js';
import { parseUnit } from '../manifest/units.js';
import type { Options } from './plan.js';
import { substitute } from './substitute.js';

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
  /** After a problem: the options with several values for what is wrong or missing. None where anything may have been meant. */
  readonly guesses: readonly Options[];
}

/** How many guesses there are. */
const GUESSES = 4;

/**
 * Checks options against a schema, turns texts with units into numbers, and fills in defaults (field by field in nested objects).
 * All problems are reported.
 */
export function checkOptions({ name, at, node, schema, defaults }: OptionsRequest, report: Report): CheckedOptions {
  let right = true;
  const checker = new Checker(name, 0, (problem) => {
    right = false;
    report(problem);
  });
  const options = checker.object(node, schema, defaults, '', at);
  if (right) return { options, guesses: [] };
  if (!checker.guessable) return { options: undefined, guesses: [] };
  const more = Array.from({ length: GUESSES - 1 }, (_, i) =>
    new Checker(name, i + 1, () => {}).object(node, schema, defaults, '', at),
  );
  return { options: undefined, guesses: [options, ...more] };
}

class Checker {
  private readonly subject: string;
  /** Which substitute is taken for what is wrong. */
  private readonly choice: number;
  private readonly report: Report;
  /** False when there is a key that no option is near to: any may have been meant. */
  guessable = true;

  constructor(subject: string, choice: number, report: Report) {
    this.subject = subject;
    this.choice = choice;
    this.report = report;
  }

  /** The value of an object: what the node gives, over the defaults. `at` is where missing fields are reported. */
  object(node: MapNode | undefined, schema: JsonSchema, defaults: Options, path: string, at: Position): Options {
    const { properties = {}, required = [], additionalProperties: values } = schema;
    const result = new Map(Object.entries(defaults));
    for (const [key, entry] of node?.entries ?? []) {
      const way = path === '' ? key : `${path}.${key}`;
      const property = Object.hasOwn(properties, key) ? properties[key] : values || undefined;
      if (property === undefined) {
        const meant = this.unknown(way, key, Object.keys(properties), entry.key);
        if (meant === undefined || node?.entries.has(meant)) continue;
        result.set(meant, substitute(properties[meant]!, defaults[meant], this.choice));
      } else result.set(key, this.value(entry.value, property, defaults[key], way));
    }
    for (const key of required) {
      if (node?.entries.has(key)) continue;
      const way = path === '' ? key : `${path}.${key}`;
      this.problem('missing', `needs the option ${way}`, at, describeSchema(properties[key] ?? {}));
      if (!result.has(key)) result.set(key, substitute(properties[key] ?? {}, undefined, this.choice));
    }
    return Object.fromEntries(result);
  }

  /** The value of a node, or a substitute for a wrong one. */
  private value(node: Node, schema: JsonSchema, fallback: unknown, path: string): unknown {
    return this.given(node, schema, fallback, path) ?? substitute(schema, fallback, this.choice);
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
      return node.items.map((item, i) => this.value(item, schema.items ?? {}, undefined, `${path}[${i}]`));
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
      const value = new Checker(this.subject, this.choice, (problem) => problems.push(problem)).value(
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

  /** The option that may have been meant. */
  private unknown(path: string, key: string, known: readonly string[], at: Position): string | undefined {
    const expected = known.length === 0 ? 'no options' : `one of ${known.join(', ')}`;
    const nearest = nearestName(key, known);
    this.problem('unknown-key', `has no option ${path}`, at, expected, nearest);
    if (nearest === undefined && known.length > 0) this.guessable = false;
    return nearest;
  }

  private problem(code: Problem['code'], what: string, at: Position, expected: string, nearest?: string): undefined {
    const message = what.startsWith('option') ? `${this.subject}: ${what}` : `${this.subject} ${what}`;
    this.report({ code, message, at, expected, ...(nearest === undefined ? {} : { nearest }) });
  }
}

function isOptions(value: unknown): value is Options {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

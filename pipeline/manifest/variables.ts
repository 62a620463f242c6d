import { nearestName } from './nearest.js';
import { LIMITS, parseTree } from './parse.js';
import type { Position } from './position.js';
import type { Report } from './problem.js';
import { countNodes, kindOf, type MapNode, type Node, type ScalarNode } from './tree.js';

/** What a reference may look like, for messages. */
const VARIABLE_FORMS = `\${name}, \${name:-default} or \${env:NAME}`;

/** Most characters of a text once its variables are put in. */
const LONGEST_TEXT = 100_000;

/**
 * Puts the values of variables in, and takes the key `variables` out. `${name}` is a variable, `${name:-default}` one
 * that may be missing, `${env:NAME}` comes from the environment, `$${` is the text `${`. A text that is one variable and
 * nothing else becomes the variable's value, of any type; defaults and the environment are read as YAML there.
 */
export function resolveVariables(
  tree: MapNode,
  environment: Readonly<Record<string, string | undefined>>,
  report: Report,
): MapNode | undefined {
  const declared = tree.entries.get('variables')?.value;
  if (declared !== undefined && declared.kind !== 'map') {
    report({ code: 'type', message: `variables is ${kindOf(declared)}`, at: declared.at, expected: 'a map of names' });
  }
  const variables = declared?.kind === 'map' ? declared : undefined;
  const entries = new Map(tree.entries);
  entries.delete('variables');
  const resolver = new Resolver(variables, environment, report);
  for (const name of variables?.entries.keys() ?? []) resolver.variable(name, variables!.at);
  const resolved = resolver.node({ ...tree, entries });
  if (countNodes(resolved, LIMITS.nodes) <= LIMITS.nodes) return resolved as MapNode;
  report({
    code: 'too-large',
    message: 'the manifest is too large with its variables put in',
    at: tree.at,
    expected: `${LIMITS.nodes} values at most`,
  });
  return undefined;
}

class Resolver {
  private readonly variables: MapNode | undefined;
  private readonly environment: Readonly<Record<string, string | undefined>>;
  private readonly report: Report;
  private readonly known = new Map<string, Node | undefined>();
  private readonly open: string[] = [];

  constructor(
    variables: MapNode | undefined,
    environment: Readonly<Record<string, string | undefined>>,
    report: Report,
  ) {
    this.variables = variables;
    this.environment = environment;
    this.report = report;
  }

  node(node: Node): Node {
    if (node.kind === 'list') return { ...node, items: node.items.map((item) => this.node(item)) };
    if (node.kind === 'scalar') return typeof node.value === 'string' ? this.text(node, node.value) : node;
    const entries = [...node.entries].map(
      ([key, entry]) => [key, { ...entry, value: this.node(entry.value) }] as const,
    );
    return { ...node, entries: new Map(entries) };
  }

  /** The resolved value of a variable, or undefined after a problem was reported. */
  variable(name: string, at: Position): Node | undefined {
    const declared = this.variables?.entries.get(name);
    if (declared === undefined) return undefined;
    if (this.open.includes(name)) {
      const chain = [...this.open.slice(this.open.indexOf(name)), name].join(' -> ');
      this.report({ code: 'variable', message: `variables refer to each other: ${chain}`, at });
      return undefined;
    }
    if (!this.known.has(name)) {
      this.open.push(name);
      const value = this.node(declared.value);
      this.open.pop();
      const fits = countNodes(value, LIMITS.nodes) <= LIMITS.nodes;
      if (!fits) this.tooLarge(`the variable ${name} is too large with the others put in`, declared.key);
      this.known.set(name, fits ? value : undefined);
    }
    return this.known.get(name);
  }

  private text(scalar: ScalarNode, text: string): Node {
    if (!text.includes('${')) return scalar;
    const { at } = scalar;
    const whole = /^\$\{([^{}]*)\}$/.exec(text);
    if (whole !== null) return this.reference(whole[1]!, at) ?? scalar;
    let length = text.length;
    const put = text.replaceAll(/\$\$\{|\$\{([^{}]*)\}|\$\{/g, (match, inside: string | undefined) => {
      if (match === '$${') return '${';
      if (inside === undefined) {
        this.report({
          code: 'variable',
          message: 'this ${ is not the start of a variable',
          at,
          expected: VARIABLE_FORMS,
          fix: 'write $${ for the text ${',
        });
        return match;
      }
      const value = this.reference(inside, at);
      if (value === undefined) return match;
      if (value.kind === 'scalar') {
        const piece = String(value.value ?? '');
        length += piece.length;
        return length > LONGEST_TEXT ? '' : piece;
      }
      this.report({
        code: 'variable',
        message: `the variable ${inside} is ${kindOf(value)} and cannot stand inside a text`,
        at,
        fix: 'let the variable be the whole value',
      });
      return match;
    });
    if (length <= LONGEST_TEXT) return { kind: 'scalar', value: put, at };
    this.tooLarge('this text is too long with its variables put in', at);
    return scalar;
  }

  private tooLarge(message: string, at: Position): void {
    this.report({ code: 'too-large', message, at });
  }

  /** What stands between the braces: `name`, `name:-default`, `env:NAME`, `env:NAME:-default`. */
  private reference(inside: string, at: Position): Node | undefined {
    const [, environment, name = '', fallback] = /^(env:)?([A-Za-z_][\w.-]*?)(?::-(.*))?$/s.exec(inside) ?? [];
    if (name === '') {
      this.report({
        code: 'variable',
        message: `\${${inside}} is no variable`,
        at,
        expected: VARIABLE_FORMS,
      });
      return undefined;
    }
    const given = environment === undefined ? undefined : this.environment[name];
    if (environment === undefined && this.variables?.entries.has(name)) return this.variable(name, at);
    const text = given ?? fallback;
    if (text !== undefined) return parseTree(text, () => at, this.report);
    const nearest = environment === undefined ? nearestName(name, this.variables?.entries.keys() ?? []) : undefined;
    this.report({
      code: 'variable',
      message: environment === undefined ? `no variable ${name}` : `the environment has no ${name}`,
      at,
      fix:
        environment === undefined
          ? `give it under variables, or write \${${name}:-default}`
          : `set it, or write \${env:${name}:-default}`,
      ...(nearest === undefined ? {} : { nearest }),
    });
    return undefined;
  }
}

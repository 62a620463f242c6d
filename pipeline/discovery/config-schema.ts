import { Node, type SourceFile, SyntaxKind, type TypeNode } from 'ts-morph';
import { bareExpression, findDeclaration, findValue } from './declarations.js';
import { type NumberLimits, numberSchema, readDocs } from './doc-tags.js';
import type { JsonSchema } from './json-schema.js';
import { literalValue, Unreadable } from './literal.js';

/** The schema of what has no options at all. */
export const NO_OPTIONS: JsonSchema = { type: 'object', properties: {}, additionalProperties: false };

type Defaults = Readonly<Record<string, unknown>>;

/** The JSON Schema of an options type and its defaults. Throws `Unreadable` at a type that options cannot have. */
export function configSchema(type: TypeNode, defaults: Defaults): JsonSchema {
  const schema = new Types().read(type, {}, defaults);
  if (schema.type !== 'object') throw new Unreadable(type, 'options must be an interface');
  return schema;
}

/** Turns types into schemas. `limits` of a doc comment go down to the numbers that a field holds. */
class Types {
  private readonly open: string[] = [];

  read(type: TypeNode, limits: NumberLimits, value: unknown): JsonSchema {
    if (Node.isParenthesizedTypeNode(type)) return this.read(type.getTypeNode(), limits, value);
    if (Node.isArrayTypeNode(type))
      return { type: 'array', items: this.read(type.getElementTypeNode(), limits, undefined) };
    if (Node.isTypeOperatorTypeNode(type)) return this.operator(type, limits, value);
    if (Node.isUnionTypeNode(type)) return this.union(type.getTypeNodes(), type, limits, value);
    if (Node.isLiteralTypeNode(type)) return { enum: [this.literal(type)] };
    if (Node.isTypeLiteral(type)) return this.object(type.getMembers(), value);
    if (Node.isIndexedAccessTypeNode(type)) return { enum: valuesOf(type) };
    if (Node.isTypeReference(type)) return this.reference(type, limits, value);
    switch (type.getKind()) {
      case SyntaxKind.StringKeyword:
        return { type: 'string' };
      case SyntaxKind.BooleanKeyword:
        return { type: 'boolean' };
      case SyntaxKind.NumberKeyword:
        return numberSchema(limits);
      case SyntaxKind.ObjectKeyword:
        return NO_OPTIONS;
      default:
        throw new Unreadable(type, `options cannot have the type ${type.getText()}`);
    }
  }

  private operator(type: TypeNode & { getTypeNode(): TypeNode }, limits: NumberLimits, value: unknown): JsonSchema {
    const inner = type.getTypeNode();
    if (type.getText().startsWith('readonly ')) return this.read(inner, limits, value);
    if (Node.isTypeQuery(inner)) return { enum: keysOf(inner, inner.getExprName().getText()) };
    throw new Unreadable(type, `options cannot have the type ${type.getText()}`);
  }

  private union(types: readonly TypeNode[], type: TypeNode, limits: NumberLimits, value: unknown): JsonSchema {
    const members = types
      .filter((member) => member.getKind() !== SyntaxKind.UndefinedKeyword)
      .map((member) => this.read(member, limits, value));
    if (members.length === 0) throw new Unreadable(type, 'an option that can only be undefined');
    const constants = members.flatMap((member) => (isEnum(member) ? (member.enum ?? []) : []));
    const others = members.filter((member) => !isEnum(member));
    const kinds: JsonSchema[] = constants.length > 0 ? [{ enum: [...new Set(constants)] }, ...others] : others;
    return kinds.length === 1 ? kinds[0]! : { anyOf: kinds };
  }

  private literal(type: TypeNode & { getLiteral(): Node }): string | number | boolean {
    const value = literalOrUndefined(type.getLiteral());
    if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return value;
    throw new Unreadable(type, `options cannot have the type ${type.getText()}`);
  }

  private reference(
    type: TypeNode & { getTypeName(): Node; getTypeArguments(): TypeNode[] },
    limits: NumberLimits,
    value: unknown,
  ): JsonSchema {
    const name = type.getTypeName().getText();
    const [first, second] = type.getTypeArguments();
    if (name === 'Readonly' && first !== undefined) return this.read(first, limits, value);
    if ((name === 'Array' || name === 'ReadonlyArray') && first !== undefined)
      return { type: 'array', items: this.read(first, limits, undefined) };
    if (name === 'Record' && first !== undefined && second !== undefined) return this.record(first, second, limits);
    if (first !== undefined) throw new Unreadable(type, `options cannot have the generic type ${type.getText()}`);
    return this.named(name, type, limits, value);
  }

  private record(keys: TypeNode, values: TypeNode, limits: NumberLimits): JsonSchema {
    if (values.getKind() === SyntaxKind.NeverKeyword) return NO_OPTIONS;
    if (keys.getKind() !== SyntaxKind.StringKeyword) throw new Unreadable(keys, 'the keys of a Record must be string');
    return { type: 'object', additionalProperties: this.read(values, limits, undefined) };
  }

  private named(name: string, type: TypeNode, limits: NumberLimits, value: unknown): JsonSchema {
    const declaration = findDeclaration(type.getSourceFile(), name);
    if (this.open.includes(name)) throw new Unreadable(type, `the type ${name} contains itself`);
    this.open.push(name);
    try {
      if (Node.isInterfaceDeclaration(declaration)) return this.object(membersOf(declaration), value);
      if (Node.isTypeAliasDeclaration(declaration)) return this.read(declaration.getTypeNodeOrThrow(), limits, value);
    } finally {
      this.open.pop();
    }
    throw new Unreadable(type, `no interface ${name} in this file or in a file that it imports by a relative path`);
  }

  private object(members: readonly Node[], value: unknown): JsonSchema {
    const defaults = typeof value === 'object' && value !== null ? (value as Defaults) : {};
    const properties: Record<string, JsonSchema> = {};
    const required: string[] = [];
    for (const member of members) {
      if (!Node.isPropertySignature(member))
        throw new Unreadable(member, 'options hold fields only, no methods and no index');
      const name = member.getName().replace(/^['"]|['"]$/g, '');
      const type = member.getTypeNode();
      if (type === undefined) throw new Unreadable(member, `the field ${name} has no type`);
      const { text, limits } = readDocs(member);
      const schema = this.read(type, limits, defaults[name]);
      if (Object.keys(limits).length > 0 && !hasNumber(schema))
        throw new Unreadable(member, `the field ${name} has the bounds of a number and is none`);
      const given = Object.hasOwn(defaults, name) ? { default: defaults[name] } : {};
      properties[name] = { ...(text === '' ? {} : { description: text }), ...schema, ...given };
      if (!member.hasQuestionToken() && !Object.hasOwn(defaults, name)) required.push(name);
    }
    return { type: 'object', properties, ...(required.length > 0 ? { required } : {}), additionalProperties: false };
  }
}

/** Fields of an interface, those of what it extends first; a field that is declared again replaces the earlier one. */
function membersOf(declaration: Node): readonly Node[] {
  if (!Node.isInterfaceDeclaration(declaration)) return [];
  const members = new Map<string, Node>();
  for (const base of declaration.getExtends()) {
    const name = base.getExpression().getText();
    const found = findDeclaration(base.getSourceFile(), name);
    if (base.getTypeArguments().length > 0 || !Node.isInterfaceDeclaration(found))
      throw new Unreadable(
        base,
        `no interface ${base.getText()} in this file or in a file that it imports by a relative path`,
      );
    for (const member of membersOf(found)) members.set(nameOf(member), member);
  }
  for (const member of declaration.getMembers()) members.set(nameOf(member), member);
  return [...members.values()];
}

function nameOf(member: Node): string {
  return Node.isPropertySignature(member) ? member.getName() : member.getText();
}

function isEnum(schema: JsonSchema): boolean {
  return schema.enum !== undefined;
}

function hasNumber(schema: JsonSchema): boolean {
  const { type, items, anyOf, additionalProperties: values } = schema;
  if (type === 'number' || type === 'integer' || Array.isArray(type)) return true;
  if (items !== undefined && hasNumber(items)) return true;
  if (anyOf?.some(hasNumber)) return true;
  return values !== undefined && values !== false && hasNumber(values);
}

/** `(typeof NAMES)[number]`: the entries of a constant list. */
function valuesOf(type: TypeNode & { getObjectTypeNode(): TypeNode; getIndexTypeNode(): TypeNode }): string[] {
  let object = type.getObjectTypeNode();
  while (Node.isParenthesizedTypeNode(object)) object = object.getTypeNode();
  if (Node.isTypeQuery(object) && type.getIndexTypeNode().getKind() === SyntaxKind.NumberKeyword) {
    const values = constantOf(object, object.getExprName().getText());
    const list = values === undefined ? undefined : literalValue(values);
    if (Array.isArray(list) && list.every((value) => typeof value === 'string')) return list;
  }
  throw new Unreadable(type, `options cannot have the type ${type.getText()}`);
}

/** `keyof typeof TABLE`: the keys of a constant object. */
function keysOf(type: TypeNode, name: string): string[] {
  const value = constantOf(type, name);
  const object = value === undefined ? undefined : bareExpression(value);
  if (object === undefined || !Node.isObjectLiteralExpression(object))
    throw new Unreadable(type, `options cannot have the type ${type.getText()}`);
  return object.getProperties().map((property) => {
    if (!Node.isPropertyAssignment(property) && !Node.isShorthandPropertyAssignment(property))
      throw new Unreadable(property, 'the keys of this object cannot be read');
    return property.getName().replace(/^['"]|['"]$/g, '');
  });
}

function constantOf(type: TypeNode, name: string): Node | undefined {
  const file: SourceFile = type.getSourceFile();
  return findValue(file, name);
}

function literalOrUndefined(node: Node): unknown {
  try {
    return literalValue(node);
  } catch (error) {
    if (error instanceof Unreadable) return undefined;
    throw error;
  }
}

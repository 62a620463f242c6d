import { Node, SyntaxKind } from 'ts-morph';
import { bareExpression, findValue } from './declarations.js';

/** A piece of a file that cannot be read without running it; `node` is the piece. */
export class Unreadable extends Error {
  readonly node: Node;

  constructor(node: Node, message: string) {
    super(message);
    this.node = node;
  }
}

/**
 * The value of an expression, read off the syntax: literals, lists, objects, spreads, constants of the file (or of files
 * imported by a relative path), members of them, and arithmetic. Throws `Unreadable` for anything else.
 */
export function literalValue(node: Node): unknown {
  const bare = bareExpression(node);
  if (Node.isStringLiteral(bare) || Node.isNoSubstitutionTemplateLiteral(bare)) return bare.getLiteralValue();
  if (Node.isNumericLiteral(bare)) return bare.getLiteralValue();
  if (Node.isTrueLiteral(bare)) return true;
  if (Node.isFalseLiteral(bare)) return false;
  if (Node.isArrayLiteralExpression(bare)) return bare.getElements().flatMap(elementValues);
  if (Node.isObjectLiteralExpression(bare)) return Object.fromEntries(bare.getProperties().flatMap(propertyValues));
  if (Node.isPrefixUnaryExpression(bare)) return negative(bare, bare.getOperatorToken());
  if (Node.isBinaryExpression(bare)) return arithmetic(bare);
  if (Node.isIdentifier(bare)) return constantValue(bare, bare.getText());
  if (Node.isPropertyAccessExpression(bare)) return member(bare, bare.getExpression(), bare.getName());
  throw new Unreadable(bare, `${shorten(bare.getText())} cannot be read without running the file`);
}

/** The properties of an object literal by name; methods are their own value. */
export function objectParts(node: Node): ReadonlyMap<string, Node> {
  const bare = resolveConstant(node);
  if (!Node.isObjectLiteralExpression(bare)) throw new Unreadable(bare, 'not an object literal');
  const parts = new Map<string, Node>();
  for (const property of bare.getProperties()) {
    if (Node.isPropertyAssignment(property)) parts.set(propertyName(property), property.getInitializerOrThrow());
    else if (Node.isShorthandPropertyAssignment(property)) parts.set(property.getName(), property.getNameNode());
    else if (Node.isMethodDeclaration(property)) parts.set(property.getName(), property);
  }
  return parts;
}

/** What an identifier stands for, where it is a constant of the file; the node itself otherwise. */
export function resolveConstant(node: Node): Node {
  const bare = bareExpression(node);
  if (!Node.isIdentifier(bare)) return bare;
  const value = findValue(bare.getSourceFile(), bare.getText());
  return value === undefined ? bare : resolveConstant(value);
}

function elementValues(element: Node): readonly unknown[] {
  if (!Node.isSpreadElement(element)) return [literalValue(element)];
  const spread = literalValue(element.getExpression());
  if (Array.isArray(spread)) return spread;
  throw new Unreadable(element, 'the spread of something that is not a list');
}

function propertyValues(property: Node): readonly (readonly [string, unknown])[] {
  if (Node.isPropertyAssignment(property))
    return [[propertyName(property), literalValue(property.getInitializerOrThrow())]];
  if (Node.isShorthandPropertyAssignment(property)) return [[property.getName(), literalValue(property.getNameNode())]];
  if (Node.isSpreadAssignment(property)) {
    const spread = literalValue(property.getExpression());
    if (typeof spread === 'object' && spread !== null) return Object.entries(spread);
  }
  throw new Unreadable(property, `${shorten(property.getText())} cannot be read without running the file`);
}

function propertyName(property: { getNameNode(): Node; getName(): string }): string {
  const name = property.getNameNode();
  return Node.isStringLiteral(name) ? name.getLiteralValue() : property.getName();
}

function negative(node: Node & { getOperand(): Node }, operator: SyntaxKind): unknown {
  const value = literalValue(node.getOperand());
  if (typeof value === 'number' && operator === SyntaxKind.MinusToken) return -value;
  throw new Unreadable(node, `${shorten(node.getText())} cannot be read without running the file`);
}

function arithmetic(node: Node & { getLeft(): Node; getRight(): Node; getOperatorToken(): Node }): number {
  const left = literalValue(node.getLeft());
  const right = literalValue(node.getRight());
  const operator = node.getOperatorToken().getText();
  if (typeof left === 'number' && typeof right === 'number') {
    if (operator === '*') return left * right;
    if (operator === '/') return left / right;
    if (operator === '+') return left + right;
    if (operator === '-') return left - right;
    if (operator === '**') return left ** right;
  }
  throw new Unreadable(node, `${shorten(node.getText())} cannot be read without running the file`);
}

function constantValue(node: Node, name: string): unknown {
  const value = findValue(node.getSourceFile(), name);
  if (value === undefined) throw new Unreadable(node, `${name} is no constant of this file or of a file beside it`);
  return literalValue(value);
}

function member(node: Node, object: Node, name: string): unknown {
  const value = literalValue(object);
  if (typeof value === 'object' && value !== null && Object.hasOwn(value, name))
    return (value as Record<string, unknown>)[name];
  throw new Unreadable(node, `${shorten(node.getText())} cannot be read without running the file`);
}

function shorten(text: string): string {
  const line = text.replace(/\s+/g, ' ');
  return line.length > 60 ? `${line.slice(0, 57)}...` : line;
}

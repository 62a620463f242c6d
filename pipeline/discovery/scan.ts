import { type CallExpression, Node, Project, type SourceFile, type TypeNode } from 'ts-morph';
import type { Problem, Report } from '../manifest/problem.js';
import type { StageParts } from '../stage.js';
import { checkDefaults } from './check-defaults.js';
import { configSchema, NO_OPTIONS } from './config-schema.js';
import { findDeclaration } from './declarations.js';
import { readDocs } from './doc-tags.js';
import type { CatalogEntry, Kind } from './entry.js';
import { literalValue, objectParts, resolveConstant, Unreadable } from './literal.js';

/** The functions that define something, and what they define. */
const DEFINES: Readonly<Record<string, Kind>> = {
  defineOperator: 'operator',
  defineFilter: 'operator',
  defineScorer: 'operator',
  defineSource: 'source',
  defineSink: 'sink',
  defineStage: 'stage',
};

/** Functions of a definition that are given the options, and as which parameter. */
const GIVEN_OPTIONS: readonly (readonly [name: string, parameter: number])[] = [
  ['reads', 0],
  ['schema', 0],
  ['open', 0],
  ['units', 0],
  ['plan', 0],
  ['run', 0],
  ['holds', 0],
  ['writes', 1],
  ['read', 1],
  ['judge', 1],
];

/** What a scan found, and all files that it read for it: those that were named and those that they import types from. */
export interface Scan {
  readonly entries: readonly CatalogEntry[];
  readonly sources: readonly string[];
}

/**
 * Reads what files define, by syntax: nothing is executed, no types are computed. Files without an `export default` are
 * helpers and are left out. What cannot be read is reported with its file and line.
 */
export function scanFiles(files: readonly string[], builtIn: boolean, report: Report): Scan {
  const project = new Project({
    skipAddingFilesFromTsConfig: true,
    skipFileDependencyResolution: true,
    skipLoadingLibFiles: true,
  });
  const entries = files.flatMap((path) => {
    const file = project.addSourceFileAtPath(path);
    try {
      const entry = scanFile(file, builtIn);
      return entry === undefined ? [] : [entry];
    } catch (error) {
      if (!(error instanceof Unreadable)) throw error;
      report(problemAt(error.node, error.message));
      return [];
    }
  });
  return { entries, sources: project.getSourceFiles().map((file) => file.getFilePath()) };
}

function scanFile(file: SourceFile, builtIn: boolean): CatalogEntry | undefined {
  const exported = file.getExportAssignment((assignment) => !assignment.isExportEquals());
  const other = file
    .getStatements()
    .find((statement) => Node.isModifierable(statement) && statement.hasModifier('default'));
  if (other !== undefined) throw new Unreadable(other, WRONG_EXPORT);
  if (exported === undefined) return undefined;
  const call = resolveConstant(exported.getExpression());
  const kind = Node.isCallExpression(call) ? definedKind(call) : undefined;
  if (!Node.isCallExpression(call) || kind === undefined) throw new Unreadable(exported, WRONG_EXPORT);
  const argument = call.getArguments()[0];
  if (argument === undefined) throw new Unreadable(call, 'the definition is empty');

  const parts = objectParts(argument);
  const name = parts.get('name');
  if (name === undefined) throw new Unreadable(call, 'the definition has no name');
  const value = literalValue(name);
  if (typeof value !== 'string' || value === '') throw new Unreadable(name, 'the name is not a text');
  const defaults = (partValue(parts, 'defaults') ?? {}) as Record<string, unknown>;
  const type = optionsType(call, parts);
  if (type === undefined && Object.keys(defaults).length > 0)
    throw new Unreadable(call, 'the type of the options is nowhere to be seen: annotate it where they are first used');
  const schema = type === undefined ? NO_OPTIONS : configSchema(type, defaults);
  if (parts.has('defaults')) checkDefaults(parts.get('defaults')!, defaults, schema);
  const takes = partValue(parts, 'takes') as StageParts | undefined;
  return {
    name: value,
    kind,
    file: file.getFilePath(),
    line: call.getStartLineNumber(),
    builtIn,
    docs: readDocs(exported).text || (type === undefined ? '' : docsOf(type)),
    schema,
    defaults,
    drops: names(parts, 'drops'),
    measures: names(parts, 'measures'),
    ...(takes === undefined ? {} : { takes }),
  };
}

const WRONG_EXPORT =
  'the default export is not a call of defineOperator, defineFilter, defineScorer, defineSource, defineSink or defineStage';

/** What a call defines, by the name that its function has where it is imported from. */
function definedKind(call: CallExpression): Kind | undefined {
  const callee = call.getExpression();
  if (Node.isPropertyAccessExpression(callee)) return DEFINES[callee.getName()];
  const imported = call
    .getSourceFile()
    .getImportDeclarations()
    .flatMap((declaration) => declaration.getNamedImports())
    .find((specifier) => (specifier.getAliasNode()?.getText() ?? specifier.getName()) === callee.getText());
  return imported === undefined ? undefined : DEFINES[imported.getName()];
}

/** The options' type: the first type argument, or the annotation of the first function that is given them. */
function optionsType(call: CallExpression, parts: ReadonlyMap<string, Node>): TypeNode | undefined {
  const argument = call.getTypeArguments()[0];
  if (argument !== undefined) return argument;
  for (const [name, index] of GIVEN_OPTIONS) {
    const part = parts.get(name);
    const parameters = part === undefined ? undefined : parametersOf(part);
    const type = parameters?.[index]?.getTypeNode();
    if (type !== undefined) return type;
  }
  return undefined;
}

function parametersOf(part: Node) {
  const target = resolveConstant(part);
  if (Node.isArrowFunction(target) || Node.isFunctionExpression(target) || Node.isMethodDeclaration(target))
    return target.getParameters();
  const declared = Node.isIdentifier(target) ? findDeclaration(target.getSourceFile(), target.getText()) : undefined;
  return Node.isFunctionDeclaration(declared) ? declared.getParameters() : undefined;
}

function docsOf(type: TypeNode): string {
  if (!Node.isTypeReference(type)) return '';
  const declaration = findDeclaration(type.getSourceFile(), type.getTypeName().getText());
  return Node.isInterfaceDeclaration(declaration) || Node.isTypeAliasDeclaration(declaration)
    ? readDocs(declaration).text
    : '';
}

function partValue(parts: ReadonlyMap<string, Node>, name: string): unknown {
  const part = parts.get(name);
  return part === undefined ? undefined : literalValue(part);
}

function names(parts: ReadonlyMap<string, Node>, name: string): readonly string[] {
  const value = partValue(parts, name) ?? [];
  if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value;
  throw new Unreadable(parts.get(name)!, `${name} is not a list of texts`);
}

function problemAt(node: Node, message: string): Problem {
  const file = node.getSourceFile();
  const { line, column } = file.getLineAndColumnAtPos(node.getStart());
  const text = file.getFullText().split(/\r?\n/)[line - 1] ?? '';
  const length = Math.max(1, Math.min(node.getWidth(), text.length - column + 1));
  return { code: 'operators', message, at: { file: file.getFilePath(), line, column, length, text } };
}

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { ts } from 'ts-morph';
import { cacheFolder } from '../cache-folder.js';
import { AlignflowError, reasonOf } from '../errors.js';
import { makeFolder } from '../make-folder.js';
import { resolveImport } from './imports.js';
import { packageVersion } from './package.js';
import { writeWholeSync } from './write-whole.js';

/** A user's file, compiled with all that it imports by relative paths. Plain data, which can be kept. */
export interface Compiled {
  /** The module to import. */
  readonly url: string;
  /** SHA-256 over the sources of all files in it, hexadecimal: it changes when any of them does. */
  readonly version: string;
  /** The compiled files, with the source that each was made of; its source map is beside it, `.map` behind its name. */
  readonly modules: readonly { readonly path: string; readonly source: string }[];
  /** Files that they import besides: of packages, and of alignflow itself. */
  readonly imported: readonly string[];
}

const COMPILER_OPTIONS: ts.CompilerOptions = {
  target: ts.ScriptTarget.ES2022,
  module: ts.ModuleKind.ESNext,
  isolatedModules: true,
  sourceMap: true,
};

interface Part {
  readonly text: string;
  readonly map: string;
  readonly source: string;
  readonly code: string;
  readonly urls: readonly string[];
}

/**
 * Compiles a TypeScript file, and all that it imports by relative paths, into a folder of the cache that is named by
 * their contents. Imports in the copies lead to the other copies, and to the modules of this process.
 */
export function compileFile(file: string): Compiled {
  const parts = new Map<string, Part>();
  collect(file, parts);
  const version = hashOf([...parts.values()].map((part) => part.code).sort());
  const place = hashOf([packageVersion, ...[...parts.values()].flatMap((part) => [part.source, part.text]).sort()]);
  const folder = join(cacheFolder(), 'operators', place.slice(0, 32));
  const modules: { path: string; source: string }[] = [];
  try {
    makeFolder(folder);
    for (const { source, text, map } of parts.values()) {
      const path = join(folder, compiledName(source));
      writeWholeSync(`${path}.map`, map);
      writeWholeSync(path, text);
      modules.push({ path, source });
    }
  } catch (error) {
    throw new AlignflowError({
      what: `the cache cannot be written: ${reasonOf(error)}`,
      where: { file: folder },
      expected: 'a folder for compiled operators, with room',
      fix: 'set ALIGNFLOW_CACHE to one that can be written',
      cause: error,
    });
  }
  const imported = [...new Set([...parts.values()].flatMap((part) => part.urls))]
    .filter((url) => url.startsWith('file:'))
    .map((url) => fileURLToPath(url));
  return { url: pathToFileURL(join(folder, compiledName(file))).href, version, modules, imported };
}

function collect(file: string, parts: Map<string, Part>): void {
  if (parts.has(file)) return;
  const code = readSource(file);
  const imported: string[] = [];
  const urls: string[] = [];
  let unresolved: unknown;
  const replace = (specifier: string): string => {
    const at = Math.max(0, code.search(new RegExp(`['"]${specifier.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}['"]`)));
    try {
      const target = resolveImport(specifier, file, { file, ...placeIn(code, at) });
      if ('source' in target) {
        imported.push(target.source);
        return `./${compiledName(target.source)}`;
      }
      urls.push(target.url);
      return target.url;
    } catch (error) {
      unresolved ??= error; // What does not compile is told first.
      return specifier;
    }
  };
  const {
    outputText,
    sourceMapText = '',
    diagnostics = [],
  } = ts.transpileModule(code, {
    compilerOptions: COMPILER_OPTIONS,
    fileName: file,
    reportDiagnostics: true,
    // After types are gone, and with them the imports of types.
    transformers: { after: [rewriteImports(replace, file)] },
  });
  const [diagnostic] = diagnostics;
  if (diagnostic !== undefined)
    throw new AlignflowError({
      what: `this file does not compile: ${ts.flattenDiagnosticMessageText(diagnostic.messageText, ' ')}`,
      where: { file, ...placeIn(code, diagnostic.start ?? 0) },
    });
  if (unresolved !== undefined) throw unresolved;
  const text = outputText.replace(/\/\/# sourceMappingURL=.*\s*$/, '');
  parts.set(file, { text, map: sourceMapText, source: file, code, urls });
  for (const other of imported) collect(other, parts);
}

/** Replaces the specifier of each import, and `import.meta.url`, which must go on naming the user's own file. */
function rewriteImports(replace: (specifier: string) => string, file: string): ts.TransformerFactory<ts.SourceFile> {
  const own: Readonly<Record<string, string>> = {
    url: pathToFileURL(file).href,
    filename: file,
    dirname: dirname(file),
  };
  return (context) => {
    const visit = (node: ts.Node): ts.Node => {
      const { factory } = context;
      if (ts.isStringLiteral(node) && specifies(node)) return factory.createStringLiteral(replace(node.text));
      const value = ts.isPropertyAccessExpression(node) && ts.isMetaProperty(node.expression) && own[node.name.text];
      return typeof value === 'string' ? factory.createStringLiteral(value) : ts.visitEachChild(node, visit, context);
    };
    return (source) => ts.visitEachChild(source, visit, context);
  };
}

/** Whether a text is the specifier of an `import`, an `export ... from` or an `import(...)`. */
function specifies(text: ts.StringLiteral): boolean {
  const { parent } = text;
  return ts.isCallExpression(parent)
    ? parent.expression.kind === ts.SyntaxKind.ImportKeyword && parent.arguments[0] === text
    : (ts.isImportDeclaration(parent) || ts.isExportDeclaration(parent)) && parent.moduleSpecifier === text;
}

function compiledName(file: string): string {
  return `${basename(file, '.ts')}-${hashOf([file]).slice(0, 12)}.mjs`;
}

function readSource(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new AlignflowError({ what: `cannot read it: ${reasonOf(error)}`, where: { file, line: 1 } });
  }
}

function placeIn(code: string, offset: number): { line: number; column: number } {
  const before = code.slice(0, offset).split('\n');
  return { line: before.length, column: before.at(-1)!.length + 1 };
}

function hashOf(texts: readonly string[]): string {
  const hash = createHash('sha256');
  for (const text of texts) hash.update(`${text.length}\n`).update(text);
  return hash.digest('hex');
}

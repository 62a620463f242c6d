import { existsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { Node, type SourceFile } from 'ts-morph';

/** What a name of a file may stand for, as far as options need it. */
export type Declaration = ReturnType<typeof localDeclaration>;

/** The declaration of a name: in the file itself, or in the file that it is imported from by a relative path. */
export function findDeclaration(file: SourceFile, name: string, seen = new Set<string>()): Declaration {
  const local = localDeclaration(file, name);
  const visit = `${file.getFilePath()} ${name}`;
  if (local !== undefined || seen.has(visit)) return local;
  seen.add(visit);
  for (const declaration of [...file.getImportDeclarations(), ...file.getExportDeclarations()]) {
    const named = Node.isImportDeclaration(declaration) ? declaration.getNamedImports() : declaration.getNamedExports();
    const match = named.find((specifier) => (specifier.getAliasNode()?.getText() ?? specifier.getName()) === name);
    const all = Node.isExportDeclaration(declaration) && declaration.isNamespaceExport();
    if (match === undefined && !all) continue;
    const other = relativeFile(file, declaration.getModuleSpecifierValue());
    const found = other === undefined ? undefined : findDeclaration(other, match?.getName() ?? name, seen);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The value that a name was given by `const name = ...`. */
export function findValue(file: SourceFile, name: string): Node | undefined {
  const declaration = findDeclaration(file, name);
  return Node.isVariableDeclaration(declaration) ? declaration.getInitializer() : undefined;
}

/** An expression without `as const`, `satisfies X` and parentheses. */
export function bareExpression(node: Node): Node {
  let bare = node;
  while (Node.isAsExpression(bare) || Node.isSatisfiesExpression(bare) || Node.isParenthesizedExpression(bare))
    bare = bare.getExpression();
  return bare;
}

function localDeclaration(file: SourceFile, name: string) {
  return (
    file.getInterface(name) ?? file.getTypeAlias(name) ?? file.getVariableDeclaration(name) ?? file.getFunction(name)
  );
}

/** The source file that a relative specifier of another names (`./options.js` is `options.ts`). */
function relativeFile(file: SourceFile, specifier: string | undefined): SourceFile | undefined {
  if (specifier === undefined || !specifier.startsWith('.')) return undefined;
  const path = resolve(dirname(file.getFilePath()), specifier).replace(/\.js$/, '.ts');
  return existsSync(path) ? file.getProject().addSourceFileAtPathIfExists(path) : undefined;
}

import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const repository = fileURLToPath(new URL('..', import.meta.url));

/** Each layer, and what it may not reach: `stages -> operators -> pipeline` only. */
const LAYERS = {
  pipeline: { folders: ['operators', 'stages', 'test', 'manifests'], packages: /^(@tensorflow\/|sharp|tokenizers)/ },
  operators: { folders: ['stages', 'test', 'manifests'], packages: /^@tensorflow\// },
  stages: { folders: ['test', 'manifests'], packages: /^$/ },
};

function sources(folder: string): string[] {
  return readdirSync(join(repository, folder), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts'))
    .map((path) => join(folder, path));
}

/** What a file imports: packages as they are written, other files as paths from the repository. */
function imports(file: string): string[] {
  const text = readFileSync(join(repository, file), 'utf8').replace(/\/\*\*.*?\*\//gs, '');
  return [...text.matchAll(/(?:\bfrom|\bimport\(|\bimport)\s*['"]([^'"]+)['"]/g)].map(([, specifier]) =>
    specifier!.startsWith('.') ? relative(repository, resolve(repository, file, '..', specifier!)) : specifier!,
  );
}

describe('layout', () => {
  it.each(Object.entries(LAYERS))('%s imports nothing above it', (layer, { folders, packages }) => {
    const files = sources(layer);
    expect(files.length).toBeGreaterThan(10);
    const wrong = files.flatMap((file) =>
      imports(file)
        .filter((target) => folders.some((folder) => target.startsWith(`${folder}/`)) || packages.test(target))
        .map((target) => `${file} imports ${target}`),
    );
    expect(wrong).toEqual([]);
  });

  it('keeps files short and names them by what is in them', () => {
    const files = [...Object.keys(LAYERS), 'manifests', 'test'].flatMap(sources);
    const lines = (file: string) => readFileSync(join(repository, file), 'utf8').split('\n').length - 1;
    expect(files.filter((file) => lines(file) > 400)).toEqual([]);
    expect(files.filter((file) => /(^|[/-])(utils?|common|helpers?|misc)([/.-]|$)/.test(file))).toEqual([]);
  });

  it('has operators of users that use the public API only', () => {
    const foreign = sources('manifests')
      .flatMap(imports)
      .filter((target) => /^(pipeline|operators|stages)\//.test(target));
    expect(foreign).toEqual([]);
  });
});

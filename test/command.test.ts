/** The bundled command: starting it, and planning with any operator or stage, loads no other package. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const command = fileURLToPath(new URL('../dist/command', import.meta.url));

/** The packages that a module imports, and those that its own imports import, as soon as it is loaded. */
function packagesOf(file: string, seen = new Set<string>()): string[] {
  if (seen.has(file)) return [];
  seen.add(file);
  const imports = readFileSync(file, 'utf8').matchAll(/^(?:import|export)\b[^;'"]*?["']([^"']+)["'];$/gm);
  return [...imports].flatMap(([, specifier = '']) => {
    if (specifier.startsWith('.')) return packagesOf(join(dirname(file), specifier), seen);
    return specifier.startsWith('node:') ? [] : [specifier];
  });
}

const entries = ['stages', 'operators', 'pipeline'].flatMap((folder) =>
  readdirSync(join(command, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.js'))
    .map((file) => join(folder, file)),
);

/** This one is loaded by the pool itself. */
const withPackages: Readonly<Record<string, readonly string[]>> = { 'pipeline/pool/pool-worker.js': ['piscina'] };

describe('dist/command', () => {
  it('has the command, its threads, and every operator and stage', () => {
    for (const entry of ['stages/main.js', 'stages/contrastive.js', 'operators/dedup/exact.js', 'pipeline/index.js'])
      expect(entries).toContain(entry);
  });

  const small = entries.filter((entry) => !/^stages\/(index|models\/index)\.js$|^operators\/index\.js$/.test(entry));
  it.each(small)('%s loads no package at once', (entry) => {
    expect(packagesOf(join(command, entry))).toEqual(withPackages[entry] ?? []);
  });
});

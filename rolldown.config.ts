/**
 * Bundles the command into `dist/command`: 300 modules, and most of 500 of other packages, become a few dozen files, so that
 * `alignflow check` is done in a third of the time. Programs that import alignflow use the modules in `dist` as they are.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { defineConfig, type Plugin } from 'rolldown';

const path = (file: string) => fileURLToPath(new URL(file, import.meta.url));
const readJson = (file: string): unknown => JSON.parse(readFileSync(path(file), 'utf8'));

/** What is imported by its path at run time: the command, its threads, what users' files import, operators and stages. */
function entries(): Record<string, string> {
  const { exports } = readJson('package.json') as { exports: Record<string, string | { default: string }> };
  const catalog = readJson('dist/catalog.json') as readonly { readonly file: string }[];
  const own = [
    'stages/main.js',
    'pipeline/run/rows-worker.js',
    'pipeline/pool/pool-worker.js',
    ...Object.values(exports).flatMap((target) =>
      typeof target === 'string' ? [] : [target.default.replace('./dist/', '')],
    ),
    ...catalog.map(({ file }) => file),
  ].map((file) => file.replace(/\.js$/, ''));
  return {
    ...Object.fromEntries(own.map((name) => [name, path(`${name}.ts`)])),
    // Users' files must have the same instances.
    rxjs: 'rxjs',
    'apache-arrow': 'apache-arrow',
  };
}

/** Packages of JavaScript alone that every command needs. Others are loaded from `node_modules` when they are needed. */
const bundled =
  /^(rxjs|apache-arrow|flatbuffers|tslib|yaml|commander|picocolors|@opentelemetry\/api|proper-lockfile|graceful-fs|retry|signal-exit)(\/|$)/;

/** Required, not imported: Node would look through its 10 MB of CommonJS for the names of exports first, which takes 0.1 s. */
const requiredTsMorph: Plugin = {
  name: 'required-ts-morph',
  resolveId: (id) => (id === 'ts-morph' ? '\0ts-morph' : undefined),
  load: (id) =>
    id === '\0ts-morph'
      ? `import { createRequire } from 'node:module';
         export const { Node, Project, SyntaxKind, ts } = createRequire(import.meta.url)('ts-morph');`
      : undefined,
};

export default defineConfig({
  input: entries(),
  platform: 'node',
  logLevel: 'warn',
  checks: { ineffectiveDynamicImport: false }, // Some modules are loaded late by the command and at once by others.
  external: (id) => /^[^./\0]/.test(id) && !bundled.test(id) && id !== 'ts-morph',
  plugins: [requiredTsMorph],
  resolve: {
    // These two give Node their CommonJS, of which nothing can be left out.
    alias: {
      rxjs: path('node_modules/rxjs/dist/esm/index.js'),
      yaml: path('node_modules/yaml/browser/index.js'),
    },
  },
  output: {
    dir: 'dist/command',
    cleanDir: true,
    entryFileNames: '[name].js',
    chunkFileNames: 'chunks/[name]-[hash].js',
    sourcemap: true,
    codeSplitting: {
      groups: [
        { name: 'packages', test: /node_modules/ },
        {
          name: 'pipeline',
          test: /pipeline\/(batch|graph|manifest|plan|run\/(?!rows-worker)|pool\/(?!pool-worker)|[^/]+\.ts$)/,
        },
        { name: 'operators', test: /operators\/(?!text\/language)/ },
        {
          name: 'stages',
          test: /stages\/(contrastive|generative|evaluation|filtering|tokenization|hand-over|prompts)\.ts$/,
        },
      ],
    },
  },
});

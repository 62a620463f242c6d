import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { cacheFolder } from '../../../pipeline/cache-folder.js';
import { installationFor } from '../../../stages/backend/installation.js';
import { setUp } from '../../../stages/backend/setup.js';
import { thisSystem, unsupported, wheelsFor } from '../../../stages/backend/wheels.js';
import { fakeTools } from './fake-tools.js';

const wheels = wheelsFor(thisSystem, 'cpu');
const file = wheels[0]?.file ?? '';
/** Elsewhere `setUp` ends before it looks at pip and compilers. */
const here = unsupported(thisSystem, 'cpu') === undefined;

test.skipIf(!here)(
  'without pip, and without a compiler, the outcome names what is missing and how to get it',
  async () => {
    fakeTools({ pip: false });
    expect(await setUp()).toEqual({
      kind: 'wasm',
      reason: expect.stringContaining('pip'),
      fix: expect.stringContaining('install Python 3 with pip'),
    });
    fakeTools({ compiler: false });
    expect(await setUp()).toEqual({
      kind: 'wasm',
      reason: expect.stringContaining('compiler'),
      fix: expect.stringContaining('install g++'),
    });
  },
);

test.skipIf(!here)('CXX names the compiler, arguments included', async () => {
  fakeTools({ compiler: false });
  vi.stubEnv('CXX', '/bin/sh -c true');
  await expect(setUp()).rejects.toThrow(/pip fetched something else/);
});

test.skipIf(!here)('a wheel with another checksum, and one that is cut off, are refused and removed', async () => {
  for (const wheel of [Buffer.from('another wheel'), Buffer.alloc(0)]) {
    const fake = fakeTools({ wheel, file });
    await expect(setUp()).rejects.toThrow(
      new RegExp(
        `pip fetched something else than ${file}: ${wheel.length} bytes, SHA-256 .*\n.*expected: ${wheels[0]?.bytes} bytes, SHA-256 ${wheels[0]?.sha256}`,
      ),
    );
    const left = readdirSync(fake.cache, { recursive: true });
    expect(left.filter((name) => String(name).endsWith('.whl') || String(name).includes('fetch-'))).toEqual([]);
    expect(fake.started()).toEqual(['download']);
  }
});

test.skipIf(!here)('what pip says is quoted when it fails, with what to do', async () => {
  const fake = fakeTools({ file: 'no/such/folder/file.whl' });
  await expect(setUp()).rejects.toThrow(/pip could not fetch[\s\S]*No such file[\s\S]*pip config list/i);
  expect(fake.started()).toEqual(['download']);
});

test('ALIGNFLOW_BACKEND=wasm needs no setup, and nonsense in it is refused', async () => {
  const fake = fakeTools();
  vi.stubEnv('ALIGNFLOW_BACKEND', 'wasm');
  expect(await setUp()).toEqual({ kind: 'wasm', reason: 'ALIGNFLOW_BACKEND=wasm asks for it' });
  vi.stubEnv('ALIGNFLOW_BACKEND', 'cuda');
  await expect(setUp()).rejects.toThrow(/ALIGNFLOW_BACKEND=cuda is no backend[\s\S]*tensorflow or wasm/);
  expect(fake.started()).toEqual([]);
});

test.skipIf(unsupported(thisSystem, 'gpu') !== undefined)(
  'a build with CUDA is taken as it is, unless the other is asked for',
  async () => {
    const fake = fakeTools({ pip: false });
    const installation = installationFor(thisSystem, 'gpu', wheelsFor(thisSystem, 'gpu'));
    mkdirSync(installation.folder, { recursive: true });
    writeFileSync(join(installation.folder, 'complete.json'), JSON.stringify({ files: {} }));
    expect(await setUp()).toEqual({ kind: 'tensorflow', installation, built: false });
    expect(fake.started()).toEqual([]);
    expect(await setUp({ variant: 'cpu' })).toMatchObject({ kind: 'wasm', reason: expect.stringContaining('pip') });
  },
);

test('the folder of a build lies in the cache folder and changes with wheels and variant', () => {
  fakeTools();
  const { folder } = installationFor(thisSystem, 'cpu', wheels);
  expect(dirname(folder)).toBe(cacheFolder());
  const others = [
    installationFor({ ...thisSystem, arch: 'other' }, 'cpu', wheels),
    installationFor(thisSystem, 'gpu', wheels),
    installationFor(thisSystem, 'cpu', wheels.slice(1)),
  ];
  expect(new Set([folder, ...others.map((other) => other.folder)]).size).toBe(4);
  expect(installationFor(thisSystem, 'cpu', wheels).folder).toBe(folder);
});

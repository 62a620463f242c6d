import { readdir, readFile, truncate } from 'node:fs/promises';
import { AlignflowError } from 'alignflow';
import { expect, test } from 'vitest';
import { keptFile, openPackage } from '../../../manifests/emoji/operators/npm-package.js';
import { fakeRegistry, sourceContext, temporaryFolder, textPackage } from './registry.js';

test('fetches a package once and reads it from the cache from then on', async () => {
  const registry = await fakeRegistry();
  const letters = await registry.publish('letters', await textPackage({ 'a.txt': 'A', 'b.md': 'B' }));
  const { context, notes } = sourceContext(await temporaryFolder());

  const first = await openPackage(letters, context);
  const second = await openPackage(letters, context);

  expect(first).toEqual(new Map([['package/a.txt', Buffer.from('A')]]));
  expect(second).toEqual(first);
  expect(await registry.log()).toEqual(['pack letters@1.0.0']);
  expect(notes).toEqual(['fetching letters 1.0.0 from npm, 1 MB', 'fetched letters 1.0.0; files kept: 1']);
  expect(await readdir(`${context.cache}/npm`)).toHaveLength(1);
});

test('another choice of entries is fetched anew', async () => {
  const registry = await fakeRegistry();
  const letters = await registry.publish('letters', await textPackage({ 'a.txt': 'A', 'b.txt': 'B' }));
  const { context } = sourceContext(await temporaryFolder());
  await openPackage({ ...letters, wanted: /a\.txt$/ }, context);
  expect([...(await openPackage({ ...letters, wanted: /b\.txt$/ }, context)).keys()]).toEqual(['package/b.txt']);
});

test('a package with another hash is refused and leaves nothing behind', async () => {
  const registry = await fakeRegistry();
  const letters = await registry.publish('letters', await textPackage({ 'a.txt': 'A' }));
  await registry.publish('letters', await textPackage({ 'a.txt': 'changed' }));
  const { context } = sourceContext(await temporaryFolder());

  const error = await openPackage(letters, context).catch((thrown: unknown) => thrown);

  expect(error).toBeInstanceOf(AlignflowError);
  expect(String(error)).toMatch(/letters 1\.0\.0 is not the package that this manifest was made for: sha512-/);
  expect(String(error)).toContain(`expected: ${letters.integrity}`);
  expect(await readdir(`${context.cache}/npm`)).toEqual([]);
});

test('a tarball that is cut off is refused, even with the hash of what is left of it', async () => {
  const registry = await fakeRegistry();
  const whole = await textPackage({ 'a.txt': 'A' });
  const letters = await registry.publish('letters', whole.subarray(0, whole.length - 20));
  const { context } = sourceContext(await temporaryFolder());
  await expect(openPackage(letters, context)).rejects.toThrow('unexpected end of file');
  expect(await readdir(`${context.cache}/npm`)).toEqual([]);
});

test('says what npm said when it fails', async () => {
  const registry = await fakeRegistry();
  const letters = await registry.publish('letters', await textPackage({ 'a.txt': 'A' }));
  const { context } = sourceContext(await temporaryFolder());
  const failure = openPackage({ ...letters, version: '2.0.0' }, context);
  await expect(failure).rejects.toThrow(/npm could not fetch letters 2\.0\.0: npm error code ETARGET\n {2}to do: /);
  expect(await readdir(`${context.cache}/npm`)).toEqual([]);
});

test('says so when there is no npm', async () => {
  const registry = await fakeRegistry();
  const letters = await registry.publish('letters', await textPackage({ 'a.txt': 'A' }));
  process.env.PATH = await temporaryFolder();
  const { context } = sourceContext(await temporaryFolder());
  await expect(openPackage(letters, context)).rejects.toThrow(/npm could not fetch letters 1\.0\.0: spawn npm ENOENT/);
});

test('a damaged file in the cache is fetched again', async () => {
  const registry = await fakeRegistry();
  const letters = await registry.publish('letters', await textPackage({ 'a.txt': 'A' }));
  const { context, notes } = sourceContext(await temporaryFolder());
  const entries = await openPackage(letters, context);
  const file = keptFile(letters, context.cache);
  const bytes = await readFile(file);
  await truncate(file, bytes.length - 10);

  expect(await openPackage(letters, context)).toEqual(entries);
  expect(notes).toContain(`${file} is damaged (unexpected end of file)`);
  expect(await readFile(file)).toEqual(bytes);
});

test('many may fetch the same package at once', async () => {
  const registry = await fakeRegistry();
  const letters = await registry.publish('letters', await textPackage({ 'a.txt': 'A' }));
  const cache = await temporaryFolder();
  const all = await Promise.all(Array.from({ length: 4 }, () => openPackage(letters, sourceContext(cache).context)));
  for (const entries of all) expect([...entries.keys()]).toEqual(['package/a.txt']);
  expect(await readdir(`${cache}/npm`)).toHaveLength(1);
});

test('ends npm when the run ends', async () => {
  const registry = await fakeRegistry();
  const never = await registry.publish('never', Buffer.alloc(0));
  const run = new AbortController();
  const { context } = sourceContext(await temporaryFolder(), run.signal);
  const opening = openPackage(never, context);
  await expect.poll(registry.log).toEqual(['pack never@1.0.0']);
  run.abort(new Error('the run was stopped'));
  await expect(opening).rejects.toThrow('the run was stopped');
  expect(await readdir(`${context.cache}/npm`)).toEqual([]);
});

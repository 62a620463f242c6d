import { existsSync, mkdirSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { buildInstallation } from '../../../stages/backend/build.js';
import { isComplete } from '../../../stages/backend/installation.js';
import type { SetupEvent } from '../../../stages/backend/setup-event.js';
import { findToolchain, type Toolchain } from '../../../stages/backend/toolchain.js';
import { type FakeTools, fakeTools, wheelMembers, wheelOf, zipOf } from './fake-tools.js';

const content = zipOf(wheelMembers);
const wheel = wheelOf(content);

async function build(fake: FakeTools, report: (event: SetupEvent) => void = () => {}): Promise<boolean> {
  const tools = (await findToolchain()) as Toolchain;
  return buildInstallation(fake.installation(), [wheel], tools, report);
}

test('a build fetches, unpacks and compiles, keeps no wheel, and is not done twice', async () => {
  const fake = fakeTools({ wheel: content });
  const steps = new Set<string>();
  expect(await build(fake, ({ step }) => steps.add(step))).toBe(true);
  expect([...steps]).toEqual(['fetch', 'unpack', 'compile']);
  expect(isComplete(fake.installation())).toBe(true);
  expect(readdirSync(fake.cache)).toEqual(['build']);
  expect(readdirSync(join(fake.cache, 'build')).sort()).toEqual([
    'complete.json',
    'kernels.node',
    'quiet.node',
    'tensorflow',
    'tfjs_binding.node',
  ]);
  expect(await build(fake)).toBe(false);
  expect([...new Set(fake.started())]).toEqual(['download', 'compile']);
});

test.each([
  { step: 'fetch', downloads: 1 },
  { step: 'unpack', downloads: 1 },
  { step: 'compile', downloads: 1 },
] as const)(
  'a build that dies at $step leaves nothing complete, and the next one goes on',
  async ({ step, downloads }) => {
    const fake = fakeTools({ wheel: content });
    const dies = build(fake, (event) => {
      if (event.step === step) throw new Error('killed');
    });
    await expect(dies).rejects.toThrow('killed');
    expect(isComplete(fake.installation())).toBe(false);
    expect(existsSync(fake.installation().folder)).toBe(false);
    expect(await build(fake)).toBe(true);
    expect(isComplete(fake.installation())).toBe(true);
    expect(fake.started().filter((name) => name === 'download')).toHaveLength(downloads);
  },
);

test('two builds at once: one builds, the other waits for it', async () => {
  const fake = fakeTools({ wheel: content });
  const steps: string[] = [];
  const report = ({ step }: SetupEvent) => steps.push(step);
  expect((await Promise.all([build(fake, report), build(fake, report)])).sort()).toEqual([false, true]);
  expect([...new Set(fake.started())]).toEqual(['download', 'compile']);
  expect(steps).toContain('wait');
});

test('the lock and the leftovers of a killed build are taken over', async () => {
  const fake = fakeTools({ wheel: content });
  const { folder } = fake.installation();
  const left = join(`${folder}.building`, 'fetch-1');
  mkdirSync(left, { recursive: true });
  writeFileSync(join(left, wheel.file), content.subarray(0, 10));
  writeFileSync(join(`${folder}.building`, wheel.file), content.subarray(0, 10));
  mkdirSync(`${folder}.lock`);
  utimesSync(`${folder}.lock`, new Date(0), new Date(0));
  expect(await build(fake)).toBe(true);
  expect(readdirSync(fake.cache)).toEqual(['build']);
});

test('a build of which a file went away or shrank is made again', async () => {
  const fake = fakeTools({ wheel: content });
  await build(fake);
  rmSync(join(fake.installation().folder, 'tensorflow/libtensorflow_cc.so.2'));
  expect(isComplete(fake.installation())).toBe(false);
  expect(await build(fake)).toBe(true);
  writeFileSync(fake.installation().addon, '');
  expect(isComplete(fake.installation())).toBe(false);
  expect(await build(fake)).toBe(true);
});

test('a compiler that fails is quoted, and the wheel is kept for the next try', async () => {
  const fake = fakeTools({ wheel: content });
  const tools = (await findToolchain()) as Toolchain;
  const broken = { ...tools.compiler, program: '/bin/sh', prefix: ['-c', 'echo "error: no such header" >&2; exit 1'] };
  const failing = buildInstallation(fake.installation(), [wheel], { ...tools, compiler: broken }, () => {});
  await expect(failing).rejects.toThrow(/error: no such header[\s\S]*CXX/);
  expect(await build(fake)).toBe(true);
  expect([...new Set(fake.started())]).toEqual(['download', 'compile']);
});

test('a disk that is too small is refused before anything is fetched', async () => {
  const fake = fakeTools({ wheel: content });
  const huge = { ...wheel, unpackedBytes: Number.MAX_SAFE_INTEGER };
  const tools = (await findToolchain()) as Toolchain;
  const tooBig = buildInstallation(fake.installation(), [huge], tools, () => {});
  await expect(tooBig).rejects.toThrow(/the disk has .* left[\s\S]*ALIGNFLOW_CACHE/);
  expect(fake.started()).toEqual([]);
});

test('a cache folder that cannot be made is named', async () => {
  const fake = fakeTools({ wheel: content });
  writeFileSync(fake.cache, 'a file');
  await expect(build(fake)).rejects.toThrow(/cache[\s\S]*could not be set up[\s\S]*ALIGNFLOW_CACHE/);
});

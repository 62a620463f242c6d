import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { unpack } from '../../../stages/backend/unpack.js';
import { temporaryFolder, wheelMembers, wheelOf, zipOf } from './fake-tools.js';

function place(content: Buffer): { file: string; folder: string } {
  const folder = temporaryFolder();
  const file = join(folder, 'a.whl');
  writeFileSync(file, content);
  return { file, folder: join(folder, 'out') };
}

test('only the wanted members are unpacked, and progress counts their bytes', async () => {
  const content = zipOf(wheelMembers);
  const { file, folder } = place(content);
  const seen: (number | undefined)[] = [];
  await unpack(file, wheelOf(content), folder, ({ done }) => seen.push(done));
  expect(readdirSync(folder, { recursive: true }).sort()).toEqual([
    'tensorflow',
    'tensorflow/include',
    'tensorflow/include/tensorflow',
    'tensorflow/include/tensorflow/c',
    'tensorflow/include/tensorflow/c/c_api.h',
    'tensorflow/libtensorflow_cc.so.2',
  ]);
  expect(readFileSync(join(folder, 'tensorflow/libtensorflow_cc.so.2'), 'utf8')).toBe('library');
  expect(seen.at(-1)).toBe('// header'.length + 'library'.length);
});

test('programs are executable', async () => {
  const { file, folder } = place(zipOf({ 'nvidia/cuda_nvcc/bin/ptxas': 'program' }));
  await unpack(file, { members: ['nvidia/cuda_nvcc/bin/'], unpackedBytes: 100 }, folder, () => {});
  expect(statSync(join(folder, 'nvidia/cuda_nvcc/bin/ptxas')).mode & 0o100).toBe(0o100);
});

test.each(['tensorflow/include/../../../escaped', '../escaped', '/escaped', 'tensorflow/include/..\\..\\..\\escaped'])(
  'a member named %s is refused, and nothing is written outside',
  async (name) => {
    const content = zipOf({ ...wheelMembers, [name]: 'hostile' });
    const { file, folder } = place(content);
    await expect(unpack(file, wheelOf(content), folder, () => {})).rejects.toThrow(/could not be unpacked/);
    expect(existsSync(join(dirname(folder), 'escaped'))).toBe(false);
    expect(existsSync('/escaped')).toBe(false);
  },
);

test('a wheel without a wanted member, a larger one, a cut one and no zip at all are refused', async () => {
  const { 'tensorflow/libtensorflow_cc.so.2': _, ...without } = wheelMembers;
  const whole = zipOf(wheelMembers);
  const cases: [Buffer, Partial<ReturnType<typeof wheelOf>>, RegExp][] = [
    [zipOf(without), {}, /it lacks tensorflow\/libtensorflow_cc.so.2/],
    [whole, { unpackedBytes: 10 }, /take more than 10 bytes/],
    [whole.subarray(0, whole.length - 30), {}, /could not be unpacked/],
    [Buffer.from('no zip'), {}, /could not be unpacked/],
  ];
  for (const [content, change, message] of cases) {
    const { file, folder } = place(content);
    await expect(unpack(file, { ...wheelOf(content), ...change }, folder, () => {})).rejects.toThrow(message);
  }
});

import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { pack } from 'tar-stream';
import { expect, test } from 'vitest';
import { readEntries, readJson, writeEntries } from '../../../manifests/emoji/operators/tarball.js';
import { tar, temporaryFolder } from './registry.js';

const wanted = /^package\/[a-z]+\.png$/;

async function read(tarball: Buffer) {
  const folder = await temporaryFolder();
  const file = join(folder, 'package.tgz');
  await writeFile(file, tarball);
  return readEntries(file, wanted).finally(async () => expect(await readdir(folder)).toEqual(['package.tgz']));
}

test('reads the wanted entries and nothing else', async () => {
  const entries = await read(
    gzipSync(
      await tar(
        { name: 'package/a.png', bytes: 'A' },
        { name: 'package/readme.md', bytes: 'no' },
        { name: 'package/b.png', bytes: 'B' },
      ),
    ),
  );
  expect([...entries].map(([name, bytes]) => [name, bytes.toString()])).toEqual([
    ['package/a.png', 'A'],
    ['package/b.png', 'B'],
  ]);
});

test('passes over names that lead elsewhere, links and folders', async () => {
  const entries = await read(
    gzipSync(
      await tar(
        { name: '../package/a.png', bytes: 'x' },
        { name: '/package/a.png', bytes: 'x' },
        { name: 'package/../a.png', bytes: 'x' },
        { name: 'package/sub/a.png', bytes: 'x' },
        { name: 'package/a.png\n', bytes: 'x' },
        { name: 'package/link.png', type: 'symlink', linkname: '/etc/passwd' },
        { name: 'package/hard.png', type: 'link', linkname: '/etc/passwd' },
        { name: 'package/folder.png', type: 'directory' },
      ),
    ),
  );
  expect([...entries.keys()]).toEqual([]);
});

test('refuses an entry of more than 4 MiB', async () => {
  const bytes = Buffer.alloc((4 << 20) + 1);
  const tarball = gzipSync(await tar({ name: 'package/big.png', bytes }), { level: 1 });
  await expect(read(tarball)).rejects.toThrow(/package\/big\.png is too large \(4194305 bytes/);
});

test('refuses more than 64 MiB in all', async () => {
  const bytes = Buffer.alloc(4 << 20);
  const names = Array.from({ length: 16 }, (_, i) => `package/${'abcdefghijklmnop'[i]}.png`);
  const tarball = gzipSync(await tar(...names.map((name) => ({ name, bytes }))), { level: 1 });
  await expect(read(tarball)).rejects.toThrow(/package\/p\.png is too large/);
});

test('does not wait for the bytes that an entry claims to have', async () => {
  const stream = pack();
  stream.entry({ name: 'package/a.png', size: 2 ** 33 });
  const header = await new Promise((resolve) => stream.once('data', resolve));
  stream.destroy();
  await expect(read(gzipSync(header as Buffer))).rejects.toThrow(/too large \(8589934592 bytes/);
});

test('a file that is cut off, or no .tgz, is an error', async () => {
  const bytes = await tar({ name: 'package/a.png', bytes: Buffer.alloc(3000, 'A') });
  const tarball = gzipSync(bytes, { level: 0 });
  await expect(read(tarball.subarray(0, tarball.length - 2000))).rejects.toThrow('unexpected end of file');
  await expect(read(gzipSync(bytes.subarray(0, 2000)))).rejects.toThrow(/unexpected end of data/i);
  await expect(read(Buffer.from('<html>not found</html>'))).rejects.toThrow('incorrect header check');
  await expect(readEntries(join(await temporaryFolder(), 'none.tgz'), wanted)).rejects.toThrow('ENOENT');
});

test('a flipped bit is noticed', async () => {
  const tarball = gzipSync(await tar({ name: 'package/a.png', bytes: Buffer.alloc(3000, 'A') }), { level: 0 });
  tarball[1500] = tarball[1500]! ^ 1;
  await expect(read(tarball)).rejects.toThrow('incorrect data check');
});

test('writes entries that read back, the same bytes each time', async () => {
  const folder = await temporaryFolder();
  const entries = new Map([
    ['package/a.png', Buffer.from('A')],
    ['package/b.png', Buffer.alloc(2000, 'B')],
    ['package/empty.png', Buffer.alloc(0)],
  ]);
  await writeEntries(join(folder, '1'), entries);
  await writeEntries(join(folder, '2'), entries);
  expect(await readEntries(join(folder, '1'), wanted)).toEqual(entries);
  expect(await readFile(join(folder, '1'))).toEqual(await readFile(join(folder, '2')));
});

test('an entry that is not there is named', () => {
  expect(() => readJson(new Map(), 'package/emoji.json')).toThrow('the package has no package/emoji.json');
});

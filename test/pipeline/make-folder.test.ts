import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { makeFolder } from '../../pipeline/make-folder.js';
import { makeFolder as temporaryFolder } from './folder.js';

it('makes a folder and those around it, and leaves one that is there', () => {
  const folder = temporaryFolder({ 'file.txt': 'text' });
  const deep = join(folder, 'a/b/c');
  makeFolder(deep);
  makeFolder(deep);
  expect(statSync(deep).isDirectory()).toBe(true);
  expect(() => makeFolder(join(folder, 'file.txt'))).toThrow('EEXIST');
  expect(() => makeFolder(join(folder, 'file.txt/a'))).toThrow('ENOTDIR');
});

it.skipIf(!existsSync('/proc/self'))('ends where nobody can make a folder', () => {
  expect(() => makeFolder('/proc/alignflow/a/b')).toThrow('ENOENT');
});

import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { cacheFolder } from '../../pipeline/cache-folder.js';

const home = join(homedir(), '.cache', 'alignflow');

test.each([
  [{ ALIGNFLOW_CACHE: '/a', XDG_CACHE_HOME: '/b' }, '/a'],
  [{ ALIGNFLOW_CACHE: 'a' }, resolve('a')],
  [{ ALIGNFLOW_CACHE: '', XDG_CACHE_HOME: '/b' }, '/b/alignflow'],
  [{ XDG_CACHE_HOME: 'relative' }, home],
  [{ XDG_CACHE_HOME: '' }, home],
  [{}, home],
])('%j', (environment, folder) => {
  expect(cacheFolder(environment)).toBe(folder);
});

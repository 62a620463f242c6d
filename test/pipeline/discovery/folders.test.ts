import { mkdirSync, symlinkSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { sourceFiles } from '../../../pipeline/discovery/folders.js';
import { makeFolder } from '../folder.js';

/** The sources of the folder `mine` of a folder, and the problems with it, both as paths in that folder. */
function look(folder: string) {
  const problems: string[] = [];
  const files = sourceFiles(join(folder, 'mine'), ({ at, message }) => problems.push(`${at.file}: ${message}`));
  const short = (text: string) => text.replaceAll(`${folder}/`, '');
  return { files: files.map(short), problems: problems.map(short).sort() };
}

it('takes a link to a file of the folder for that file, once, and tells of other links', () => {
  const folder = makeFolder({
    'mine/a.ts': '',
    'mine/deep/b.ts': '',
    'mine/.kept/c.ts': '',
    'mine/d.txt': '',
    'other/e.ts': '',
  });
  mkdirSync(join(folder, 'mine/inner.ts'));
  const link = (target: string, path: string) => symlinkSync(target, join(folder, path));
  link('a.ts', 'mine/again.ts');
  link('.kept/c.ts', 'mine/c.ts');
  link('d.txt', 'mine/d.ts');
  link('../other/e.ts', 'mine/e.ts');
  link('nothing.ts', 'mine/f.ts');
  link('g.ts', 'mine/g.ts');
  link('inner.ts', 'mine/h.ts');
  link('../other/e.ts', 'mine/e.test.ts');
  link('../other', 'mine/other');
  expect(look(folder)).toEqual({
    files: ['mine/.kept/c.ts', 'mine/a.ts', 'mine/deep/b.ts'],
    problems: [
      'mine/d.ts: the link leads to mine/d.txt',
      'mine/e.ts: the link leads to other/e.ts',
      'mine/f.ts: the link leads to no file',
      'mine/g.ts: the link leads to no file',
      'mine/h.ts: the link leads to no file',
      'mine/other: the link leads to the folder other',
    ],
  });
});

it('reads no file that is too large to be source', () => {
  const folder = makeFolder({ 'mine/a.ts': '', 'mine/data.ts': '' });
  truncateSync(join(folder, 'mine/data.ts'), 6e6);
  expect(look(folder)).toEqual({ files: ['mine/a.ts'], problems: ['mine/data.ts: the file has 6 MB'] });
});

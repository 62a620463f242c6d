import { expect, test } from 'vitest';
import { lastLines, runCommand, saysDiskFull } from '../../../stages/backend/command.js';

test('a program that ends well, one that fails, one that is killed, and none at all', async () => {
  const sh = (script: string) => runCommand('/bin/sh', ['-c', script]);
  expect(await sh('echo out; echo err >&2')).toEqual({
    ok: true,
    output: expect.stringMatching(/out[\s\S]*err|err[\s\S]*out/),
  });
  expect(await sh('echo why >&2; exit 3')).toEqual({ ok: false, output: 'why\n' });
  expect(await sh('kill -9 $$')).toEqual({ ok: false, output: '\nended by SIGKILL' });
  expect(await runCommand('/no/such/program', [])).toEqual({ ok: false, output: expect.stringContaining('ENOENT') });
});

test('only the end of a long output is kept', async () => {
  const { output } = await runCommand(process.execPath, ['-e', "process.stdout.write('x'.repeat(200000) + 'end')"]);
  expect(output).toHaveLength(65_536);
  expect(output.endsWith('xend')).toBe(true);
});

test('the last lines that say something', () => {
  expect(lastLines('one\ntwo\n\n  three  \n\n', 2)).toBe('two\n    three');
  expect(lastLines('\n')).toBe('');
});

test.each([
  ['ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device', true],
  ['ENOSPC: no space left on device, write', true],
  ['/usr/bin/ld: final link failed: No space left on device', true],
  ['EDQUOT: disk quota exceeded, write', true],
  ['ERROR: No matching distribution found for tensorflow-cpu==2.21.0', false],
])('%s', (text, full) => {
  expect(saysDiskFull(text)).toBe(full);
});

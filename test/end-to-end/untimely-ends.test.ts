import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { makeFolder } from '../pipeline/folder.js';

/** The built command, `npm run build` has made it. */
const command = join(import.meta.dirname, '../../stages/alignflow.js');

/** A source of 2,000 rows in 4 units, and an operator that does something bad at the second batch. */
const operators = {
  'operators/words.ts': `import { batchOf, defineSource, utf8Column } from 'alignflow';
import { Field, Schema, Utf8 } from 'apache-arrow';
export default defineSource({
  name: 'test/words', defaults: {},
  schema: async (_: object) => new Schema([new Field('word', new Utf8(), true)]),
  units: async () => [0, 1, 2, 3].map((unit) => ({ file: \`unit \${unit}\`, rows: 500 })),
  read: async function* () { yield batchOf({ word: utf8Column(Array.from({ length: 500 }, () => 'a')) }); },
});
`,
  'operators/bad.ts': `import { defineOperator } from 'alignflow';
import { concatMap, defer, from } from 'rxjs';
export interface Bad { does: 'timer' | 'promise' | 'exit' }
const later = () => new Promise((resolve) => setTimeout(resolve, 50));
export default defineOperator({
  name: 'test/bad', defaults: {}, reads: (_: Bad) => ({}), writes: (schema) => schema,
  run: ({ does }) => (source) => defer(() => {
    let batches = 0;
    return source.pipe(concatMap((batch) => {
      if (++batches === 2) {
        if (does === 'exit') process.exit(0);
        if (does === 'timer') setTimeout(() => { throw new Error('from a timer'); });
        if (does === 'promise') void Promise.reject(new Error('from a promise'));
      }
      return from(later().then(() => batch));
    }));
  }),
});
`,
};

function project(step: string): string {
  const stage = `{ use: filtering, source: { use: test/words }, steps: [${step}] }`;
  const text = `name: n\noutput: runs\noperators: [./operators]\nstages:\n  all: ${stage}\n`;
  return makeFolder({ 'm.yaml': text, ...operators });
}

/** Runs a shell command in a folder, in which `alignflow` is the built command: its exit code and what it printed. */
async function shell(folder: string, script: string): Promise<{ code: number | null; out: string; log: string }> {
  const child = spawn('bash', ['-c', `alignflow() { "${process.execPath}" "${command}" "$@"; }; ${script}`], {
    cwd: folder,
    env: { ...process.env, NO_COLOR: '1', ALIGNFLOW_CACHE: join(folder, 'cache') },
  });
  let [out, log] = ['', ''];
  child.stdout.on('data', (text) => {
    out += text;
  });
  child.stderr.on('data', (text) => {
    log += text;
  });
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
  return { code, out, log };
}

describe('an end that nobody wanted', { timeout: 60_000 }, () => {
  it.each(['timer', 'promise'])('is told once where a %s throws, and frees the folder', async (does) => {
    const folder = project(`{ use: test/bad, with: { does: ${does} } }`);
    const { code, log } = await shell(folder, 'alignflow run m.yaml');
    expect(code).toBe(1);
    expect(log.match(/^error .*/gm)).toEqual([
      `error stage all: an error that nobody caught, from outside of any call of an operator, a source or a stage: from a ${does}`,
    ]);
    expect(log).toMatch(/at .*\/bad-\w+\.mjs:\d+/);
    expect(existsSync(join(folder, 'runs/run.json'))).toBe(false);
    expect(existsSync(join(folder, 'runs/run.lock'))).toBe(false);
  });

  it('is no success where an operator calls process.exit', async () => {
    const folder = project('{ use: test/bad, with: { does: exit } }');
    const { code, log } = await shell(folder, 'alignflow run m.yaml');
    expect(code).toBe(1);
    expect(log.match(/^error .*/gm)).toEqual(['error process.exit(0) was called while the command was at work']);
    expect(existsSync(join(folder, 'runs/run.lock'))).toBe(false);
  });

  it('is quiet where nobody reads, and one message where nothing can be written', async () => {
    const folder = project('{ use: filter/equals, with: { column: word, values: [b] } }');
    expect(await shell(folder, 'alignflow run m.yaml')).toMatchObject({ code: 0 });
    const pipe = 'set -o pipefail; alignflow dropped runs --json | head -1';
    const { code, out, log } = await shell(folder, pipe);
    expect({ code, log }).toEqual({ code: 141, log: '' });
    expect(out).toContain('"reason":"other"');

    const full = await shell(folder, 'alignflow dropped runs > /dev/full');
    expect(full.code).toBe(1);
    expect(full.log).toMatch(/^error standard output cannot be written: ENOSPC.*\n$/);
  });

  it('is not that of a run whose events nobody reads', async () => {
    const folder = project('{ use: filter/equals, with: { column: word, values: [b] } }');
    const { code, log } = await shell(folder, 'set -o pipefail; alignflow run m.yaml --events - | true');
    expect(code).toBe(0);
    expect(log).toContain('standard output: no more events are written: ');
    expect(existsSync(join(folder, 'runs/all/stage.json'))).toBe(true);
  });
});

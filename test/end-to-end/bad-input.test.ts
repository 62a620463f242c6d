import { type FileHandle, mkdir, open, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { reportOf, runManifest, startCommand } from './running.js';
import { drawShapes, makeFolder, writeShapes } from './shapes.js';

let folder: string;
let part: string;

beforeEach(async () => {
  folder = await makeFolder();
  part = join(folder, 'data/train/part-00000.parquet');
  await writeShapes(folder, 'train', await drawShapes(2, 1), 12);
  await writeShapes(folder, 'test', await drawShapes(1, 2));
});

afterEach(async () => {
  vi.restoreAllMocks();
  await rm(folder, { recursive: true, force: true });
});

const resize = '{ use: image/resize, with: { column: image, into: pixels, size: 16 } }';

/** What a run says, in one text. */
async function said(...set: readonly string[]): Promise<string> {
  return runManifest(folder, ...set).then(
    () => 'nothing',
    (error: Error) => error.message,
  );
}

/** An operator that never comes to its end, and a source that never says what it has. */
const never = {
  'never.ts': `import { defineOperator } from 'alignflow';
import { concat, NEVER } from 'rxjs';
export default defineOperator({
  name: 'test/never', defaults: {}, reads: (_: object) => ({}), writes: (schema) => schema,
  run: () => (source) => concat(source, NEVER),
});
`,
  'silent.ts': `import { defineSource } from 'alignflow';
import { Field, Schema, Utf8 } from 'apache-arrow';
export default defineSource({
  name: 'test/silent', defaults: {}, schema: () => new Promise(() => undefined), units: async (_: object) => [],
  async *read() {},
});
`,
};

/** A source that forgets to give its schema. */
const vague = `import { defineSource } from 'alignflow';
export default defineSource({
  name: 'test/vague', defaults: {}, schema: async (_: object) => undefined as never, units: async () => [],
  async *read() {},
});
`;

describe('bad input', () => {
  it('a source that gives no schema is a problem at its line, not a stage less', async () => {
    await mkdir(join(folder, 'operators'));
    await writeFile(join(folder, 'operators/vague.ts'), vague);
    const stage = 'all:\n    use: filtering\n    source: { use: test/vague }';
    await writeFile(join(folder, 'shapes.yaml'), `name: shapes\noperators: [./operators]\nstages:\n  ${stage}\n`);
    expect(await said()).toBe('6: schema of test/vague gives nothing');
  });

  it('what never comes to its end ends the command all the same, with an error', { timeout: 60_000 }, async () => {
    await mkdir(join(folder, 'operators'));
    for (const [name, text] of Object.entries(never)) await writeFile(join(folder, 'operators', name), text);
    const file = join(folder, 'shapes.yaml');
    const manifest = (stage: string) =>
      `name: shapes\nmemory: 256MB\noperators: [./operators]\nstages:\n  all: ${stage}\n`;
    const source = '{ use: source/parquet, with: { path: data/train } }';
    await writeFile(file, manifest(`{ use: filtering, source: ${source}, steps: [{ use: test/never }] }`));
    const operator = startCommand(folder);
    expect(await operator.ended).toBe(1);
    expect(operator.log()).toMatch(
      /stage all, operator test\/never\[0\]: the operator has had all rows and never ends\n/,
    );
    await writeFile(file, manifest('{ use: filtering, source: { use: test/silent } }'));
    const silent = startCommand(folder);
    expect(await silent.ended).toBe(1);
    expect(silent.log()).toMatch(/^error the command waits for what never comes/m);
  });

  it('a Parquet file that is cut off, empty or missing is found before anything runs, at its line', async () => {
    const bytes = await readFile(part);
    await truncate(part, bytes.length - 100);
    expect(await said()).toMatch(
      /^11: data\/train\/part-00000\.parquet: this is not a whole Parquet file: its end is missing/,
    );
    await writeFile(part, '');
    expect(await said()).toMatch(/^11: data\/train\/part-00000\.parquet: .* it has only 0 bytes/);
    await rm(part);
    expect(await said()).toMatch(/^11: data\/train: there is no \*\.parquet file in this folder/);
    expect(await readdir(folder)).not.toContain('runs');
  });

  it('a page that is damaged is named by file and row group, and what was written is not taken for complete', async () => {
    const bytes = await readFile(part);
    bytes.fill(7, bytes.length >> 1, (bytes.length >> 1) + 400);
    await writeFile(part, bytes);
    expect(await said()).toMatch(
      /^data\/train\/part-00000\.parquet, row group \d, stage pairs, operator source\/parquet: the file is damaged: .*\n {2}expected: .*\n {2}to do: /,
    );
    const left = await readdir(join(folder, 'runs/pairs'), { recursive: true });
    expect(left.filter((name) => name.endsWith('.parquet') || name.endsWith('.tmp') || name === 'stage.json')).toEqual(
      [],
    );
    expect(reportOf(folder).stages).toMatchObject([{ name: 'pairs', status: 'failed' }]);
  });

  it('a page that decodes in more than the memory of the run is refused with the arithmetic', async () => {
    const large = { image: new Uint8Array(30e6), caption: 'large', key: 'large' };
    await rm(part);
    await writeShapes(folder, 'train', [large], 1);
    // Seven times the page, less what parts of small pages take: five times 16 MiB.
    expect(await said('memory=250MB')).toBe(
      [
        'data/train/part-00000.parquet, row group 0, stage pairs, operator source/parquet: decoding its largest page, or a column of lists, takes 126 MB beside the rows, and the memory for both is 250 MB',
        '  expected: a memory of 255 MB at least, 128 MB of it for rows, 32.8 KB for what steps keep',
        '  to do: raise `memory`, or write the file with smaller row groups (`row_group_size=100` in pyarrow)',
      ].join('\n'),
    );
    expect(await said('memory=255MB')).not.toMatch(/decoding/);
  });

  it('a filter that keeps nothing is named by the stage that would learn from it, with its ledger', async () => {
    const none = '{ use: filter/caption-length, with: { min: 50 } }';
    expect(await said(`stages.pairs.steps=[${none}, ${resize}]`)).toBe(
      `stage tokens, operator source/parquet: pairs kept no row\n  expected: at least one row to read\n  to do: loosen the filters of pairs: ${join(folder, 'runs/pairs/ledger.parquet')} says why each row was dropped`,
    );
    const [pairs, circles] = reportOf(folder).stages;
    expect(pairs?.rows).toMatchObject({ in: 36, out: 0, ledger: 36 });
    expect(circles).toMatchObject({ name: 'circles', status: 'complete', rows: { in: 0, out: 0 } });
  });

  it('steps that let nothing through to a trainer end it', async () => {
    const steps = '[{ use: filter/caption-length, with: { min: 50 } }]';
    const light = 'stages.generate.steps=[{ use: order/batch, with: { rows: 8 } }]';
    expect(await said(`stages.contrast.steps=${steps}`, light, 'memory=2MB')).toMatch(
      /^stage contrast: no batch comes out of the steps, though all rows went in \d+ times: source\/parquet \+ source\/parquet gave \d+ rows, filter\/caption-length\[0\] gave 0 rows\n/,
    );
  });

  it('a column of another type is a problem of the manifest', async () => {
    const steps = `[${resize}, { use: filter/score, with: { column: caption, min: 1 } }]`;
    expect(await said(`stages.pairs.steps=${steps}`)).toMatch(/filter\/score reads the column caption, which is Utf8/);
  });

  it('a checkpoint of another model size is a problem of the manifest', async () => {
    const wide =
      'stages.generate={ use: contrastive, from: tokens, init: contrast, with: { model: tiny, vision: { image: 16, patch: 4 }, steps: 1, warmup: 0 } }';
    expect(await said(wide)).toMatch(
      /the checkpoint of contrast is of another size: \S+ is \[[\d, ]+\] there and \[[\d, ]+\] here/,
    );
  });

  it('a disk that is full is said, leaves nothing half-written, and the next run goes on', async () => {
    const handle = await open(part);
    const files = Object.getPrototypeOf(handle) as FileHandle;
    await handle.close();
    const full = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
    vi.spyOn(files, 'write').mockRejectedValue(full);
    const stages = [
      'stages={ pairs: { use: filtering, source: { use: source/parquet, with: { path: data/train } } } }',
    ];
    expect(await said(...stages)).toMatch(
      /^\S+runs\/pairs\/\S+\.parquet, stage pairs: the disk is full\n {2}to do: free some space, or set `output` to a folder on another disk/,
    );
    expect(
      (await readdir(join(folder, 'runs/pairs'), { recursive: true })).filter((name) => name.endsWith('.tmp')),
    ).toEqual([]);
    vi.restoreAllMocks();
    expect(await said(...stages)).toBe('nothing');
    expect(reportOf(folder).stages).toMatchObject([{ status: 'complete', rows: { in: 36, out: 36, ledger: 0 } }]);
  });
});

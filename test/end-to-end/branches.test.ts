import { readFileSync, writeFileSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { explainPlan } from '../../pipeline/plan/explain.js';
import { planManifest } from '../../pipeline/plan/plan-manifest.js';
import { readRows, reportOf, runManifest } from './running.js';
import { badRows, drawShapes, makeFolder, writeShapes } from './shapes.js';

let folder: string;

beforeEach(async () => {
  folder = await makeFolder();
  writeFileSync(join(folder, 'shapes.yaml'), manifest);
  const bad = await badRows();
  const good = await drawShapes(2, 1);
  await writeShapes(folder, 'train', [...bad.slice(0, 4), ...good, ...bad.slice(4)], 12);
});

afterEach(() => rm(folder, { recursive: true, force: true }));

const manifest = `name: branched
seed: 7
memory: 64MB
variables: { batch: 64 }
stages:
  pairs:
    use: filtering
    source: { use: source/parquet, with: { path: data/train, batch: "\${batch}" } }
    steps:
      - { use: filter/image-size, with: { minSide: 8 }, rejected: unfit }
      - { use: filter/caption-length, with: { min: 2 }, rejected: unfit }
      - { use: dedup/exact, with: { columns: [image, caption], expected: 1000 } }
      - { use: image/resize, with: { column: image, into: pixels, size: 16 }, rejected: broken }
    branches:
      unfit: {}
      broken: {}
      red:
        steps:
          - { use: filter/equals, with: { column: key, values: [red circle, red square] } }
          - { use: columns/select, with: { columns: [caption, key] } }
        sink: { use: sink/parquet, with: { rowGroup: 2 } }
  rest:
    use: filtering
    from: [pairs.unfit, pairs.broken]
    mix: exhaustion
  tokens: { use: tokenization, from: pairs, with: { vocabulary: 300 } }
`;

const captions = async (path: string) => {
  const files = (await readdir(join(folder, 'runs', path))).filter((name) => name.endsWith('.parquet')).sort();
  const rows = await Promise.all(files.map((file) => readRows(join(folder, 'runs', path, file))));
  return rows.flat();
};

describe('branches', () => {
  it('get the rows that steps drop, as they came in, and those that the stage writes', async () => {
    await runManifest(folder);
    const unfit = await captions('pairs/branches/unfit');
    expect(Object.keys(unfit[0]!)).toEqual(['image', 'caption', 'language', 'key']);
    expect(unfit.map(({ caption }) => caption)).toEqual([
      'a bad row', // no image at all
      'a bad row', // 1 pixel wide
      'a bad row', // claims to be huge
      'a bad row', // no image
      null,
      'word',
    ]);
    const cut = (await badRows())[1]!;
    expect(await captions('pairs/branches/broken')).toMatchObject([
      { caption: 'a bad row', image: Uint8Array.from(cut.image!) },
    ]);
    expect((await captions('pairs/branches/red')).map(({ caption }) => caption)).toEqual([
      'a red circle',
      'a red square',
      'a red circle',
      'a red square',
    ]);
    expect(await captions('rest/rows')).toHaveLength(7);
  });

  it('have sums and a ledger of their own, beside those of the stage', async () => {
    await runManifest(folder);
    const { rows } = reportOf(folder).stages[0]!;
    expect(rows).toMatchObject({
      in: 45,
      out: 37,
      ledger: 8,
      branches: [
        { name: 'unfit', in: 6, out: 6, ledger: 0 },
        { name: 'broken', in: 1, out: 1, ledger: 0 },
        { name: 'red', in: 37, out: 4, ledger: 33 },
      ],
    });
    const ledger = await readRows(join(folder, 'runs/pairs/ledger.parquet'));
    const stages = ledger.map(({ stage }) => stage);
    expect(stages.filter((stage) => stage === 'pairs')).toHaveLength(8);
    expect(stages.filter((stage) => stage === 'pairs.red')).toHaveLength(33);
    const page = readFileSync(join(folder, 'runs/report.html'), 'utf8');
    expect(page).toContain('<h4>Branch red</h4>');
    expect(page).toContain('<b>37</b> in = <b>4</b> out + <b>33</b> in the ledger');
  });

  it('have the same bytes for any batches', async () => {
    const digests = new Set<string>();
    for (const batch of [1, 7, 1000, 65_536]) {
      await rm(join(folder, 'runs'), { recursive: true, force: true });
      await runManifest(folder, `variables.batch=${batch}`);
      digests.add(
        reportOf(folder)
          .stages.map(({ digest }) => digest)
          .join(),
      );
    }
    expect(digests.size).toBe(1);
  });

  it('are printed in the plan', async () => {
    const { plan } = await planManifest(join(folder, 'shapes.yaml'));
    expect(explainPlan(plan!)).toContain(`  branch unfit: what filter/image-size[0] and filter/caption-length[1] drops
    into sink/parquet
  branch broken: what image/resize[3] drops
    into sink/parquet
  branch red: the rows above
    filter/equals[0]  column: key, values: ["red circle","red square"]
    columns/select[1]  columns: ["caption","key"]
      - image, language, pixels
    into sink/parquet  rowGroup: 2
`);
  });
});

describe('a manifest with branches', () => {
  const problems = async (from: string, to: string) => {
    const text = manifest.replace(from, to);
    expect(text).not.toBe(manifest);
    writeFileSync(join(folder, 'shapes.yaml'), text);
    const { problems } = await planManifest(join(folder, 'shapes.yaml'));
    return problems.map(({ code, message, nearest }) => [code, message, nearest].filter(Boolean).join(': '));
  };

  it.each([
    ['      unfit: {}\n', '', 'unknown-branch: the stage pairs has no branch unfit'],
    ['rejected: broken', 'rejected: brokn', 'unknown-branch: the stage pairs has no branch brokn: broken'],
    ['pairs.broken]', 'pairs.brokn]', 'from of the stage rest names pairs.brokn, which is no stage: pairs.broken'],
    [', pairs.broken]', ']', 'unused: no stage takes the rows of the branch pairs.broken'],
    ['rejected: broken', 'rejected: unfit', 'the rows of pairs.broken cannot be mixed with those of pairs.unfit'],
    ['columns: [caption, key]', 'columns: [capton]', 'capton'],
    [
      'branches:\n      unfit: {}',
      'branches:\n      un.fit: {}\n      unfit: {}',
      'value: un.fit cannot name a branch',
    ],
    ['unfit: {}', 'unfit: []', 'stages.pairs.branches.unfit is a list'],
    ['    mix: exhaustion', '    mix: exhaustion\n    init: pairs.red', 'a filtering stage takes no init'],
  ])('says what is wrong: %s as %s', async (from, to, message) => {
    expect((await problems(from, to)).join('\n')).toContain(message);
  });

  it('says that rows of different columns cannot go into one branch', async () => {
    const select = '{ use: columns/select, with: { columns: [image, caption] } }';
    const steps = '{ use: dedup/exact, with: { columns: [image, caption], expected: 1000 } }';
    expect(
      (
        await problems(
          steps,
          `${select}\n      - { use: filter/language, with: { keep: [en], among: [en, de], column: caption }, rejected: unfit }`,
        )
      ).join('\n'),
    ).toContain('schema: the rows that filter/language drops cannot go with those of filter/image-size');
  });
});

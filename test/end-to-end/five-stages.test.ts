import { readFileSync, statSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { RunEvent } from '../../pipeline/run/events.js';
import type { StageReport } from '../../pipeline/run/report.js';
import { readRows, reportOf, runManifest } from './running.js';
import { badRows, drawShapes, drops, makeFolder, names, writeShapes } from './shapes.js';

let folder: string;
let events: readonly RunEvent[];
let stages: ReadonlyMap<string, StageReport>;
const TRAIN = 12 * names.length;

beforeAll(async () => {
  folder = await makeFolder();
  const train = await drawShapes(12, 1);
  await writeShapes(folder, 'train', [...train.slice(0, 40), ...(await badRows()), ...train.slice(40)]);
  await writeShapes(folder, 'test', await drawShapes(1, 2));
  events = await runManifest(folder);
  stages = new Map(reportOf(folder).stages.map((stage) => [stage.name, stage]));
  return () => rm(folder, { recursive: true, force: true });
}, 120_000);

const figure = (stage: string, name: string) =>
  stages.get(stage)?.metrics?.find(({ metric }) => metric === name)?.value ?? Number.NaN;

describe('a manifest of all stages', () => {
  it('tells where the rows of each stage are', () => {
    const told = events.filter((event) => event.kind === 'stage-operators');
    expect(new Set(told.map(({ stage }) => stage))).toEqual(new Set(stages.keys()));
    const [pairs] = told;
    expect(pairs?.operators.map(({ name }) => name)).toEqual(
      stages.get('pairs')?.rows?.operators.map(({ name }) => name),
    );
  });

  it('completes every stage', () => {
    expect([...stages.values()].map(({ status }) => status)).toEqual(new Array(stages.size).fill('complete'));
    expect(events.filter(({ kind }) => kind === 'stage-complete')).toHaveLength(9);
    expect(events.at(-1)).toMatchObject({ kind: 'run-complete', report: join(folder, 'runs/report.html') });
  });

  it('accounts for every row in every stage', () => {
    for (const { name, rows } of stages.values()) {
      const { in: rowsIn, out, ledger, unused = 0, operators } = rows!;
      expect(rowsIn, name).toBe(out + ledger + unused);
      expect(unused, name).toBeGreaterThanOrEqual(0);
      for (const [i, operator] of operators.entries())
        expect(operator.rowsIn, operator.name).toBe(i === 0 ? rowsIn : operators[i - 1]!.rowsOut);
    }
    expect(stages.get('pairs')?.rows).toMatchObject({ in: TRAIN + 9, out: TRAIN + 1, ledger: 8 });
    expect(stages.get('circles')?.rows).toMatchObject({ in: TRAIN + 1, out: 36 });
    expect(stages.get('contrast')?.rows?.out).toBe(150 * 16);
    expect(stages.get('contrast')?.rows?.operators[0]?.name).toBe('source/parquet + source/parquet');
  });

  it('drops what cannot be used, with its reason and its place, and goes on', async () => {
    const { operators } = stages.get('pairs')!.rows!;
    const dropped = operators.filter((operator) => operator.dropped.length > 0);
    expect(
      Object.fromEntries(
        dropped.map((operator) => [
          operator.name,
          Object.fromEntries(operator.dropped.map(({ reason, rows }) => [reason, rows])),
        ]),
      ),
    ).toEqual(drops);
    const ledger = await readRows(join(folder, 'runs/pairs/ledger.parquet'));
    const places = ledger.map(({ reason, file, row }) => `${reason} ${file} ${row}`).sort();
    // Rows 40 to 48 of the only row group, behind 40 good ones.
    expect(places).toEqual(
      ['unreadable 40', 'undecodable 41', 'elongated 42', 'pixels 43', 'null 44', 'null 45', 'short 46', 'duplicate 48']
        .map((text) => text.replace(' ', ' data/train/part-00000.parquet '))
        .sort(),
    );
    const claimed = ledger.find(({ reason }) => reason === 'pixels');
    expect(claimed).toMatchObject({
      stage: 'pairs',
      operator: 'filter/image-size[0]',
      measure: 'pixels',
      value: 3.6e9,
    });
    expect(ledger.map(({ key }) => key)).toEqual(new Array(8).fill('bad'));
  });

  it('shows dropped rows of each operator and reason, with their picture where they have one', () => {
    const { examples } = stages.get('pairs')!.rows!;
    const shown = examples!.map(({ operator, reason, row, image }) => [operator, reason, row, image?.slice(0, 22)]);
    const picture = 'data:image/webp;base64';
    expect(shown).toEqual([
      ['filter/image-size[0]', 'elongated', 42, picture],
      ['filter/image-size[0]', 'null', 44, undefined],
      ['filter/image-size[0]', 'pixels', 43, undefined],
      ['filter/image-size[0]', 'unreadable', 40, undefined],
      ['filter/caption-length[1]', 'null', 45, picture],
      ['filter/caption-length[1]', 'short', 46, picture],
      ['dedup/exact[2]', 'duplicate', 48, picture],
      ['image/resize[3]', 'undecodable', 41, undefined],
    ]);
    expect(examples![5]).toMatchObject({
      measure: 'words',
      value: 1,
      file: 'data/train/part-00000.parquet',
      rowGroup: 0,
      texts: [
        { column: 'caption', text: 'word' },
        { column: 'language', text: 'en' },
        { column: 'key', text: 'bad' },
      ],
    });
    // 180 rows are dropped for one reason, their pictures are bare pixels.
    const circles = stages.get('circles')!.rows!.examples!;
    expect(circles.map(({ image }) => image?.slice(0, 22))).toEqual(new Array(4).fill(picture));
    const page = readFileSync(join(folder, 'runs/report.html'), 'utf8');
    for (const { image } of [...examples!, ...circles]) expect(page).toContain(image ?? 'no picture');
  });

  it('shows what its operators measured, of kept rows and dropped ones', () => {
    const { operators } = stages.get('pairs')!.rows!;
    const measured = operators.flatMap(({ measured = [] }) => measured);
    expect(measured.map(({ measure }) => measure)).toEqual(['pixels', 'aspect', 'side', 'words']);
    const words = measured[3]!;
    expect(words).toMatchObject({ rows: TRAIN + 4, least: 1, thresholds: [2, 77] });
    expect(words.bins[0]).toEqual({ from: 1, to: 2, rows: 1 });
    expect(words.bins.reduce((sum, { rows }) => sum + rows, 0)).toBe(TRAIN + 4);
  });

  it('learns: retrieval on unseen shapes far above chance, and loss far below its start', () => {
    // Chance is 1 in 18.
    for (const name of ['image_to_text_r1', 'text_to_image_r1', 'zero_shot_en_top1'])
      expect(figure('score', name), name).toBeGreaterThan(0.4);
    expect(figure('score', 'image_to_text_r5')).toBeGreaterThan(0.8);
    for (const name of ['contrast', 'generate']) {
      const curve = stages.get(name)!.curve!;
      expect(curve.at(-1)!.metrics.loss).toBeLessThan(0.8 * curve[0]!.metrics.loss!);
    }
    expect(stages.get('score')?.samples?.length).toBeGreaterThanOrEqual(18);
  });

  it('writes a report that is whole, and tables that can be read', async () => {
    const page = readFileSync(join(folder, 'runs/report.html'), 'utf8');
    expect(page).toMatch(/^<!doctype html>/);
    expect(page.trimEnd()).toMatch(/<\/html>$/);
    for (const name of stages.keys()) expect(page).toContain(name);
    expect(page).not.toContain('rows are nowhere');
    const metrics = await readRows(join(folder, 'runs/contrast/metrics.parquet'));
    const losses = metrics.filter(({ metric }) => metric === 'loss');
    expect(losses.map(({ step }) => step)).toEqual(Array.from({ length: 150 }, (_, i) => i + 1));
    const names = await readdir(join(folder, 'runs'), { recursive: true });
    expect(names.filter((name) => name.endsWith('.tmp') || name.includes('run.lock'))).toEqual([]);
  });

  it('skips all that is complete the second time, and touches none of it', async () => {
    const files = (await readdir(join(folder, 'runs'), { recursive: true }))
      .filter((name) => name.includes('/'))
      .map((name) => join(folder, 'runs', name));
    const times = () => files.map((file) => statSync(file).mtimeMs);
    const before = times();
    const again = await runManifest(folder);
    expect(again.map(({ kind }) => kind)).toEqual([
      'run-started',
      ...new Array(9).fill('stage-skipped'),
      'run-complete',
    ]);
    expect(times()).toEqual(before);
    expect(reportOf(folder).stages.map(({ rows }) => rows)).toEqual([...stages.values()].map(({ rows }) => rows));
    expect(reportOf(folder).stages.map(({ digest }) => digest)).toEqual(
      [...stages.values()].map(({ digest }) => digest),
    );
  });

  it('makes the same bytes and the same losses in another folder', async () => {
    await runManifest(folder, `output=${join(folder, 'again')}`);
    const again = reportOf(folder, 'again').stages;
    const chosen = (report: StageReport) =>
      report.rows!.examples!.map(({ reason, row, image }) => [reason, row, image]);
    for (const report of again) expect(chosen(report), report.name).toEqual(chosen(stages.get(report.name)!));
    expect(again.map(({ name, digest }) => [name, digest])).toEqual(
      [...stages.values()].map(({ name, digest }) => [name, digest]),
    );
    for (const { name, curve } of again) {
      const losses = (points: StageReport['curve']) => points?.map(({ step, metrics }) => [step, metrics.loss]);
      expect(losses(curve), name).toEqual(losses(stages.get(name)!.curve));
    }
    const scores = (report: StageReport) => report.metrics?.map(({ metric, value }) => [metric, value]);
    expect(scores(again.at(-1)!)).toEqual(scores(stages.get('score')!));
  });
});

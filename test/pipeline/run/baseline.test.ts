import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { besideBaseline, readBaseline } from '../../../pipeline/run/baseline.js';
import type { StageReport } from '../../../pipeline/run/report.js';
import { renderReport } from '../../../pipeline/run/report-page.js';
import { makeFolder } from '../folder.js';
import { EXAMPLE } from './example-report.js';

const score = (value: number): StageReport => ({
  name: 'score',
  use: 'evaluation',
  status: 'complete',
  seconds: 1,
  metrics: [
    { task: 'retrieval', metric: 'image_to_text_r1', value },
    { task: 'captions', metric: 'caption_cider', value: 2 * value },
  ],
});

function folderWith(report: string): string {
  return makeFolder({ 'report.json': report });
}

describe('readBaseline', () => {
  it('finds figures by stage, task and metric', async () => {
    const folder = folderWith(JSON.stringify({ ...EXAMPLE, name: 'all languages', stages: [score(0.3)] }));
    const { report, figureOf } = await readBaseline(folder);
    expect(report).toEqual({ folder, name: 'all languages' });
    expect(figureOf('score', { task: 'retrieval', metric: 'image_to_text_r1' })).toBe(0.3);
    expect(figureOf('score', { task: 'captions', metric: 'image_to_text_r1' })).toBeUndefined();
    expect(figureOf('other', { task: 'retrieval', metric: 'image_to_text_r1' })).toBeUndefined();
  });

  it.each([
    ['a run that has not been', undefined, /^there is no .*report\.json$/],
    ['a file that is cut', '{ "name": "x", "stages": [', /report\.json is not a report: /],
    ['a file of another shape', '{ "stages": 7 }', /report\.json is not a report: /],
  ])('says what is missing: %s', async (_, text, missing) => {
    const { report, figureOf } = await readBaseline(text === undefined ? makeFolder({}) : folderWith(text));
    expect(report.name).toBeUndefined();
    expect(report.missing).toMatch(missing);
    expect(figureOf('score', { task: 'retrieval', metric: 'image_to_text_r1' })).toBeUndefined();
  });

  it('passes over a value that is no number', async () => {
    const metrics = [{ task: 'retrieval', metric: 'image_to_text_r1', value: '<b>' }];
    const baseline = await readBaseline(
      folderWith(JSON.stringify({ name: 'x', stages: [{ name: 'score', metrics }] })),
    );
    expect(besideBaseline([score(0.3)], baseline)).toEqual([score(0.3)]);
  });
});

describe('the page of a run with a baseline', () => {
  it('shows each figure beside the same one of the other run', async () => {
    const baseline = await readBaseline(folderWith(JSON.stringify({ ...EXAMPLE, name: 'all', stages: [score(0.3)] })));
    const page = renderReport({
      ...EXAMPLE,
      baseline: baseline.report,
      stages: besideBaseline([score(0.328)], baseline),
    });
    expect(page).toContain('<dt>compared with</dt><dd>all</dd>');
    expect(page).toContain('<small>+2.8 points to 30.0 %</small>');
    expect(page).toContain('<small>+0.056 to 0.6</small>');
  });

  it('shows what is missing where there is none', async () => {
    const folder = makeFolder({});
    const { report } = await readBaseline(folder);
    const page = renderReport({ ...EXAMPLE, baseline: report });
    expect(page).toContain(`<dd>nothing: there is no ${join(folder, 'report.json')}</dd>`);
  });
});

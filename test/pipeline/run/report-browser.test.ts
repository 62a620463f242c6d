import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { renderReport } from '../../../pipeline/run/report-page.js';
import { EXAMPLE } from './example-report.js';

const CHROMIUM = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync);
const FLAGS =
  '--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking ' +
  '--disable-component-update --disable-sync --allow-file-access-from-files --virtual-time-budget=4000';

/** A page that opens the report at a phone's and a desktop's width and writes down what it finds. */
const PROBE = `<!doctype html><pre id="out">nothing</pre><script>
const measure = (width) => new Promise((done) => {
  const frame = document.createElement('iframe');
  frame.style = 'border:0;height:800px;width:' + width + 'px';
  frame.onload = async () => {
    const page = frame.contentDocument;
    const images = [...page.images];
    for (const image of images) image.loading = 'eager';
    await Promise.all(images.map((image) => image.decode()));
    const seen = (selector) => [...page.querySelectorAll(selector)].filter((e) => e.getBoundingClientRect().height > 0).length;
    done({
      width,
      overflow: page.documentElement.scrollWidth - page.documentElement.clientWidth,
      sections: seen('section'),
      charts: seen('svg'),
      dropped: seen('.dropped li'),
      pictures: images.filter(({ naturalWidth }) => naturalWidth > 0).length,
      styled: getComputedStyle(page.body).maxWidth,
    });
  };
  frame.src = 'report.html';
  document.body.append(frame);
});
Promise.all([360, 1200].map(measure)).then((found) => { document.getElementById('out').textContent = JSON.stringify(found); });
</script>`;

describe.skipIf(CHROMIUM === undefined)('report.html in Chromium (skipped where there is none)', () => {
  const folder = mkdtempSync(join(tmpdir(), 'alignflow-report-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('opens from disk, is styled, and fits a phone and a desktop', () => {
    writeFileSync(join(folder, 'report.html'), renderReport(EXAMPLE));
    writeFileSync(join(folder, 'probe.html'), PROBE);
    const flags = [...FLAGS.split(' '), `--user-data-dir=${join(folder, 'profile')}`, '--dump-dom'];
    const dom = execFileSync(CHROMIUM!, [...flags, `file://${join(folder, 'probe.html')}`], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const found = JSON.parse(dom.match(/<pre id="out">(.*?)<\/pre>/s)![1]!);
    const expected = { overflow: 0, sections: 4, charts: 14, dropped: 4, pictures: 8, styled: '1080px' };
    expect(found).toEqual([
      { width: 360, ...expected },
      { width: 1200, ...expected },
    ]);
  }, 60_000);
});

import { describe, expect, it } from 'vitest';
import type { RunReport, StageReport } from '../../../pipeline/run/report.js';
import { renderReport } from '../../../pipeline/run/report-page.js';
import { EXAMPLE, PIXEL } from './example-report.js';

const page = renderReport(EXAMPLE);
const withStages = (...stages: StageReport[]): RunReport => ({ ...EXAMPLE, stages });
const bare: StageReport = { name: 'pairs', use: 'filtering', status: 'complete', seconds: 0 };
const render = (change: Partial<StageReport>) => renderReport(withStages({ ...bare, ...change }));

/** Text of an element without its tags. */
const textOf = (markup: string) =>
  markup
    .replace(/<[^>]*>/g, '')
    .replace(/\s+/g, ' ')
    .trim();
const texts = (markup: string, tag: string) =>
  [...markup.matchAll(new RegExp(`<${tag}[ >][\\s\\S]*?</${tag}>`, 'g'))].map(([element]) => textOf(element));

/** Names of all tags; throws where one is not closed or closed too often. */
function tagsOf(markup: string): Set<string> {
  const empty = new Set(['meta', 'img']);
  const open: string[] = [];
  const seen = new Set<string>();
  for (const [, slash, name, alone] of markup
    .replace('<!doctype html>', '')
    .matchAll(/<(\/?)([a-z0-9]+)[^>]*?(\/?)>/g)) {
    seen.add(name!);
    if (slash === '/') expect(open.pop(), `</${name}>`).toBe(name);
    else if (alone === '' && !empty.has(name!)) open.push(name!);
  }
  expect(open).toEqual([]);
  return seen;
}

describe('renderReport', () => {
  it('has a section for each stage with the parts that the stage filled', () => {
    expect(
      [...page.matchAll(/<h([123])>([\s\S]*?)<\/h\1>/g)].map(([, level, text]) => `${level} ${textOf(text!)}`),
    ).toEqual([
      '1 emoji',
      '2 1 pairs complete before',
      '3 Rows',
      '3 Measured',
      '3 Some of the dropped rows',
      '2 2 contrast complete',
      '3 Figures',
      '3 Training',
      '2 3 generate complete',
      '3 Training',
      '2 4 score complete',
      '3 Required',
      '3 Figures',
      '3 Examples',
    ]);
  });

  it('begins with the figures that say most, then the stages in a table', () => {
    expect(texts(page.match(/<ul class="tiles">[\s\S]*?<\/ul>/)![0], 'li')).toEqual([
      '39.8 %image to text R@1score: retrieval, InternVL-C',
      '41.2 %text to image R@1score: retrieval, InternVL-C',
      '11.7 %zero shot zh top-1score: zero-shot, Chinese',
      '8.3 %zero shot ar top-1score: zero-shot, Arabic',
      '26.2 %exact matchscore: captions',
      '1.274CIDErscore: captions',
    ]);
    expect(texts(page.match(/<table class="overview">[\s\S]*?<\/table>/)![0], 'tr').slice(1)).toEqual([
      'pairs filteringcomplete before 48 s34,81230,244',
      expect.stringMatching(/^contrast contrastivecomplete 6 min 43 sloss 1\.\d+$/),
      expect.stringMatching(/^generate generativecomplete 3 min 08 sloss 3\.\d+$/),
      'score evaluationcomplete 41 simage to text R@1 39.8 %, text to image R@1 41.2 %',
    ]);
  });

  it('shows that the rows add up, and where they went, the largest drop of an operator first', () => {
    expect(page).toContain(
      '<p class="sum good">✓ <b>34,812</b> in = <b>30,244</b> out + <b>4,568</b> in the ledger</p>',
    );
    const flow = page.match(/<table class="operators flow">[\s\S]*?<\/table>/)![0];
    expect(texts(flow, 'tr').slice(1)).toEqual([
      'emoji/pairs34,799 undecodable 13 &lt; 0.1 %38.0 MB22 s3.1 s',
      'filter/caption-length32,690 long 1,204 3.5 %null 905 2.6 %36.0 MB0.4 s40 s',
      'filter/language31,822 language 868 2.5 %35.1 MB6.1 s31 s',
      'dedup/exact30,244 duplicate 1,578 4.5 %33.6 MB1.2 s39 s',
      'sink/parquet30,244 33.6 MB2.3 s44 s',
    ]);
    // The band is as wide as its rows, and each reason leaves it in its colour.
    const bands = [...flow.matchAll(/<rect class="kept" width="([\d.]+)"/g)].map(([, width]) => Number(width));
    expect(bands).toEqual([99.96, 93.9, 91.41, 86.88, 86.88]);
    expect([...flow.matchAll(/<path class="(c\d)" d="M([\d.]+) /g)].map(([, look, from]) => [look, from])).toEqual([
      ['c4', '99.96'],
      ['c1', '93.9'],
      ['c2', '97.36'],
      ['c3', '91.41'],
      ['c0', '86.88'],
    ]);
  });

  it('names the operator that took the most time, where that is much of it', () => {
    expect(page).toContain(
      "<p>The bottleneck is <code>emoji/pairs</code>: it was busy 22 s, 45.4 % of the stage's time.</p>",
    );
    const operators = (seconds: number) => [
      { name: 'filter/x', rowsIn: 1, rowsOut: 1, dropped: [], bytes: 0, seconds, waiting: 0 },
    ];
    const rows = (seconds: number) => ({ in: 1, out: 1, ledger: 0, operators: operators(seconds) });
    expect(render({ seconds: 10, rows: rows(1.9) })).not.toContain('bottleneck');
    expect(render({ seconds: 10, rows: rows(2.1) })).toContain('bottleneck');
    expect(render({ seconds: 10, rows: rows(9), curve: [{ step: 1, metrics: { loss: 1 } }] })).not.toContain(
      'bottleneck',
    );
  });

  it('shows dropped rows with reason, measure, texts and origin, in the colour of their reason', () => {
    const cards = page.match(/<ul class="gallery dropped">[\s\S]*?<\/ul>/)![0];
    expect(texts(cards, 'li')).toEqual([
      'no picture undecodable emoji/pairsit is no image openmoji, row group 3, row 913',
      'long filter/caption-lengthcharacters 68caption a face with a very long list of keywords that goes on and on and onlanguage en openmoji, row group 3, row 77',
      'language filter/languagecaption علم: كوت ديفوار openmoji, row group 3, row 3051',
      'duplicate dedup/exactcaption null openmoji, row group 3, row 12008',
    ]);
    expect(cards.match(/<img /g)).toHaveLength(3);
    expect([...cards.matchAll(/<i class="(c\d)">/g)].map(([, colour]) => colour)).toEqual(['c4', 'c1', 'c3', 'c0']);
  });

  it('says where a dropped row stands when the source was read again, and when it has no file', () => {
    const row = { operator: 'a', reason: 'b', row: 5, texts: [] };
    const examples = [
      { ...row, file: 'f', rowGroup: 0, epoch: 2 },
      { ...row, file: '', epoch: 0 },
    ];
    const cards = render({ rows: { in: 2, out: 0, ledger: 2, operators: [], examples } });
    expect([...cards.matchAll(/<small>(.*row 5.*)<\/small>/g)].map(([, text]) => text)).toEqual([
      'f, row group 0, row 5, epoch 2',
      'row 5',
    ]);
    expect(cards).not.toContain('<i class');
  });

  it('draws what was measured as a histogram, with its thresholds and what it says in words', () => {
    const [figure] = page.match(/<figure>[\s\S]*?<\/figure>/)!;
    expect(texts(figure, 'figcaption')).toEqual(['charactersfilter/caption-length1 to 68, median 14']);
    expect(figure).toContain('aria-label="characters of 33,894 rows: 1 to 68, median 14"');
    expect(figure.match(/<rect /g)).toHaveLength(34);
    expect(texts(figure, 'title')[0]).toBe('1 to 3: 1,727 rows, 5.1 %');
    const thresholds = figure.match(/<g class="threshold">[\s\S]*?<\/g>/)![0];
    expect(texts(thresholds, 'text')).toEqual(['1', '40']);
    // 40 is 39 68ths of the way along the axis.
    expect(thresholds).toContain(`M${(14 + (412 * 39) / 68).toFixed(1)} `);
  });

  it('says how many values are no numbers, and leaves out a threshold that is far from all of them', () => {
    const bins = [{ from: 1, to: 10, rows: 9 }];
    const measure = { measure: 'score', rows: 9, notFinite: 2, least: 1, median: 2, most: 9, scale: 'log' as const };
    const measured = [{ ...measure, thresholds: [-1, 0.9, 1e9], bins }];
    const operators = [{ name: 'a', rowsIn: 11, rowsOut: 11, dropped: [], bytes: 0, seconds: 0, waiting: 0, measured }];
    const drawn = render({ rows: { in: 11, out: 11, ledger: 0, operators } });
    expect(drawn).toContain('<span>2 not finite</span>');
    const same = [{ ...operators[0]!, measured: [{ ...measured[0]!, most: 1 }] }];
    const told = render({ rows: { in: 11, out: 11, ledger: 0, operators: same } });
    expect(texts(told, 'figcaption')).toEqual(['scorea1 of all 9 rows2 not finite']);
    expect(texts(drawn.match(/<g class="threshold">[\s\S]*?<\/g>/)![0], 'text')).toEqual(['0.9']);
  });

  it('says by how many rows a sum fails', () => {
    const operators = [
      { name: 'a', rowsIn: 10, rowsOut: 7, dropped: [{ reason: 'short', rows: 1 }], bytes: 0, seconds: 0, waiting: 0 },
    ];
    const lost = render({ rows: { in: 10, out: 7, ledger: 1, operators } });
    expect(lost).toContain('✗ <b>10</b> in is not <b>7</b> out + <b>1</b> in the ledger: 2 rows are nowhere');
    expect(render({ rows: { in: 10, out: 10, ledger: 1, operators: [] } })).toContain('1 rows too many');
  });

  it('draws losses together, the other figures apart, with axes and the last values', () => {
    const captions = texts(page, 'figcaption');
    expect(captions).toHaveLength(9);
    expect(captions[5]).toMatch(/^lossloss 3\.\d+itc loss 0\.\d+itm loss 1\.\d+itg loss 1\.\d+$/);
    const svg = page.match(/<svg[^>]* aria-label="loss over[\s\S]*?<\/svg>/)![0];
    expect(texts(svg, 'text')).toEqual(['0', '2', '4', '6', '0', '1000', '2000', '3000', 'step']);
  });

  it('draws a running mean over noise only', () => {
    const charts = page.match(/<svg[^>]* aria-label="[^"]* over [\s\S]*?<\/svg>/g)!;
    expect(charts.map((svg) => svg.match(/<polyline/g)!.length).slice(0, 4)).toEqual([2, 1, 1, 2]);
  });

  it('marks examples that are as expected, and shows what was expected of the others', () => {
    const cards = render({
      samples: [
        { title: 'caption', text: 'Dog Face ', expected: 'dog face' },
        { title: 'caption', text: 'wolf', expected: 'dog face' },
        { title: 'caption', text: 'cat' },
      ],
    });
    expect([...cards.matchAll(/<li class="(good|bad|)">/g)].map(([, look]) => look)).toEqual(['good', 'bad', '']);
    expect(texts(cards.match(/<ul class="gallery">[\s\S]*?<\/ul>/)![0], 'li')).toEqual([
      'captionDog Face',
      'captionwolfexpected dog face',
      'captioncat',
    ]);
  });

  it('shows gates with their values', () => {
    const gates = render({
      gates: [
        { metric: 'image_to_text_r1', rule: '>= 0.3', value: 0.398, passed: true },
        { metric: 'cider', rule: '>= 1', value: Number.NaN, passed: false },
      ],
    });
    expect(texts(gates.match(/<ul class="gates">[\s\S]*?<\/ul>/)![0], 'li')).toEqual([
      '✓ image to text R@1 &gt;= 0.3 passed with 0.398',
      '✗ CIDEr &gt;= 1 missed with no value',
    ]);
  });

  it('says where a run ended', () => {
    const failed = render({ status: 'failed', notes: ['pairs: the disk is full\n  to do: make room'] });
    expect(textOf(failed)).toContain('The run ended in stage pairs.');
    expect(failed).toContain('pairs: the disk is full\n  to do: make room');
  });

  it('is whole HTML, needs nothing from outside and runs nothing', () => {
    const tags = tagsOf(page);
    for (const tag of ['script', 'link', 'iframe', 'object', 'form', 'base']) expect(tags).not.toContain(tag);
    expect(page).not.toMatch(/https?:\/\/|@import|url\(/);
    expect(page).toContain(`content="default-src 'none'; style-src 'unsafe-inline'; img-src data:"`);
  });

  it('escapes hostile text wherever it stands', () => {
    const evil = `"><script>alert(1)</script><img src=x onerror='alert(2)'>&amp;\u0000\u001b`;
    const report: RunReport = {
      name: evil,
      seed: 1,
      startedAt: evil,
      seconds: 1,
      manifestFile: evil,
      backend: evil,
      stages: [
        {
          name: evil,
          use: evil,
          status: 'failed',
          seconds: 1,
          digest: evil,
          notes: [evil],
          rows: {
            in: 2,
            out: 1,
            ledger: 1,
            operators: [
              {
                name: evil,
                rowsIn: 2,
                rowsOut: 1,
                dropped: [{ reason: evil, rows: 1 }],
                bytes: 1,
                seconds: 1,
                waiting: 1,
              },
            ],
            examples: [
              {
                operator: evil,
                reason: evil,
                measure: evil,
                value: 1,
                detail: evil,
                file: evil,
                row: 1,
                epoch: 0,
                texts: [{ column: evil, text: evil }],
                image: evil,
              },
            ],
          },
          curve: [
            { step: 1, metrics: { [evil]: 1 } },
            { step: 2, metrics: { [evil]: 2 } },
          ],
          metrics: [{ task: evil, metric: evil, value: 1, note: evil }],
          gates: [{ metric: evil, rule: evil, value: 1, passed: true }],
          samples: [{ title: evil, text: evil, expected: evil, image: evil }],
        },
      ],
    };
    const hostile = renderReport(report);
    const tags = tagsOf(hostile);
    for (const tag of ['script', 'img']) expect(tags).not.toContain(tag);
    expect(hostile).toContain('&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;');
    expect(hostile).toContain('&amp;amp;\ufffd\ufffd');
    expect(hostile.match(/&lt;script&gt;/g)!.length).toBeGreaterThan(22);
  });

  it.each([
    ['a script', 'javascript:alert(1)'],
    ['a page', 'data:text/html;base64,PGgxPg=='],
    ['a drawing, which may carry a script', 'data:image/svg+xml;base64,PHN2Zz4='],
    ['an address', 'https://example.com/a.png'],
    ['more than an image', `${PIXEL}" onerror="alert(1)`],
  ])('does not take %s for a picture', (_, image) => {
    const html = render({ samples: [{ title: 'caption', text: 'dog', image }] });
    expect(html).not.toContain('<img');
    expect(html).toContain('dog');
    expect(render({ samples: [{ title: 'caption', text: 'dog', image: PIXEL }] })).toContain(`<img src="${PIXEL}"`);
  });

  it('takes a run without stages and stages with nothing in them', () => {
    expect(textOf(renderReport(withStages()))).toContain('No stage has run.');
    const empty = render({
      rows: { in: 0, out: 0, ledger: 0, operators: [] },
      curve: [],
      metrics: [],
      gates: [],
      samples: [],
      notes: [],
    });
    tagsOf(empty);
    expect(texts(empty, 'h3')).toEqual(['Rows']);
    expect(empty).toContain('✓ <b>0</b> in = <b>0</b> out + <b>0</b> in the ledger');
    expect(texts(render({}), 'h3')).toEqual([]);
  });

  it('takes curves of one point, of equal values and of values that are not numbers', () => {
    const curve = [
      { step: 5, metrics: { loss: 2, flat: 0, broken: Number.NaN } },
      { step: 6, metrics: { flat: 0, broken: Number.POSITIVE_INFINITY } },
    ];
    const html = render({ curve });
    expect(texts(html, 'figcaption')).toEqual(['losslast 2', 'flatlast 0']);
    expect(html).not.toMatch(/NaN|Infinity/);
  });

  it('shows figures that are not numbers as a dash, as they come back from JSON', () => {
    const metrics = [{ task: 'captions', metric: 'exact_match', value: Number.NaN }];
    const again = JSON.parse(JSON.stringify(withStages({ ...bare, metrics }))) as RunReport;
    expect(renderReport(again)).toContain('<strong>–</strong>');
  });
});

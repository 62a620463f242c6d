import { expect, it } from 'vitest';
import { AlignflowError } from '../../../pipeline/errors.js';
import { planManifest } from '../../../pipeline/plan/plan-manifest.js';
import { shorten } from '../../../pipeline/terminal/shorten.js';

it.each([
  ['there is no toy/lenght', 'there is no toy/lenght'],
  [`there is no ${'x'.repeat(300)}`, `there is no ${'x'.repeat(300)}`],
  [`no ${'a'.repeat(5e4)}${'z'.repeat(5e4)} here`, `no ${'a'.repeat(199)}…${'z'.repeat(100)} here`],
  ['🙂'.repeat(1000), `${'🙂'.repeat(199)}…${'🙂'.repeat(100)}`],
])('cuts long words in their middle: %.20s', (line, expected) => {
  expect(shorten(line)).toBe(expected);
});

it('cuts long lines in their middle', () => {
  const text = shorten(`begins ${'and goes on '.repeat(10_000)}to its end`);
  expect(text).toHaveLength(2000);
  expect(text).toMatch(/^begins and .*….* to its end$/);
});

it('keeps problems and errors readable, whatever is in a manifest', async () => {
  const long = 'x'.repeat(100_000);
  const stages = {
    a: { use: long, from: long, with: { [long]: long } },
    [long]: { use: 'filtering', source: { use: long } },
  };
  const { problems } = await planManifest({ name: 'n', stages, output: long, [long]: long });
  expect(problems.length).toBeGreaterThan(4);
  for (const { message, expected = '', fix = '' } of problems)
    expect(Math.max(message.length, expected.length, fix.length)).toBeLessThanOrEqual(2000);
  const { message } = new AlignflowError({
    what: `no ${long}`,
    where: { file: long, operator: long },
    expected: long,
    fix: long,
  });
  expect(message.length).toBeLessThan(2500);
});

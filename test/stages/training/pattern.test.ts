import { describe, expect, it } from 'vitest';
import { nearestParameters, parameterPattern } from '../../../stages/training/pattern.js';

describe('parameterPattern', () => {
  it.each([
    ['a.b', 'a.b', true],
    ['a.b', 'a.bc', false],
    ['a.*', 'a.b', true],
    ['a.*', 'a.b.c', false],
    ['a.*.c', 'a.12.c', true],
    ['a.b*d', 'a.bd', true],
    ['a.b*d', 'a.bccd', true],
    ['a.b*d', 'a.b', false],
    ['*a*a*', 'aa', true],
    ['a*a', 'a', false],
    ['a*bc*c', 'abc', false],
    ['**', 'a', true],
    ['**', 'a.b.c', true],
    ['a.**', 'a', true],
    ['a.**', 'ab.c', false],
    ['**.attn.**', 'x.attn.y', true],
    ['**.attn.**', 'attn', true],
    ['**.attn.**', 'x.attn_pool.y', false],
    ['**.a.**.b', 'x.a.y.a.z.b', true],
    ['**.a.**.b', 'x.b.a', false],
    ['a.b(c', 'a.b(c', true],
    ['a.+', 'a.bb', false],
  ])('%s on %s: %s', (pattern, name, expected) => {
    expect(parameterPattern(pattern)(name)).toBe(expected);
  });

  it('takes no long time over a hostile pattern', () => {
    const pattern = parameterPattern(`${'**.*a*a*a.'.repeat(40)}x`);
    expect(pattern(`${'aaaaaaaaaaaaaaaa.'.repeat(40)}y`)).toBe(false);
  });
});

describe('nearestParameters', () => {
  it('ranks by edit distance', () => {
    expect(nearestParameters('logit_scales', ['visual', 'logit_scale', 'logits', 'scale'], 2)).toEqual([
      'logit_scale',
      'logits',
    ]);
  });
});

import { Field, Int32, Schema, Utf8 } from 'apache-arrow';
import { describe, expect, it } from 'vitest';
import prompt from '../../../operators/text/prompt.js';
import { batchOf, float32Column, int32Column, utf8Column } from '../../../pipeline/batch/build.js';
import { sliceBatch } from '../../../pipeline/batch/concat.js';
import { randomBatches } from '../../kit/batches.js';
import { describeConformance } from '../../kit/conformance.js';
import { declare, runOperator, valuesOf } from '../run-operator.js';

const schema = new Schema([new Field('caption', new Utf8(), true), new Field('n', new Int32(), true)]);
const batches = randomBatches(schema, { sizes: [10, 0, 10], nulls: 0.3 });
describeConformance(prompt, { config: { template: '{n}: {caption}', into: 'text' }, batches }, { describe, it });

describe('text/prompt', () => {
  const batch = batchOf({ caption: utf8Column(['a cat', null, '', '犬']), n: int32Column([1, 2, null, -4]) });

  it('puts text and numbers where the template names them', async () => {
    const { out } = await runOperator(prompt, { template: 'no {n}, {caption}!', into: 'text' }, [batch]);
    expect(valuesOf(out, 'text')).toEqual(['no 1, a cat!', null, null, 'no -4, 犬!']);
    expect(valuesOf(out, 'caption')).toEqual(['a cat', null, '', '犬']);
  });

  it('replaces the column that it reads, also of a slice', async () => {
    const { out } = await runOperator(prompt, { template: 'a photo of {caption}' }, [sliceBatch(batch, 2, 4)]);
    expect(valuesOf(out, 'caption')).toEqual(['a photo of ', 'a photo of 犬']);
  });

  it('takes doubled braces for braces, and a template without names for the text of every row', async () => {
    const { out } = await runOperator(prompt, { template: '{{{caption}}}', into: 't' }, [batch]);
    expect(valuesOf(out, 't')).toEqual(['{a cat}', null, '{}', '{犬}']);
    expect(valuesOf((await runOperator(prompt, { template: 'x', into: 't' }, [batch])).out, 't')).toEqual(
      Array(4).fill('x'),
    );
  });

  it('writes numbers as JavaScript does', async () => {
    const numbers = batchOf({ x: float32Column([0.5, 1e21]) });
    const { out } = await runOperator(prompt, { template: '{x}', into: 't' }, [numbers]);
    expect(valuesOf(out, 't')).toEqual(['0.5', String(Math.fround(1e21))]);
  });

  it('declares the column, reads those of the template, and refuses a lonely brace', () => {
    expect(declare(prompt, { template: 'x', into: 'n' }, batch)).toEqual(['caption: Utf8', 'n: Utf8']);
    expect(Object.keys(prompt.reads({ template: '{a} {b} {a}', into: 't' }))).toEqual(['a', 'b']);
    for (const template of ['a {', '} b', '{}'])
      expect(() => prompt.reads({ template, into: 't' })).toThrow('stands alone');
  });
});

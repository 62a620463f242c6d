import { Field, FixedSizeBinary, Utf8 } from 'apache-arrow';
import { describe, expect, it } from 'vitest';
import { pixelsField, pixelsShape } from '../../../operators/images/pixels.js';

describe('pixels of one size', () => {
  it('record their shape in the field', () => {
    const field = pixelsField('pixels', 24, 32);
    expect(String(field.type)).toBe('FixedSizeBinary[2304]');
    expect(pixelsShape(field)).toEqual({ height: 24, width: 32 });
  });

  it('are told from bytes without a shape, other types and wrong sizes', () => {
    expect(() => pixelsShape(new Field('raw', new FixedSizeBinary(12)))).toThrow('put image/resize before this');
    expect(() => pixelsShape(new Field('text', new Utf8(), true, new Map([['alignflow.shape', '2,2,3']])))).toThrow(
      'does not hold images of one size',
    );
    const wrong = new Field('p', new FixedSizeBinary(11), true, new Map([['alignflow.shape', '2,2,3']]));
    expect(() => pixelsShape(wrong)).toThrow('has 11 bytes a row');
  });
});

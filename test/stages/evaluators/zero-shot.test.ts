import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { normalizeRows } from '../../../stages/evaluators/embeddings.js';
import { classEmbeddings, zeroShot } from '../../../stages/evaluators/zero-shot.js';

// Written by test/reference/retrieval.py with CLIP_benchmark, scikit-learn and PyTorch.
const reference = JSON.parse(readFileSync(new URL('../../reference/zero-shot.json', import.meta.url), 'utf8')) as {
  dim: number;
  classes: number;
  templates: number;
  prompts: number[];
  images: number[];
  labels: number[];
  classEmbeddings: number[];
  predicted: number[];
  confidence: number[];
  top1: number;
  top5: number;
  meanPerClassRecall: number;
};

const { dim, classes, templates } = reference;
const classOf = Array.from({ length: classes * templates }, (_, prompt) => Math.floor(prompt / templates));

describe('classEmbeddings', () => {
  it('gives the weights of CLIP_benchmark', () => {
    const weights = classEmbeddings(Float32Array.from(reference.prompts), dim, classOf, classes);
    for (let at = 0; at < weights.length; at++) expect(weights[at]).toBeCloseTo(reference.classEmbeddings[at]!, 6);
  });

  it('lets each prompt weigh the same, whatever its length', () => {
    const weights = classEmbeddings(Float32Array.from([100, 0, 0, 0.01]), 2, [0, 0], 1);
    expect(weights[0]).toBeCloseTo(Math.SQRT1_2, 6);
    expect(weights[1]).toBeCloseTo(Math.SQRT1_2, 6);
  });

  it('takes classes with different numbers of prompts in any order', () => {
    const weights = classEmbeddings(Float32Array.from([0, 2, 1, 0, 0, 5]), 2, [1, 0, 1], 2);
    expect([...weights]).toEqual([1, 0, 0, 1]);
  });

  it('refuses a class without a prompt and a class that is not there', () => {
    expect(() => classEmbeddings(new Float32Array(4), 2, [0, 0], 2)).toThrow(/class 1 has no prompt/);
    expect(() => classEmbeddings(new Float32Array(4), 2, [0, 2], 2)).toThrow(/prompt 1 has class 2[\s\S]*from 0 to 1/);
    expect(() => classEmbeddings(new Float32Array(4), 2, [0], 2)).toThrow(/1 classes for 2 prompts/);
  });
});

describe('zeroShot', () => {
  it('gives the figures of CLIP_benchmark', () => {
    const images = normalizeRows(Float32Array.from(reference.images), dim);
    const weights = Float32Array.from(reference.classEmbeddings);
    const result = zeroShot({ images, classes: weights, dim, labels: reference.labels });
    expect(result.top1).toBeCloseTo(reference.top1 / 100, 6);
    expect(result.top5).toBeCloseTo(reference.top5 / 100, 6);
    expect(result.meanPerClassRecall).toBeCloseTo(reference.meanPerClassRecall / 100, 8);
    expect([...result.predicted]).toEqual(reference.predicted);
    for (const [image, value] of reference.confidence.entries()) expect(result.confidence[image]).toBeCloseTo(value, 4);
  });

  it('counts equal logits against the true class', () => {
    const images = Float32Array.from([1, 0, 1, 0]);
    const twins = Float32Array.from([1, 0, 1, 0]);
    const result = zeroShot({ images, classes: twins, dim: 2, labels: [0, 1] });
    expect(result.top1).toBe(0);
    expect([...result.predicted]).toEqual([0, 0]);
    expect([...result.confidence]).toEqual([0.5, 0.5]);
  });

  it('weighs the classes that have images equally', () => {
    const classesXY = Float32Array.from([1, 0, 0, 1, -1, 0]);
    const images = Float32Array.from([1, 0, 1, 0, 1, 0, 1, 0]);
    const result = zeroShot({ images, classes: classesXY, dim: 2, labels: [0, 0, 0, 1] });
    expect(result.top1).toBe(0.75);
    expect(result.meanPerClassRecall).toBe(0.5);
    expect(result.top5).toBeNaN();
  });

  it('has no figure without images, and none above 0 for embeddings that are not numbers', () => {
    const three = Float32Array.from([1, 0, 0, 1, -1, 0]);
    expect(zeroShot({ images: new Float32Array(0), classes: three, dim: 2, labels: [] }).top1).toBeNaN();
    const broken = new Float32Array(2).fill(Number.NaN);
    expect(zeroShot({ images: broken, classes: three, dim: 2, labels: [0] }).top1).toBe(0);
  });

  it('refuses a label that is no class', () => {
    const one = Float32Array.from([1, 0]);
    expect(() => zeroShot({ images: one, classes: one, dim: 2, labels: [3] })).toThrow(/image 0 has class 3/);
  });
});

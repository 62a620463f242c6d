import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { sourceCache } from '../../../pipeline/discovery/source-cache.js';
import { makeFolder } from '../folder.js';

/** A folder with two sources, and a cache in it. */
function makeCache(files: Readonly<Record<string, string>> = {}) {
  const folder = makeFolder({ 'a.ts': 'one', 'b.ts': 'two', ...files });
  vi.stubEnv('ALIGNFLOW_CACHE', join(folder, 'cache'));
  onTestFinished(() => void vi.unstubAllEnvs());
  const sources = [join(folder, 'a.ts'), join(folder, 'b.ts')];
  return { folder, sources, open: () => sourceCache<object>('things', [sources[0]!]) };
}

describe('sourceCache', () => {
  it('gives what was kept, to another process too', () => {
    const { sources, open } = makeCache();
    expect(open().read()).toBeUndefined();
    open().keep({ x: [1, 'two', null] }, sources);
    expect(open().read()).toEqual({ x: [1, 'two', null] });
    expect(sourceCache('others', [sources[0]!]).read()).toBeUndefined();
    expect(sourceCache('things', [sources[1]!]).read()).toBeUndefined();
  });

  it('gives nothing once a source has changed or has gone', () => {
    const { sources, open } = makeCache();
    open().keep({}, sources);
    writeFileSync(sources[1]!, 'three');
    expect(open().read()).toBeUndefined();
    writeFileSync(sources[1]!, 'two');
    expect(open().read()).toEqual({});
    rmSync(sources[1]!);
    expect(open().read()).toBeUndefined();
  });

  it('keeps nothing that JSON does not give back, and nothing of a source that cannot be read', () => {
    const { sources, open } = makeCache();
    for (const value of [{ most: Number.POSITIVE_INFINITY }, { x: undefined }, { x: new Map([[1, 2]]) }]) {
      open().keep(value, sources);
      expect(open().read()).toBeUndefined();
    }
    open().keep({}, [...sources, `${sources[0]}.gone`]);
    expect(open().read()).toBeUndefined();
  });

  it('takes a file that is cut for none', () => {
    const { folder, sources, open } = makeCache();
    open().keep({ x: 1 }, sources);
    const [name] = readdirSync(join(folder, 'cache/things'));
    writeFileSync(join(folder, 'cache/things', name!), '{"sources":[');
    expect(open().read()).toBeUndefined();
    open().keep({ x: 1 }, sources);
    expect(open().read()).toEqual({ x: 1 });
    expect(readdirSync(join(folder, 'cache/things'))).toEqual([name]);
  });

  it('does without a cache that cannot be written', () => {
    const { sources, open } = makeCache({ cache: 'a file in the way' });
    open().keep({ x: 1 }, sources);
    expect(open().read()).toBeUndefined();
  });
});

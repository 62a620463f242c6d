import { describe, expect, it } from 'vitest';
import { createReadAhead, READ_AHEAD } from '../../../pipeline/graph/read-ahead.js';

const MB = 1_000_000;

/** A budget in which so many bytes are held, and the arrays that there are, alive or dead. */
function memory({ limit = 1000 * MB, places = 2 } = {}) {
  const state = { limit, places, held: 0, arrays: 50 * MB, waited: 0, collects: () => {} };
  const wait = async () => {
    state.waited++;
    state.collects();
  };
  return { state, ahead: createReadAhead(state, { arrays: () => state.arrays, wait }) };
}

describe('read ahead', () => {
  it('is a batch for each place and one more, if these are more than its least', () => {
    const { ahead } = memory();
    expect(ahead.below()).toBe(READ_AHEAD);
    ahead.read({ bytes: 3 * MB, rows: 1 });
    expect(ahead.below()).toBe(READ_AHEAD);
    ahead.read({ bytes: 10 * MB, rows: 1 });
    ahead.read({ bytes: 1 * MB, rows: 1 });
    expect(ahead.below()).toBe(30 * MB);
  });

  it('stays below the limit', () => {
    const { ahead } = memory({ limit: 12 * MB });
    ahead.read({ bytes: 10 * MB, rows: 1 });
    expect(ahead.below()).toBe(12 * MB);
  });

  it('is half as far while more dead arrays than could be in flight are not collected', () => {
    const { state, ahead } = memory();
    ahead.read({ bytes: 20 * MB, rows: 1 });
    expect(ahead.below()).toBe(60 * MB);
    state.arrays += 60 * MB;
    expect(ahead.below()).toBe(60 * MB);
    state.arrays += 1;
    expect(ahead.below()).toBe(30 * MB);
    state.arrays -= 60 * MB;
    expect(ahead.below()).toBe(60 * MB);
  });

  it('does not mind few dead arrays, nor those that are held', () => {
    const { state, ahead } = memory();
    ahead.read({ bytes: 1 * MB, rows: 1 });
    ahead.below();
    state.arrays += 32 * MB;
    expect(ahead.below()).toBe(READ_AHEAD);
    state.arrays += 40 * MB;
    state.held = 40 * MB;
    expect(ahead.below()).toBe(READ_AHEAD);
    state.held = 0;
    expect(ahead.below()).toBe(READ_AHEAD / 2);
  });

  it('never keeps a source from its next batch while one is worked on', () => {
    const { state, ahead } = memory({ places: 1 });
    ahead.read({ bytes: 15 * MB, rows: 1 });
    ahead.below();
    state.arrays += 500 * MB;
    expect(ahead.below()).toBe(15 * MB + 1);
    const narrow = memory({ limit: 12 * MB });
    narrow.ahead.read({ bytes: 30 * MB, rows: 1 });
    narrow.ahead.below();
    narrow.state.arrays += 500 * MB;
    expect(narrow.ahead.below()).toBe(12 * MB);
  });

  it('knows arrays that were not collected yet when it began once they are', () => {
    const { state, ahead } = memory();
    ahead.read({ bytes: 20 * MB, rows: 1 });
    state.arrays = 150 * MB;
    ahead.below();
    state.arrays = 10 * MB;
    expect(ahead.below()).toBe(60 * MB);
    state.arrays = 100 * MB;
    expect(ahead.below()).toBe(30 * MB);
  });

  it('lets a batch more than there are places be in work at the end of a unit', () => {
    const { state, ahead } = memory();
    expect(ahead.mostRows()).toBe(0);
    ahead.read({ bytes: 1, rows: 100 });
    ahead.read({ bytes: 1, rows: 7 });
    expect(ahead.mostRows()).toBe(300);
    state.places = 5;
    expect(ahead.mostRows()).toBe(600);
  });

  it('waits a moment while V8 is late, and less and less where it is no use', async () => {
    const { state, ahead } = memory();
    const readAndWait = async (bytes: number, more = 0) => {
      ahead.read({ bytes, rows: 1 });
      state.arrays += more;
      state.waited = 0;
      await ahead.collected();
      return state.waited;
    };
    expect(await readAndWait(5 * MB)).toBe(0);
    expect(await readAndWait(5 * MB, 79 * MB)).toBe(0);
    expect(await readAndWait(5 * MB, 2 * MB)).toBe(8);
    for (let vain = 2; vain <= 16; vain++) expect(await readAndWait(5 * MB)).toBe(8);
    expect(await readAndWait(5 * MB)).toBe(8);
    expect(await readAndWait(7 * MB)).toBe(0);
    expect(await readAndWait(1 * MB)).toBe(8);
    expect(await readAndWait(15 * MB)).toBe(0);
    state.collects = () => {
      if (state.waited === 3) state.arrays = 50 * MB;
    };
    expect(await readAndWait(1 * MB)).toBe(3);
    expect(await readAndWait(5 * MB)).toBe(0);
    expect(await readAndWait(5 * MB, 100 * MB)).toBe(3);
  });
});

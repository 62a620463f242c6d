import { describe, expect, it } from 'vitest';
import { createBudget } from '../../../pipeline/graph/budget.js';

/** Whether a promise has resolved once everything that is due has run. */
async function isDone(promise: Promise<unknown>): Promise<boolean> {
  let done = false;
  promise.then(() => {
    done = true;
  });
  await new Promise((resolve) => setImmediate(resolve));
  return done;
}

describe('budget', () => {
  it('counts what is held and the most that was held', () => {
    const budget = createBudget(100);
    const first = budget.hold(60);
    const second = budget.hold(70);
    expect([budget.limit, budget.held, budget.peak]).toEqual([100, 130, 130]);
    first();
    first();
    expect([budget.held, budget.peak]).toEqual([70, 130]);
    second();
    expect([budget.held, budget.peak]).toEqual([0, 130]);
  });

  it('has room below its limit, and when nothing is held', async () => {
    const budget = createBudget(100);
    expect(await isDone(budget.room())).toBe(true);
    budget.hold(99);
    expect(await isDone(budget.room())).toBe(true);
    expect(await isDone(createBudget(0).room())).toBe(true);
  });

  it('has a lower limit while bytes are reserved', async () => {
    const budget = createBudget(100);
    const release = budget.reserve(60);
    budget.hold(50);
    expect([budget.limit, budget.held]).toEqual([40, 50]);
    const waiting = budget.room();
    expect(await isDone(waiting)).toBe(false);
    release();
    release();
    expect(budget.limit).toBe(100);
    // Asked with the lower limit: it comes with what is given back next.
    budget.hold(0)();
    expect(await isDone(budget.room())).toBe(true);
  });

  it('makes all wait until there is room', async () => {
    const budget = createBudget(100);
    const [large, small] = [budget.hold(150), budget.hold(20)];
    const waiting = [budget.room(), budget.room()];
    const narrow = budget.room(20);
    small();
    expect(await Promise.all(waiting.map(isDone))).toEqual([false, false]);
    const rest = budget.hold(30);
    large();
    expect(await Promise.all(waiting.map(isDone))).toEqual([true, true]);
    expect(await isDone(narrow)).toBe(false);
    rest();
    expect(await isDone(narrow)).toBe(true);
  });
});

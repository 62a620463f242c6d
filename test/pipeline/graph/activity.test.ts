import { describe, expect, it } from 'vitest';
import { createAccount, createBusyClock } from '../../../pipeline/graph/account.js';
import { followActivity } from '../../../pipeline/graph/activity.js';
import { createBudget } from '../../../pipeline/graph/budget.js';

/** An operator with a clock that stands still unless it is told to go on. */
function operator() {
  let time = 0;
  const now = () => time;
  const wait = (seconds: number) => {
    time += 1000 * seconds;
  };
  const account = createAccount('image/decode[0]');
  const budget = createBudget(1000);
  return { account, budget, wait, activity: followActivity(account, budget, now), clock: createBusyClock(now) };
}

describe('activity of an operator', () => {
  it('waits from the end of its rows to the next ones, not before the first', () => {
    const { account, wait, activity } = operator();
    wait(5);
    activity.arrive(() => wait(1));
    wait(10);
    activity.arrive(() => wait(2));
    wait(20);
    activity.arrive(() => wait(4));
    expect(account.waiting).toBe(30);
  });

  it('is at work while it holds rows, once for several at a time, and has their bytes in its queue', () => {
    const { account, budget, wait, activity } = operator();
    const first = activity.budget.hold(40);
    wait(1);
    const second = activity.budget.hold(60);
    expect([account.held, budget.held, activity.budget.held]).toEqual([100, 100, 100]);
    wait(1);
    first();
    first();
    expect([account.held, budget.held]).toEqual([60, 60]);
    wait(3);
    second();
    wait(7);
    activity.budget.hold(1)();
    expect([account.seconds, account.waiting, account.held]).toEqual([5, 7, 0]);
    expect(activity.budget.peak).toBe(100);
  });

  it('counts the time of rows that it holds once, though its own code runs meanwhile', () => {
    const { account, wait, activity, clock } = operator();
    let release: () => void = () => undefined;
    activity.arrive(() =>
      clock.run(account, () => {
        release = activity.budget.hold(8);
        wait(1);
      }),
    );
    wait(2);
    release();
    expect(account.seconds).toBe(3);
  });

  it('is at rest again after an error', () => {
    const { account, wait, activity } = operator();
    const broken = () =>
      activity.arrive(() => {
        throw new Error('broken');
      });
    expect(broken).toThrow('broken');
    wait(3);
    activity.arrive(() => undefined);
    expect(account.waiting).toBe(3);
  });
});

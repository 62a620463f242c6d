import { describe, expect, it } from 'vitest';
import { createAccount, createBusyClock, droppedRows } from '../../../pipeline/graph/account.js';

/** A clock that stands still unless it is told to go on. */
function fakeClock() {
  let time = 0;
  const wait = (seconds: number) => {
    time += 1000 * seconds;
  };
  return { clock: createBusyClock(() => time), wait };
}

describe('account', () => {
  it('sums dropped rows over reasons', () => {
    const account = createAccount('filter/score[0]');
    expect(droppedRows(account)).toBe(0);
    account.dropped.set('low', 3).set('null', 4);
    expect(droppedRows(account)).toBe(7);
  });
});

describe('busy clock', () => {
  it('gives each operator its own time, though they call each other', () => {
    const { clock, wait } = fakeClock();
    const [first, second] = [createAccount('a'), createAccount('b')];
    clock.run(first, () => {
      wait(1);
      clock.run(second, () => {
        wait(10);
        clock.outside(() => wait(100));
        wait(20);
      });
      wait(2);
    });
    wait(1000);
    clock.run(first, () => wait(4));
    expect([first.seconds, second.seconds]).toEqual([7, 30]);
  });

  it('keeps its order when an operator throws', () => {
    const { clock, wait } = fakeClock();
    const [first, second] = [createAccount('a'), createAccount('b')];
    const broken = () =>
      clock.run(second, () => {
        wait(5);
        throw new Error('broken');
      });
    clock.run(first, () => {
      expect(broken).toThrow('broken');
      wait(1);
    });
    wait(100);
    expect([first.seconds, second.seconds]).toEqual([1, 5]);
  });
});

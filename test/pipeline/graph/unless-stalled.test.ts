import { lastValueFrom, NEVER, of, Subject } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { unlessStalled } from '../../../pipeline/graph/unless-stalled.js';

const stalls = () => process.listenerCount('beforeExit');

describe('unless stalled', () => {
  it('passes a stream on that ends, and listens no more', async () => {
    const before = stalls();
    expect(await lastValueFrom(of(1, 2).pipe(unlessStalled(() => new Error('stalled'))))).toBe(2);
    expect(stalls()).toBe(before);
  });

  it('fails when the process has nothing left to wait for', () => {
    const before = process.listeners('beforeExit');
    let failed: unknown;
    NEVER.pipe(unlessStalled(() => new Error('stalled'))).subscribe({ error: (error: unknown) => (failed = error) });
    const [listener] = process.listeners('beforeExit').filter((one) => !before.includes(one));
    listener!(0);
    expect(failed).toEqual(new Error('stalled'));
    expect(process.listeners('beforeExit')).toEqual(before);
  });

  it('listens no more when nobody listens to it', () => {
    const before = stalls();
    const source = new Subject();
    const subscription = source.pipe(unlessStalled(() => new Error('stalled'))).subscribe();
    expect(stalls()).toBe(before + 1);
    subscription.unsubscribe();
    expect([stalls(), source.observed]).toEqual([before, false]);
  });
});

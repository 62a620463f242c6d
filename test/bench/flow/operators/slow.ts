import { setTimeout as wait } from 'node:timers/promises';
import { defineSink } from 'alignflow';

/** Takes rows slowly and keeps none. */
export interface Slow {
  /** Milliseconds for each batch. @minimum 0 */
  delay: number;
}

export default defineSink({
  name: 'flow/slow',
  defaults: { delay: 5 },
  open: async ({ delay }: Slow) => ({
    write: async () => {
      await wait(delay);
    },
    close: async () => [],
    abort: async () => {},
  }),
});

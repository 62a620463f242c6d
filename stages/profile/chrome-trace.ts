import type { Profile } from './profile.js';

/**
 * The ops as Chrome's trace viewer and Perfetto read them (Trace Event Format, complete events): a row of ops, and above it their
 * modules, neighbours of one module as one.
 */
export function chromeTrace({ stage, ops }: Profile): string {
  const all = ops.flat();
  const began = all[0]?.start ?? 0;
  const event = (name: string, start: number, milliseconds: number, tid: number) => ({
    name,
    ph: 'X',
    ts: 1000 * (start - began),
    dur: 1000 * milliseconds,
    pid: 1,
    tid,
  });
  const modules: { name: string; start: number; end: number }[] = [];
  for (const { module, start, milliseconds } of all) {
    const last = modules.at(-1);
    if (last?.name === module) last.end = start + milliseconds;
    else modules.push({ name: module, start, end: start + milliseconds });
  }
  const named = (tid: number, name: string) => ({ name: 'thread_name', ph: 'M', pid: 1, tid, args: { name } });
  return JSON.stringify({
    displayTimeUnit: 'ms',
    traceEvents: [
      { name: 'process_name', ph: 'M', pid: 1, args: { name: stage } },
      named(1, 'modules'),
      named(2, 'ops'),
      ...modules.map(({ name, start, end }) => event(name === '' ? 'other' : name, start, end - start, 1)),
      ...all.map(({ name, module, start, milliseconds }) => ({
        ...event(name, start, milliseconds, 2),
        args: { module },
      })),
    ],
  });
}

import type { Profile } from './profile.js';

/** Time of all ops that have something in common, in one step. */
export interface Share {
  readonly name: string;
  /** Ops of a step. */
  readonly count: number;
  readonly milliseconds: number;
  readonly flops: number;
  /** Bytes that it held at the moment of most memory; for modules. */
  readonly bytes: number;
}

/** What tfjs does by itself, such as the gradients of plain sums. */
const OTHER = 'gradients of plain ops, feeds';

/** Time by module, the largest first. Equal layers are one: `layers.*`. */
export function byModule({ ops, peak }: Profile): Share[] {
  const bytes = new Map<string, number>();
  for (const [module, held] of peak.modules) bytes.set(shortName(module), (bytes.get(shortName(module)) ?? 0) + held);
  return shares(ops, ({ module }) => shortName(module)).map((share) => ({
    ...share,
    bytes: bytes.get(share.name) ?? 0,
  }));
}

/** Time by kind of op, the largest first. */
export function byOp({ ops }: Profile): Share[] {
  return shares(ops, ({ name }) => name);
}

function shares(steps: Profile['ops'], nameOf: (op: Profile['ops'][number][number]) => string): Share[] {
  const found = new Map<string, { count: number; milliseconds: number; flops: number }>();
  for (const op of steps.flat()) {
    const share = found.get(nameOf(op)) ?? { count: 0, milliseconds: 0, flops: 0 };
    share.count += 1 / steps.length;
    share.milliseconds += op.milliseconds / steps.length;
    share.flops += op.flops / steps.length;
    found.set(nameOf(op), share);
  }
  return [...found]
    .map(([name, share]) => ({ name, ...share, count: Math.round(share.count), bytes: 0 }))
    .sort((a, b) => b.milliseconds - a.milliseconds);
}

function shortName(module: string): string {
  return module === '' ? OTHER : module.replace(/\.layers\.\d+/g, '.layers.*');
}

import type { Addon } from './addon.js';

/** The addon with some functions replaced. Its exports are read-only, so a plain object stands before them. */
export function standIn(addon: Addon, replaced: Partial<Addon>): Addon {
  const copy: Record<string, unknown> = {};
  for (const key of Object.getOwnPropertyNames(addon)) copy[key] = Reflect.get(addon, key);
  return { ...(copy as unknown as Addon), ...replaced };
}

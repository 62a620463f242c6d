import { AlignflowError } from '../errors.js';
import type { Source } from '../source.js';
import type { Options, PlannedSink } from './plan.js';

/** The source that reads what a sink wrote into a folder, with its options. */
export function loadSource(
  { use, reader }: PlannedSink,
  folder: string,
): { source: Source<Options>; options: Options } {
  if (reader !== undefined) return { source: reader.source, options: { ...reader.options, path: folder } };
  throw new AlignflowError({ what: `nothing reads what ${use} writes`, expected: 'a source of the same name' });
}

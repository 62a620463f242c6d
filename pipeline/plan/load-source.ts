import { AlignflowError } from '../errors.js';
import type { LoadedSource, PlannedSink } from './plan.js';

/** The source that reads what a sink wrote into a folder, with its options. */
export function loadSource({ use, reader }: PlannedSink, folder: string): LoadedSource {
  if (reader !== undefined) return { ...reader, options: { ...reader.options, path: folder } };
  throw new AlignflowError({ what: `nothing reads what ${use} writes`, expected: 'a source of the same name' });
}

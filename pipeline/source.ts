import type { RecordBatch, Schema } from 'apache-arrow';
import type { Reservation } from './graph/reserve.js';

/** What a source reads at once: a row group, a file, a page. Restarts, shuffled epochs and the ledger go by it. */
export interface Unit {
  /** What the ledger calls it: a file's path, or any name. */
  readonly file: string;
  /** Row group in the file, from 0. */
  readonly rowGroup?: number;
  /** Rows in it, where that is known without reading. */
  readonly rows?: number;
}

/** What tells a unit from all others of its source, as one text. */
export function unitKey({ file, rowGroup }: Pick<Unit, 'file' | 'rowGroup'>): string {
  return `${rowGroup ?? ''}\0${file}`;
}

/** Rows in all units; undefined where one of them does not say. */
export function totalRows(units: readonly Unit[]): number | undefined {
  let sum = 0;
  for (const { rows } of units) {
    if (rows === undefined) return undefined;
    sum += rows;
  }
  return sum;
}

/** What a source is given. */
export interface SourceContext {
  readonly stage: string;
  /** Folder that relative paths are relative to: that of the manifest. */
  readonly base: string;
  readonly seed: number;
  readonly signal: AbortSignal;
  /** Folder that outlives runs, for what was fetched. */
  readonly cache: string;
  /** Says what takes long before the first row ("fetching openmoji 17.0.0, 4 MB"). */
  readonly note: (line: string) => void;
  /**
   * Sets memory of the run apart for what reading takes beside the rows that are emitted (a page that is decoded whole), until all
   * is read; of several askings the most counts. Throws an `AlignflowError` with the arithmetic where it does not fit.
   */
  readonly reserve: (reservation: Reservation) => void;
  /** Counts a row that could not be read and goes to the ledger. */
  readonly drop: (unit: Unit, row: number, reason: string, detail?: string) => void;
}

/** How a source is written. The engine does the flow control, the epochs and the restarts. */
export interface SourceDefinition<Config extends object> {
  readonly name: string;
  readonly defaults: Partial<NoInfer<Config>>;
  /** Reasons for which it may drop a row that it cannot read. */
  readonly drops?: readonly string[];
  /** The schema of its batches; may read a header, never rows. */
  readonly schema: (config: Config, context: Pick<SourceContext, 'stage' | 'base'>) => Promise<Schema>;
  /**
   * What tells this data from other data of the same options, without reading it: names, sizes and times of files. A stage
   * whose data changed is run again. Left out by a source whose options say all.
   */
  readonly identity?: (config: NoInfer<Config>, context: Pick<SourceContext, 'stage' | 'base'>) => Promise<string>;
  /** All that there is to read, in its natural order, the same at each call. */
  readonly units: (config: NoInfer<Config>, context: SourceContext) => Promise<readonly Unit[]>;
  /** Reads one unit, as batches of any size. */
  readonly read: (unit: Unit, config: NoInfer<Config>, context: SourceContext) => AsyncIterable<RecordBatch>;
}

/** Where rows come from. */
export interface Source<Config extends object = never> {
  readonly kind: 'source';
  readonly name: string;
  readonly defaults: Readonly<Record<string, unknown>>;
  readonly drops: readonly string[];
  readonly schema: (config: Config, context: Pick<SourceContext, 'stage' | 'base'>) => Promise<Schema>;
  readonly identity: (config: Config, context: Pick<SourceContext, 'stage' | 'base'>) => Promise<string>;
  readonly units: (config: Config, context: SourceContext) => Promise<readonly Unit[]>;
  readonly read: (unit: Unit, config: Config, context: SourceContext) => AsyncIterable<RecordBatch>;
}

/** Declares a source. One file, one `export default defineSource({...})`. */
export function defineSource<Config extends object>(definition: SourceDefinition<Config>): Source<Config> {
  const { defaults, drops = [], identity = async () => '' } = definition;
  return { kind: 'source', ...definition, defaults: { ...defaults }, drops, identity };
}

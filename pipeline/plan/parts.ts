import type { Catalog } from '../discovery/catalog.js';
import type { CatalogEntry, Kind } from '../discovery/entry.js';
import { type Definition, type Loaded, loadDefinition } from '../discovery/load.js';
import { AlignflowError, reasonOf } from '../errors.js';
import type { Located, Position } from '../manifest/position.js';
import { type Problem, problemOf, type Report } from '../manifest/problem.js';
import { type MapNode, placeOfPath } from '../manifest/tree.js';
import { type Looks, lookAtAll } from './doubt.js';
import { checkOptions } from './options.js';
import type { Options, PlannedSink } from './plan.js';
import type { Guess } from './whatever-meant.js';

/** A source, an operator, a sink or a stage that a manifest names: found, loaded, its options checked. */
export interface Part<K extends Kind> {
  readonly use: string;
  readonly at: Position;
  readonly entry: CatalogEntry;
  readonly version: string;
  /** URL of the module that it was loaded from. */
  readonly module: string;
  readonly definition: Extract<Definition, { readonly kind: K }>;
  /** Undefined after a problem with them. */
  readonly options: Options | undefined;
  /** What they may have been meant to be, after a problem. */
  readonly guesses: readonly Guess[];
  /** Where `options` are one of them. */
  readonly looks?: Looks;
}

const KINDS: Readonly<Record<Kind, string>> = {
  operator: 'an operator',
  source: 'a source',
  sink: 'a sink',
  stage: 'a stage',
};

/** Finds what a manifest names in the catalog and loads it, each file once. */
export class Parts {
  private readonly catalog: Catalog;
  private readonly report: Report;
  private readonly loaded = new Map<string, Promise<Loaded>>();

  constructor(catalog: Catalog, report: Report) {
    this.catalog = catalog;
    this.report = report;
  }

  /** The part that a name stands for, which must be of one kind; undefined after a problem. */
  async find<K extends Kind>(
    kind: K,
    { value: use, at }: Located<string>,
    node?: MapNode,
  ): Promise<Part<K> | undefined> {
    const entry = this.catalog.entries.get(use);
    if (entry === undefined || entry.kind !== kind) return this.unknown(kind, use, at, entry);
    const checked = checkOptions({ name: use, at, node, schema: entry.schema, defaults: entry.defaults }, this.report);
    try {
      const { definition, version, module } = await this.load(entry);
      return { use, at, entry, version, module, definition: definition as Part<K>['definition'], ...checked };
    } catch (error) {
      this.report(problemOf(error, 'load', at));
      return undefined;
    }
  }

  /**
   * The source that reads what a sink wrote: that of the same name (`source/parquet` for `sink/parquet`), which finds files
   * by its option `path`. Undefined where there is none.
   */
  async readerOf(sink: string): Promise<PlannedSink['reader']> {
    const entry = this.catalog.entries.get(sink.replace(/^sink\//, 'source/'));
    if (entry?.kind !== 'source' || entry.schema.properties?.path === undefined) return undefined;
    const { definition, module } = await this.load(entry);
    return { source: definition as Part<'source'>['definition'], options: entry.defaults, module };
  }

  private load(entry: CatalogEntry): Promise<Loaded> {
    let loading = this.loaded.get(entry.name);
    if (loading === undefined) {
      loading = loadDefinition(entry);
      this.loaded.set(entry.name, loading);
    }
    return loading;
  }

  private unknown(kind: Kind, use: string, at: Position, other: CatalogEntry | undefined): undefined {
    const nearest = this.catalog.nearest(use, kind);
    const known = this.catalog.ofKind(kind).map(({ name }) => name);
    const problem: Problem = {
      code: kind === 'stage' ? 'unknown-stage-kind' : 'unknown-operator',
      message: other === undefined ? `there is no ${use}` : `${use} is ${KINDS[other.kind]}, not ${KINDS[kind]}`,
      at,
      expected:
        nearest === undefined && known.length <= 12
          ? `one of ${known.join(', ')}`
          : `${KINDS[kind]}; alignflow describe lists them`,
      ...(nearest === undefined ? {} : { nearest }),
    };
    this.report(problem);
  }
}

/** A call of a function of a definition, as its problems tell of it. */
export interface PartCall {
  /** `writes of filter/score`. */
  readonly name: string;
  readonly code: Problem['code'];
  /** The place of the part in the manifest. */
  readonly at: Position;
  /** Its options there: an error that names one of them is shown at it. */
  readonly options: MapNode | undefined;
  /** False where a problem hides what it is given: then only what it says of its options is a problem of its own. */
  readonly certain?: boolean;
  /** Where the options that it is given are a guess. */
  readonly looks?: Looks | undefined;
}

/**
 * Calls a function of a definition. What it throws becomes a problem, as does that it gives nothing, and undefined comes back. It is none
 * where it looked at an option that is wrong: nobody knows then what it would have done with the right one.
 */
export async function callPart<T>(
  call: () => T | Promise<T>,
  { name, code, at, options, certain = true, looks = { guessed: 0, unknown: 0 } }: PartCall,
  report: Report,
): Promise<T | undefined> {
  const before = { ...looks };
  const looked = () => looks.unknown > before.unknown || looks.guessed > before.guessed;
  try {
    const given: unknown = await call();
    lookAtAll(given);
    if (looks.unknown > before.unknown) return undefined;
    if (certain && !looked() && (given === undefined || given === null))
      report({ code, message: `${name} gives nothing`, at });
    return (given ?? undefined) as T | undefined;
  } catch (error) {
    if (looked()) return undefined;
    const named = error instanceof AlignflowError ? (error.fault.options ?? []) : [];
    if (!certain && named.length === 0) return undefined;
    const place = named.map((path) => placeOfPath(options, path)).find((found) => found !== undefined) ?? at;
    const known = error instanceof AlignflowError;
    report(known ? problemOf(error, code, place) : { code, message: `${name} throws: ${reasonOf(error)}`, at });
    return undefined;
  }
}

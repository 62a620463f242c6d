/** What becomes of each row of a sample, by where it was read first, however many stages it has passed since. */
import type { RecordBatch } from 'apache-arrow';
import { originOf } from '../batch/origin.js';
import type { DroppedRow } from '../graph/chain.js';
import { branchName } from '../manifest/names.js';
import type { PlannedStage } from '../plan/plan.js';
import type { RowsWatch } from '../run/read-rows.js';
import type { Unit } from '../source.js';

/** The place of a row in what a source of its own reads. */
export type RowPlace = Pick<DroppedRow, 'file' | 'rowGroup' | 'row'>;

/** A row that was dropped, by where it was read first. */
export interface DroppedPlace {
  readonly place: RowPlace;
  readonly why: DroppedRow;
}

/** What became of the rows that came to a stage, or to a branch of one. */
export interface Fates {
  /** The rows that its sink was given, in their order. */
  readonly kept: readonly RowPlace[];
  readonly dropped: readonly DroppedPlace[];
}

/** Follows the rows of one stage. */
export interface FollowedRows extends RowsWatch {
  /** Told what there is to read, before the first row. */
  units(units: readonly Unit[]): void;
  /** By the name of the stage and of each of its branches: `pairs`, `pairs.short`. */
  readonly fates: ReadonlyMap<string, Fates>;
}

/** Steps have their place in their label: `filter/score[2]`. */
const IS_STEP = /\[\d+\]$/;

/** Follows rows from stage to stage: a stage that reads what another wrote gets the rows in the order in which they were written. */
export function followRows(): (stage: PlannedStage) => FollowedRows {
  const written = new Map<string, readonly RowPlace[]>();
  return ({ name, rows, branches }) => {
    const earlier =
      rows === undefined || 'source' in rows.from
        ? undefined
        : rows.from.flatMap((share) => written.get(share.stage) ?? []);
    const fates = new Map(
      [name, ...branches.map((branch) => branchName(name, branch.name))].map((scope) => [
        scope,
        { kept: [] as RowPlace[], dropped: [] as DroppedPlace[] },
      ]),
    );
    for (const [scope, { kept }] of fates) written.set(scope, kept);
    let units: readonly Unit[] = [];
    let starts: readonly number[] = [];
    const placeOf = (unit: number, row: number): RowPlace => {
      const { file, rowGroup } = units[unit]!;
      return earlier?.[starts[unit]! + row] ?? { file, ...(rowGroup === undefined ? {} : { rowGroup }), row };
    };
    return {
      fates,
      units(listed) {
        units = [...listed];
        let next = 0;
        starts = units.map(({ rows = 0 }) => {
          const start = next;
          next += rows;
          return start;
        });
      },
      written(scope, batch) {
        const { kept } = fates.get(scope)!;
        for (const { unit, row } of originsOf(batch)) kept.push(placeOf(unit, row));
      },
      dropped(why) {
        // What a source drops it counts by numbers of its own, and never gave to a step.
        if (!IS_STEP.test(why.operator)) return;
        fates.get(why.stage)?.dropped.push({ place: placeOf(why.unit ?? 0, why.row), why });
      },
    };
  };
}

function originsOf(batch: RecordBatch) {
  return Array.from({ length: batch.numRows }, (_, row) => originOf(batch, row)!);
}

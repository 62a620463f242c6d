import { shorten } from './terminal/shorten.js';

/** Where something went wrong, as far as it is known. Every field that is given is printed. */
export interface Where {
  /** File, as the user named it or relative to the working directory. */
  readonly file?: string;
  /** Line in the file, from 1. */
  readonly line?: number;
  /** Column in the line, from 1. */
  readonly column?: number;
  /** Row group of a Parquet file, from 0. */
  readonly rowGroup?: number;
  /** Row in the file or row group, from 0. */
  readonly row?: number;
  /** Stage of the manifest. */
  readonly stage?: string;
  /** Operator of the stage. */
  readonly operator?: string;
}

/** The four things that a message must say: what, where, what was expected, what to do. */
export interface Fault {
  /** What went wrong, one sentence without a full stop. */
  readonly what: string;
  readonly where?: Where;
  /** What would have been right. */
  readonly expected?: string;
  /** What the user can do about it. */
  readonly fix?: string;
  /** The options that are wrong, alone or together, by their paths: `min`, `values[2]`. `check` points at the first that the manifest gives. */
  readonly options?: readonly string[];
  /** The error that led to this one. */
  readonly cause?: unknown;
  /** Whether it is a mistake in the code of an operator, a source or alignflow itself: then the stack of the cause is shown too. */
  readonly defect?: boolean;
}

/** An error that a user can act upon. Anything else that is thrown is a defect of alignflow or of an operator. */
export class AlignflowError extends Error {
  override readonly name: string = 'AlignflowError';
  readonly fault: Fault;

  constructor(fault: Fault) {
    super(describeFault(fault), fault.cause === undefined ? undefined : { cause: fault.cause });
    this.fault = fault;
  }

  /** The same error with more of its place known; what was already known stays. */
  at(where: Where): AlignflowError {
    return new AlignflowError({ ...this.fault, where: { ...where, ...this.fault.where } });
  }
}

/**
 * An error that came out of a part of a stage, with its place. What is no `AlignflowError` is a defect of that part.
 *
 * @param part what it is: `operator`, `source`
 */
export function placeError(error: unknown, where: Where, part: string): AlignflowError {
  if (error instanceof AlignflowError) return error.at(where);
  return new AlignflowError({
    what: `the ${part} failed: ${reasonOf(error)}`,
    where,
    fix: `this is a defect of the ${part}, or a case that it does not think of`,
    cause: error,
    defect: true,
  });
}

/** One line for the place, `file:line:column`, then the data place, then stage and operator. Empty when nothing is known. */
export function describeWhere(where: Where): string {
  const position = [where.file, where.line, where.column].filter((part) => part !== undefined).join(':');
  const data = [
    where.rowGroup === undefined ? undefined : `row group ${where.rowGroup}`,
    where.row === undefined ? undefined : `row ${where.row}`,
  ];
  const graph = [
    where.stage === undefined ? undefined : `stage ${where.stage}`,
    where.operator === undefined ? undefined : `operator ${where.operator}`,
  ];
  return [position, ...data, ...graph].filter((part) => part !== undefined && part !== '').join(', ');
}

function describeFault({ what, where, expected, fix }: Fault): string {
  const place = where === undefined ? '' : describeWhere(where);
  return [
    place === '' ? what : `${place}: ${what}`,
    expected === undefined ? undefined : `  expected: ${expected}`,
    fix === undefined ? undefined : `  to do: ${fix}`,
  ]
    .filter((line) => line !== undefined)
    .map((text) => text.split('\n').map(shorten).join('\n'))
    .join('\n');
}

/** The cause of a failure in one line, whatever was thrown. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

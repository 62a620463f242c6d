import { readFileSync } from 'node:fs';
import { AlignflowError } from '../errors.js';
import type { Position } from './position.js';

/** The kinds of problem that `check` finds, as `--json` names them. */
export type ProblemCode =
  /** The file cannot be read, is too large, or is not YAML. */
  | 'file'
  | 'syntax'
  | 'duplicate-key'
  | 'too-large'
  /** `extends`, `variables` and `--set`. */
  | 'extends'
  | 'variable'
  | 'set'
  /** The shape of the manifest and of options. */
  | 'unknown-key'
  | 'missing'
  | 'type'
  | 'value'
  | 'range'
  | 'unit'
  /** Operators and stages, and the files that define them. */
  | 'operators'
  | 'unknown-operator'
  | 'unknown-stage-kind'
  | 'load'
  /** References between stages. */
  | 'unknown-stage'
  | 'unknown-branch'
  | 'unused'
  | 'order'
  | 'cycle'
  | 'hand-over'
  /** What planning finds. */
  | 'column'
  | 'schema'
  | 'source'
  | 'stage'
  | 'gate'
  | 'memory';

/** One thing that is wrong, with its place: what `check` prints, and what `--json` writes. */
export interface Problem {
  readonly code: ProblemCode;
  /** One sentence without a full stop. */
  readonly message: string;
  readonly at: Position;
  /** What would have been right. */
  readonly expected?: string;
  /** The nearest known name to an unknown one. */
  readonly nearest?: string;
  /** What to do about it. */
  readonly fix?: string;
}

/** What tells a problem from others. */
export function problemKey({ code, message, at }: Problem): string {
  return `${at.file}:${at.line}:${at.column} ${code} ${message}`;
}

/** Collects problems: everything that is wrong is reported at once. */
export type Report = (problem: Problem) => void;

/**
 * The problem that an error stands for. Its place is the error's own line where it has one (of a user's source), and `at`
 * otherwise: a file without a line (of data) goes into the message.
 */
export function problemOf(error: unknown, code: ProblemCode, at: Position): Problem {
  if (!(error instanceof AlignflowError)) throw error;
  const { what, where: { file, line, column = 1 } = {}, expected, fix } = error.fault;
  const own = file !== undefined && line !== undefined;
  return {
    code,
    message: file === undefined || own ? what : `${file}: ${what}`,
    at: own ? { file, line, column, length: 1, text: lineOf(file, line) } : at,
    ...(expected === undefined ? {} : { expected }),
    ...(fix === undefined ? {} : { fix }),
  };
}

function lineOf(file: string, line: number): string {
  try {
    return readFileSync(file, 'utf8').split(/\r?\n/)[line - 1] ?? '';
  } catch {
    return ''; // No caret line, then: the message stands without it.
  }
}

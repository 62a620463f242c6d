import { relative } from 'node:path';
import colors from 'picocolors';
import { plainText } from '../terminal/plain-text.js';
import type { Problem } from './problem.js';

const WIDTH = 100;

/** How problems are printed. */
export interface RenderOptions {
  /** Whether the output is a terminal that shows colours; found out unless given. */
  readonly color?: boolean;
  /** Files inside it are printed relative to it. */
  readonly workingFolder?: string;
}

/** Problems as text for people: each with its place, the line with a caret line below, and what would be right. */
export function renderProblems(problems: readonly Problem[], options: RenderOptions = {}): string {
  const count = problems.length === 1 ? '1 problem' : `${problems.length} problems`;
  return [...problems.map((problem) => renderProblem(problem, options)), `${count}\n`].join('\n');
}

function renderProblem(
  problem: Problem,
  { color = colors.isColorSupported, workingFolder = process.cwd() }: RenderOptions,
): string {
  const paint = colors.createColors(color);
  const { at, code, message, expected, nearest, fix } = problem;
  const gutter = ' '.repeat(String(at.line).length);
  const bar = paint.dim('|');
  const lines = [
    `${paint.bold(`${shortPath(at.file, workingFolder)}:${at.line}:${at.column}`)} ${paint.red(`${code}:`)} ${plainText(message)}`,
  ];
  if (at.text.trim() !== '') {
    const { text, from } = excerpt(at.text, at.column - 1);
    const indent = text.slice(0, from).replace(/[^\t]/g, ' ');
    const carets = '^'.repeat(Math.max(1, Math.min(at.length, text.length - from)));
    lines.push(`  ${paint.dim(String(at.line))} ${bar} ${text}`, `  ${gutter} ${bar} ${indent}${paint.red(carets)}`);
  }
  if (expected !== undefined) lines.push(`  ${gutter} ${paint.dim('expected:')} ${plainText(expected)}`);
  if (nearest !== undefined) lines.push(`  ${gutter} ${paint.dim('did you mean:')} ${paint.green(plainText(nearest))}`);
  if (fix !== undefined) lines.push(`  ${gutter} ${paint.dim('to do:')} ${plainText(fix)}`);
  return `${lines.join('\n')}\n`;
}

/** Problems as a JSON array, for tools. Files are absolute. */
export function problemsToJson(problems: readonly Problem[]): string {
  const plain = problems.map(({ at, ...rest }) => ({
    ...rest,
    file: at.file,
    line: at.line,
    column: at.column,
    length: at.length,
  }));
  return `${JSON.stringify(plain, undefined, 2)}\n`;
}

/** A file as messages name it: relative to the working directory where it is inside. */
export function shortPath(file: string, workingFolder: string): string {
  const short = relative(workingFolder, file);
  return file.startsWith('-') || short.startsWith('..') || short === '' ? file : short;
}

/** The part of a long line around a column, with `…` where it is cut. */
function excerpt(line: string, column: number): { text: string; from: number } {
  const shown = plainText(line);
  if (shown.length <= WIDTH) return { text: shown, from: column };
  const start = Math.max(0, Math.min(column - WIDTH / 2, shown.length - WIDTH));
  const end = start + WIDTH;
  const [before, after] = [start > 0 ? '…' : '', end < shown.length ? '…' : ''];
  return { text: `${before}${shown.slice(start, end)}${after}`, from: column - start + before.length };
}

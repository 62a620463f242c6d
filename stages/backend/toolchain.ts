import { runCommand } from './command.js';

/** A program that was found, as it is started. */
export interface Tool {
  readonly program: string;
  /** Arguments that come first, for instance `-m pip`. */
  readonly prefix: readonly string[];
  /** The first line that it says about its version. */
  readonly version: string;
}

/** Ways to start pip, in the order in which they are tried. */
const pips: readonly (readonly [string, ...string[]])[] = [
  ['python3', '-m', 'pip'],
  ['pip3'],
  ['pip'],
  ['python', '-m', 'pip'],
];

/** pip, or `undefined` where there is none. */
export async function findPip(): Promise<Tool | undefined> {
  return firstThatAnswers(pips);
}

/** Python 3, or `undefined`. */
export async function findPython(): Promise<Tool | undefined> {
  return firstThatAnswers([['python3'], ['python']]);
}

/** A C++ compiler: `$CXX` when it is set, else g++, c++ or clang++. `undefined` where there is none. */
export async function findCompiler(environment: NodeJS.ProcessEnv = process.env): Promise<Tool | undefined> {
  const chosen = environment.CXX?.trim().split(/\s+/) ?? [];
  const [program, ...prefix] = chosen;
  if (program !== undefined && program !== '') return firstThatAnswers([[program, ...prefix]]);
  return firstThatAnswers([['g++'], ['c++'], ['clang++']]);
}

async function firstThatAnswers(ways: readonly (readonly [string, ...string[]])[]): Promise<Tool | undefined> {
  for (const [program, ...prefix] of ways) {
    const { ok, output } = await runCommand(program, [...prefix, '--version']);
    if (ok) return { program, prefix, version: output.trim().split('\n')[0] ?? '' };
  }
  return undefined;
}

/** What it takes to build the addon. */
export interface Toolchain {
  readonly pip: Tool;
  readonly compiler: Tool;
}

/** Why TensorFlow cannot be had, and what to do about it. */
export interface Obstacle {
  /** One sentence without a full stop. */
  readonly reason: string;
  /** Where something can be done: what. */
  readonly fix?: string;
}

/** pip and a compiler, or which of them is missing. */
export async function findToolchain(): Promise<Toolchain | Obstacle> {
  const pip = await findPip();
  if (pip === undefined) return { reason: 'TensorFlow is fetched with pip, and there is none', fix: howToGetPip };
  const compiler = await findCompiler();
  if (compiler === undefined) {
    return { reason: "TensorFlow's addon needs a C++ compiler, and there is none", fix: howToGetCompiler };
  }
  return { pip, compiler };
}

/** What to do where pip is missing. */
export const howToGetPip =
  'install Python 3 with pip (Debian, Ubuntu: apt install python3-pip; Fedora: dnf install python3-pip; macOS: brew install python)';

/** What to do where a compiler is missing. */
export const howToGetCompiler =
  'install g++ or clang++, or name one in CXX (Debian, Ubuntu: apt install g++; Fedora: dnf install gcc-c++; macOS: xcode-select --install)';

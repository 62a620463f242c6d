import { dirname, resolve } from 'node:path';
import { ManifestFiles } from './extends.js';
import { Fields } from './fields.js';
import type { Manifest } from './manifest.js';
import { isName, NAME_FORM } from './names.js';
import { operatorFolders } from './operator-folders.js';
import { applyOverrides } from './overrides.js';
import type { Located, Position } from './position.js';
import type { Report } from './problem.js';
import { readStage } from './read-stage.js';
import { kindOf, type MapNode } from './tree.js';
import { formatBytes, parseUnit, UNITS } from './units.js';
import { resolveVariables } from './variables.js';
import { type ManifestValue, yamlOf } from './yaml-of.js';

/** Keys of a manifest, besides `extends` and `variables`, which are gone once it is resolved. */
export const MANIFEST_KEYS = [
  'name',
  'seed',
  'output',
  'baseline',
  'memory',
  'workers',
  'key',
  'operators',
  'stages',
] as const;

const DEFAULT_MEMORY = 1e9;
const LEAST_MEMORY = 1e6;
/** More than any machine has, and all whole numbers up to it are numbers of JavaScript. */
const MOST_MEMORY = 1e15;
const LARGEST_SEED = 2 ** 32 - 1;
const MOST_WORKERS = 256;

/** What a manifest is read with. */
export interface ReadOptions {
  /** `a.b=c` overrides, values in YAML. */
  readonly set?: readonly string[];
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** `output` is relative to it. */
  readonly workingFolder?: string;
}

/**
 * Reads a manifest: parses it and what it extends, applies overrides, puts variables in, checks its shape. All problems
 * go to `report`; the manifest comes back with what was right, or undefined where there is nothing to plan.
 *
 * @param given a file, or the manifest as a value: then problems show it as YAML, and its paths are relative to the working folder
 */
export function readManifest(
  given: string | ManifestValue,
  report: Report,
  options: ReadOptions = {},
): Manifest | undefined {
  const { set = [], environment = process.env, workingFolder = process.cwd() } = options;
  const isFile = typeof given === 'string';
  const file = resolve(workingFolder, isFile ? given : 'manifest');
  const text = isFile ? undefined : yamlOf(given, file, report);
  if (!isFile && text === undefined) return undefined;
  const loaded = new ManifestFiles(report).load(file, text);
  if (loaded === undefined) return undefined;
  const tree = resolveVariables(applyOverrides(loaded, set, report), environment, report);
  if (tree === undefined) return undefined;

  const folder = dirname(file);
  const fields = new Fields(tree, '', [...MANIFEST_KEYS, 'extends', 'variables'], report);
  const start = { file, line: 1, column: 1, length: 1, text: tree.at.line === 1 ? tree.at.text : '' };
  const name = readName(fields, start, report);
  const baseline = fields.text('baseline', 'the output folder of another run')?.value;
  return {
    file,
    folder,
    name,
    seed: readSeed(fields, report),
    output: readOutput(fields, name, workingFolder, report),
    baseline: baseline === undefined ? undefined : resolve(workingFolder, baseline),
    memory: readMemory(fields, start, report),
    workers: readWorkers(fields, report),
    key: fields.text('key', 'the name of a column'),
    operators: fields
      .texts('operators', 'folders of operators, or packages')
      .flatMap((named) => operatorFolders(named, { manifestFolder: folder, workingFolder }, report)),
    ...readStages(fields, start, report),
    tree,
  };
}

function readName(fields: Fields, start: Position, report: Report): string {
  const name = fields.text('name', 'a name for the run');
  if (name === undefined) {
    if (fields.node('name') === undefined) fields.missing('name', 'a name for the run', start);
    return 'unnamed';
  }
  if (!isName(name.value))
    report({ code: 'value', message: `${name.value} cannot name a run`, at: name.at, expected: NAME_FORM });
  return name.value;
}

function readOutput(fields: Fields, name: string, workingFolder: string, report: Report): string {
  const given = fields.text('output', 'a folder');
  const own = `runs/${name}`;
  const folder = resolve(workingFolder, given?.value ?? own);
  if (given !== undefined && dirname(folder) === folder)
    report({
      code: 'value',
      message: `output is ${given.value}, which is the root of the file system`,
      at: given.at,
      expected: `a folder for this run alone, like ${own}`,
    });
  return folder;
}

function readSeed(fields: Fields, report: Report): number {
  const expected = `a whole number from 0 to ${LARGEST_SEED}`;
  const seed = fields.number('seed', expected);
  if (seed === undefined) return 0;
  if (Number.isInteger(seed.value) && seed.value >= 0 && seed.value <= LARGEST_SEED) return seed.value;
  report({ code: 'range', message: `seed is ${seed.value}`, at: seed.at, expected });
  return 0;
}

function readWorkers(fields: Fields, report: Report): number | undefined {
  const expected = `a whole number of threads from 0 to ${MOST_WORKERS}`;
  const workers = fields.number('workers', expected);
  if (workers === undefined) return undefined;
  if (Number.isInteger(workers.value) && workers.value >= 0 && workers.value <= MOST_WORKERS) return workers.value;
  report({ code: 'range', message: `workers is ${workers.value}`, at: workers.at, expected });
  return undefined;
}

function readMemory(fields: Fields, start: Position, report: Report): Located<number> {
  const node = fields.node('memory');
  if (node === undefined) return { value: DEFAULT_MEMORY, at: start };
  const expected = `an amount of memory: ${UNITS.bytes.examples}`;
  const given = node.kind === 'scalar' ? node.value : undefined;
  const bytes = typeof given === 'string' ? parseUnit(given, 'bytes') : given;
  if (typeof bytes !== 'number') {
    const message = typeof given === 'string' ? `memory is ${given}` : `memory is ${kindOf(node)}`;
    report({ code: typeof given === 'string' ? 'unit' : 'type', message, at: node.at, expected });
  } else if (!(bytes >= LEAST_MEMORY && bytes <= MOST_MEMORY && Number.isSafeInteger(bytes))) {
    report({
      code: 'range',
      message: `memory is ${given}`,
      at: node.at,
      expected: `whole bytes, from ${formatBytes(LEAST_MEMORY)} to ${formatBytes(MOST_MEMORY)}`,
    });
  } else return { value: bytes, at: node.at };
  return { value: Number.POSITIVE_INFINITY, at: node.at };
}

function readStages(fields: Fields, start: Position, report: Report): Pick<Manifest, 'stages' | 'unread'> {
  const map: MapNode | undefined = fields.child('stages', 'a map of stages');
  if (fields.node('stages') === undefined) fields.missing('stages', 'a map of stages', start);
  else if (map?.entries.size === 0) fields.missing('stages', 'one stage at least', map.at);
  const names = [...(map?.entries.keys() ?? [])];
  const stages = [...(map?.entries ?? [])]
    .map(([name, { key, value }]) => readStage(name, key, value, report))
    .filter((stage) => stage !== undefined);
  const read = new Set(stages.map(({ name }) => name));
  return { stages, unread: new Set(names.filter((name) => !read.has(name))) };
}

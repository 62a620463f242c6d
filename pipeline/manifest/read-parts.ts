/** Reads the parts of a stage that rows go through: source, steps, sink, branches. */
import { Fields } from './fields.js';
import type { ManifestBranch, ManifestPart, ManifestStep } from './manifest.js';
import { isName, NAME_FORM } from './names.js';
import type { Report } from './problem.js';
import { kindOf, type Node } from './tree.js';

/** `{ use: ..., with: ... }`; undefined after a problem. */
export function readPart(
  parent: Fields,
  key: string,
  node: Node | undefined,
  report: Report,
): ManifestPart | undefined {
  const fields = partFields(parent, key, node, ['use', 'with'], report);
  return fields && partOf(fields);
}

/** The steps of a stage, each of which may name a branch for the rows that it drops. */
export function readSteps(parent: Fields, report: Report): readonly ManifestStep[] {
  return parent.list('steps', 'a list of { use: ..., with: ... }').flatMap((node, i) => {
    const fields = partFields(parent, `steps[${i}]`, node, ['use', 'with', 'rejected'], report);
    const part = fields && partOf(fields);
    return part === undefined ? [] : [{ ...part, rejected: fields!.text('rejected', 'the name of a branch') }];
  });
}

/** The branches of a stage. One may be empty: then its rows are stored as they are. */
export function readBranches(parent: Fields, report: Report): readonly ManifestBranch[] {
  const map = parent.child('branches', 'a map of branches');
  return [...(map?.entries ?? [])].flatMap(([name, { key: at, value }]) => {
    const path = parent.name(`branches.${name}`);
    if (!isName(name)) report({ code: 'value', message: `${name} cannot name a branch`, at, expected: NAME_FORM });
    if (value.kind !== 'map') {
      report({
        code: 'type',
        message: `${path} is ${kindOf(value)}`,
        at: value.at,
        expected: '{ steps: ..., sink: ... }',
      });
      return [];
    }
    const fields = new Fields(value, path, ['steps', 'sink'], report);
    const steps = fields
      .list('steps', 'a list of { use: ..., with: ... }')
      .map((step, i) => readPart(fields, `steps[${i}]`, step, report))
      .filter((step) => step !== undefined);
    return [{ name, at, steps, sink: readPart(fields, 'sink', fields.node('sink'), report) }];
  });
}

function partFields(
  parent: Fields,
  key: string,
  node: Node | undefined,
  keys: readonly string[],
  report: Report,
): Fields | undefined {
  if (node === undefined) return undefined;
  if (node.kind === 'map') return new Fields(node, parent.name(key), keys, report);
  return parent.wrong(key, node, `{ use: ${kindOf(node) === 'text' ? textOf(node) : '...'} }`);
}

function partOf(fields: Fields): ManifestPart | undefined {
  const use = fields.text('use', 'the name of an operator');
  const options = fields.child('with', 'a map of options');
  if (use !== undefined) return { use, options };
  if (fields.node('use') === undefined) fields.missing('use', 'the name of an operator');
  return undefined;
}

function textOf(node: Node): string {
  return node.kind === 'scalar' ? String(node.value) : '';
}

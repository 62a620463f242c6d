import { Fields } from './fields.js';
import type { ManifestGate, ManifestMix, ManifestShare, ManifestStage } from './manifest.js';
import { isName, NAME_FORM } from './names.js';
import type { Position } from './position.js';
import type { Report } from './problem.js';
import { readBranches, readPart, readSteps } from './read-parts.js';
import { kindOf, type Node } from './tree.js';

/** Keys of a stage. */
export const STAGE_KEYS = [
  'use',
  'from',
  'mix',
  'source',
  'steps',
  'sink',
  'branches',
  'init',
  'checkpoint',
  'tokenizer',
  'train',
  'with',
  'require',
] as const;

/** Reads one entry of `stages`; undefined where it cannot be planned at all. */
export function readStage(name: string, at: Position, node: Node, report: Report): ManifestStage | undefined {
  if (!isName(name)) report({ code: 'value', message: `${name} cannot name a stage`, at, expected: NAME_FORM });
  if (node.kind !== 'map') {
    report({ code: 'type', message: `stages.${name} is ${kindOf(node)}`, at: node.at, expected: '{ use: ... }' });
    return undefined;
  }
  const unread = new Set<string>();
  let problems = 0;
  const say: Report = (problem) => {
    problems++;
    report(problem);
  };
  const fields = new Fields(node, `stages.${name}`, STAGE_KEYS, say);
  if (problems > 0) for (const key of STAGE_KEYS) if (fields.node(key) === undefined) unread.add(key);
  const of = <T>(key: (typeof STAGE_KEYS)[number], read: () => T): T => {
    const before = problems;
    const value = read();
    if (problems > before) unread.add(key);
    return value;
  };
  const named = (key: 'init' | 'checkpoint' | 'tokenizer') =>
    of(key, () => fields.text(key, 'the name of an earlier stage'));
  const use = fields.text('use', 'a kind of stage, like contrastive');
  if (use === undefined && fields.node('use') === undefined) fields.missing('use', 'a kind of stage', at);
  const read = {
    name,
    at,
    from: of('from', () => readFrom(fields, say)),
    mix: readMix(fields, say),
    source: of('source', () => readPart(fields, 'source', fields.node('source'), say)),
    steps: of('steps', () => readSteps(fields, say)),
    sink: readPart(fields, 'sink', fields.node('sink'), say),
    branches: of('branches', () => readBranches(fields, say)),
    init: named('init'),
    checkpoint: named('checkpoint'),
    tokenizer: named('tokenizer'),
    train: readTrain(fields),
    options: fields.child('with', 'a map of options'),
    gates: readGates(fields, say),
    unread,
  };
  return use === undefined ? undefined : { ...read, use };
}

function readFrom(fields: Fields, report: Report): readonly ManifestShare[] {
  const node = fields.node('from');
  if (node === undefined) return [];
  const expected = 'the name of an earlier stage, a list of names, or a map of names to weights';
  if (node.kind !== 'map') {
    if (node.kind === 'list' && node.items.length === 0) fields.wrong('from', node, expected);
    const stages = fields.texts('from', expected);
    const twice = stages.find(({ value }, i) => stages.findIndex((other) => other.value === value) < i);
    if (twice !== undefined)
      report({ code: 'value', message: `${fields.name('from')} names ${twice.value} twice`, at: twice.at });
    return stages.map((stage) => ({ stage, weight: 1 }));
  }
  if (node.entries.size === 0) fields.wrong('from', node, expected);
  return [...node.entries].map(([name, { key, value }]) => {
    const weight = value.kind === 'scalar' && typeof value.value === 'number' ? value.value : undefined;
    if (weight === undefined) fields.wrong(`from.${name}`, value, 'a weight, a number more than 0');
    else if (!(weight > 0 && Number.isFinite(weight)))
      report({
        code: 'range',
        message: `${fields.name(`from.${name}`)} is ${weight}`,
        at: value.at,
        expected: 'a weight, a number more than 0',
      });
    return { stage: { value: name, at: key }, weight: weight !== undefined && weight > 0 ? weight : 1 };
  });
}

const MIXES = ['weight', 'rounds', 'exhaustion'] as const;
const ENDS = ['all', 'first'] as const;

/** How `from` is mixed: by weight where it is a map, in rounds where it is a list, unless `mix` says otherwise. */
function readMix(stage: Fields, report: Report): ManifestMix | undefined {
  const node = stage.node('mix');
  if (node === undefined) return undefined;
  const from = stage.node('from');
  const mapped = from?.kind === 'map';
  const fields = node.kind === 'map' ? new Fields(node, stage.name('mix'), ['by', 'until'], report) : undefined;
  const by = fields === undefined ? stage.choice('mix', MIXES) : fields.choice('by', MIXES);
  const until = fields?.choice('until', ENDS) ?? 'all';
  const refuse = (message: string, fix: string) => report({ code: 'value', message, at: node.at, fix });
  if (from === undefined || from.kind === 'scalar')
    refuse(`${stage.name('mix')} has nothing to mix`, 'name several stages in from, or remove mix');
  else if (by === 'weight' && !mapped)
    refuse('a list of stages has no weights', 'give from a map of names to weights: { pairs: 0.8, names: 0.2 }');
  else if (by !== undefined && by !== 'weight' && mapped)
    refuse(`a mixture by ${by} knows no weights`, 'give from a list of names: [pairs, names]');
  return { by: by ?? (mapped ? 'weight' : 'rounds'), until, at: node.at };
}

function readTrain(fields: Fields): ManifestStage['train'] {
  const node = fields.node('train');
  if (node === undefined) return undefined;
  const patterns = fields.texts('train', 'patterns of parameter names, like **.cross_attn.**');
  return { value: patterns.map((pattern) => pattern.value), at: node.at };
}

function readGates(fields: Fields, report: Report): readonly ManifestGate[] {
  const map = fields.child('require', "a map of conditions, like { image_to_text_r1: '>= 0.4' }");
  if (map === undefined) return [];
  return [...map.entries].flatMap(([metric, { key, value }]) => {
    if (value.kind === 'scalar' && typeof value.value === 'string')
      return [{ metric: { value: metric, at: key }, condition: { value: value.value, at: value.at } }];
    report({
      code: 'gate',
      message: `${fields.name(`require.${metric}`)} is ${kindOf(value)}`,
      at: value.at,
      expected: "a condition in quotes, like '>= 0.4'",
    });
    return [];
  });
}

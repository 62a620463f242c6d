import type { Schema } from 'apache-arrow';
import type { CatalogEntry } from '../discovery/entry.js';
import { shortPath } from '../manifest/render.js';
import { formatBytes, writeUnit } from '../manifest/units.js';
import { formatCount } from '../terminal/format.js';
import { typeName } from './columns.js';
import { memoryOf } from './memory.js';
import type { Options, Plan, PlannedBranch, PlannedStage, PlannedStep } from './plan.js';

const WIDTH = 100;

/** A plan as text: stages, operators, what each edge changes in the schema, figures of models, and hand-overs. */
export function explainPlan(plan: Plan, workingFolder: string = process.cwd()): string {
  const { name, seed, memory, output, stages } = plan;
  const head = `${name}: ${countStages(plan)}, seed ${seed}, memory ${formatBytes(memory)}, into ${shortPath(output, workingFolder)}`;
  return `${[head, ...stages.map(explainStage)].join('\n\n')}\n`;
}

/** `1 stage`, `5 stages`. */
export function countStages({ stages }: Plan): string {
  return stages.length === 1 ? '1 stage' : `${stages.length} stages`;
}

function explainStage(stage: PlannedStage): string {
  const { name, stage: kind, entry, options, steps, sink, branches, inputs, facts, gates } = stage;
  const lines = [
    `${name}: ${kind.name}${changed(options, entry)}`,
    ...explainRows(stage),
    ...steps.flatMap(explainStep),
  ];
  if (sink !== undefined) lines.push(`  into ${sink.use}${changed(sink.options, sink.entry)}`);
  lines.push(...branches.flatMap(explainBranch));
  if (inputs.train !== undefined) lines.push(`  trains ${inputs.train.join(', ')}`);
  const labels = [...(facts.facts ?? []), ...explainMemory(stage)];
  const width = Math.max(0, ...labels.map(([label]) => label.length));
  lines.push(...labels.map(([label, value]) => `  ${label.padEnd(width)}  ${value}`));
  lines.push(...explainHandOver(stage));
  lines.push(...gates.map(({ metric, condition }) => `  requires ${metric} ${condition}`));
  return lines.join('\n');
}

function explainStep({ label, options, entry, input, output }: PlannedStep): string[] {
  return [`  ${label}${changed(options, entry)}`, ...difference(input, output)];
}

function explainBranch({ name, rejectedBy, steps, sink }: PlannedBranch): string[] {
  const given = rejectedBy.length === 0 ? 'the rows above' : `what ${rejectedBy.join(' and ')} drops`;
  const own = [...steps.flatMap(explainStep), `  into ${sink.use}${changed(sink.options, sink.entry)}`];
  return [`  branch ${name}: ${given}`, ...own.map((line) => `  ${line}`)];
}

function explainRows({ rows, inputs, needs }: PlannedStage): string[] {
  const { from, init, checkpoint, tokenizer } = inputs;
  const references = Object.entries({ init, checkpoint, tokenizer }).flatMap(([key, reference]) =>
    reference === undefined ? [] : [`  ${key} from ${reference.stage}`],
  );
  if (rows === undefined) return references;
  if ('source' in rows.from) {
    const { use, options, entry } = rows.from;
    return [`  rows from ${use}${changed(options, entry)}`, ...columns(rows.schema), ...references];
  }
  const { by = 'weight', until = 'all' } = rows.mixing ?? {};
  const stored = rows.from.map(({ stage, weight }) =>
    weight === 1 || by === 'exhaustion' ? stage : `${stage} (${Number((weight * 100).toFixed(1))} %)`,
  );
  const mixed = stored.join(by === 'exhaustion' ? ', then ' : ' and ');
  const end = until === 'first' ? ', until the first has run out' : '';
  const passed = from !== undefined && !needs.slice(0, stored.length).includes(from.stage) ? `, by ${from.stage}` : '';
  return [`  rows from ${mixed}${end}${passed}`, ...columns(rows.schema), ...references];
}

function explainMemory(stage: PlannedStage): (readonly [string, string])[] {
  const parts = memoryOf(stage);
  if (parts.length === 0) return [];
  const sum = parts.reduce((total, [, bytes]) => total + bytes, 0);
  const each = parts.map(([name, bytes]) => `${name} ${formatBytes(bytes)}`).join(' + ');
  return [['keeps', parts.length === 1 ? each : `${formatBytes(sum)}: ${each}`]];
}

function explainHandOver({ facts: { hands }, inputs }: PlannedStage): string[] {
  const { rows, tokenizer, checkpoint } = hands;
  const things = [
    ...(rows === undefined ? [] : ['rows']),
    ...(tokenizer === undefined ? [] : [`a tokenizer of ${formatCount(tokenizer.vocabulary)} entries`]),
    ...(checkpoint === undefined ? [] : [`a checkpoint of ${formatCount(checkpoint.parameters)} parameters`]),
  ];
  const changes = rows === undefined || inputs.rows === undefined ? [] : difference(inputs.rows, rows.schema);
  return things.length === 0 ? [] : [`  hands over ${things.join(', ')}`, ...changes];
}

/** All columns, below what they belong to. */
function columns(schema: Schema): string[] {
  return list(
    '      ',
    schema.fields.map(({ name, type }) => `${name}: ${typeName(type)}`),
  );
}

/** What changes between two schemas: columns gone, columns new, columns of another type. */
function difference(before: Schema, after: Schema): string[] {
  const types = new Map(before.fields.map(({ name, type }) => [name, typeName(type)]));
  const now = after.fields.map(({ name, type }) => ({ name, type: typeName(type), old: types.get(name) }));
  const kept = new Set(now.map(({ name }) => name));
  const gone = [...types.keys()].filter((name) => !kept.has(name));
  const made = now.filter(({ old }) => old === undefined);
  const turned = now.filter(({ type, old }) => old !== undefined && old !== type);
  return [
    ...list('    - ', gone),
    ...list(
      '    + ',
      made.map(({ name, type }) => `${name}: ${type}`),
    ),
    ...list(
      '    ~ ',
      turned.map(({ name, type, old }) => `${name}: ${old} -> ${type}`),
    ),
  ];
}

/** Items with commas between them, in lines of limited width. */
function list(prefix: string, items: readonly string[]): string[] {
  const lines: string[] = [];
  for (const item of items) {
    const last = lines.at(-1);
    if (last === undefined || last.length + item.length > WIDTH) lines.push(`${prefix}${item}`);
    else lines[lines.length - 1] = `${last}, ${item}`;
  }
  return lines;
}

/** Options that differ from the defaults, on the line of what they belong to. */
function changed(options: Options, { defaults, schema }: CatalogEntry): string {
  const texts = Object.entries(options)
    .filter(([key, value]) => JSON.stringify(value) !== JSON.stringify(defaults[key]))
    .map(([key, value]) => {
      const unit = schema.properties?.[key]?.unit;
      const written = unit !== undefined && typeof value === 'number' ? writeUnit(value, unit) : value;
      return `${key}: ${typeof written === 'string' ? written : JSON.stringify(written)}`;
    });
  return texts.length === 0 ? '' : `  ${texts.join(', ')}`;
}

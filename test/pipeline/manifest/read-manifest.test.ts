import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Manifest } from '../../../pipeline/manifest/manifest.js';
import type { Problem } from '../../../pipeline/manifest/problem.js';
import { type ReadOptions, readManifest } from '../../../pipeline/manifest/read-manifest.js';
import { plainValue } from '../../../pipeline/manifest/tree.js';
import { makeFolder } from '../folder.js';

interface Read {
  readonly folder: string;
  readonly manifest: Manifest | undefined;
  readonly problems: readonly Problem[];
  /** Problems as `code line:column message`. */
  readonly lines: readonly string[];
}

function read(files: string | Record<string, string>, options: ReadOptions = {}): Read {
  const folder = makeFolder(typeof files === 'string' ? { 'm.yaml': files } : files);
  const problems: Problem[] = [];
  const manifest = readManifest(join(folder, 'm.yaml'), (problem) => problems.push(problem), {
    workingFolder: folder,
    environment: {},
    ...options,
  });
  const lines = problems.map(({ code, at, message }) => `${code} ${at.line}:${at.column} ${message}`);
  return { folder, manifest, problems, lines };
}

const stages = 'stages: { a: { use: x } }\n';

/** A text with `${` for each `@{`: in a plain string it would look like a forgotten template. */
const dollars = (text: string) => text.replaceAll('@{', '${');

/** The values of `with` of the stage `a` of a manifest that has them there. */
function options(text: string, given: ReadOptions = {}): { value: unknown; lines: readonly string[] } {
  const { manifest, lines } = read(dollars(`name: n\n${text}`), given);
  const node = manifest?.stages[0]?.options;
  return { value: node && plainValue(node), lines };
}

describe('readManifest', () => {
  it('reads a manifest with all its parts', () => {
    const { manifest, lines, folder } = read({
      'm.yaml': `name: emoji
seed: 7
output: out/emoji
memory: 1.5GiB
operators: [./mine]
stages:
  noisy:
    use: filtering
    source: { use: source/parquet, with: { path: data } }
    steps:
      - { use: filter/score, with: { min: 1 } }
    sink: { use: sink/parquet }
  contrast:
    use: contrastive
    from: { noisy: 0.4, fine: 0.6 }
    init: base
    tokenizer: noisy
    train: '**.attn.**'
    require: { r1: '>= 0.4' }
`,
      'mine/x.ts': '',
    });
    expect(lines).toEqual([]);
    expect(manifest).toMatchObject({ name: 'emoji', seed: 7, output: join(folder, 'out/emoji') });
    expect(manifest!.memory.value).toBe(1.5 * 2 ** 30);
    expect(manifest!.operators.map(({ value }) => value)).toEqual([join(folder, 'mine')]);
    const [noisy, contrast] = manifest!.stages;
    expect(noisy!.steps[0]!.use).toMatchObject({ value: 'filter/score', at: { line: 11, column: 16, length: 12 } });
    expect(contrast!.from.map(({ stage, weight }) => [stage.value, weight])).toEqual([
      ['noisy', 0.4],
      ['fine', 0.6],
    ]);
    expect(contrast!.train?.value).toEqual(['**.attn.**']);
    expect(contrast!.gates[0]!.condition.value).toBe('>= 0.4');
  });

  it('has defaults', () => {
    const { manifest, folder } = read(`name: n\n${stages}`);
    expect(manifest).toMatchObject({ seed: 0, output: join(folder, 'runs/n') });
    expect(manifest!.memory.value).toBe(1e9);
  });

  it.each([
    ['an empty file', '', ['type 1:1 the file is empty']],
    ['a list', '- a\n- b\n', ['type 1:1 a manifest is a map']],
    ['no name and no stages', 'seed: 1\n', ['missing 1:1 name is missing', 'missing 1:1 stages is missing']],
    ['empty stages', 'name: n\nstages: {}\n', ['missing 2:9 stages is missing']],
    ['a key twice', `name: n\nname: m\n${stages}`, ['duplicate-key 2:1 the key name is there twice']],
    ['a tab', 'name: n\nstages:\n\ta: 1\n', ['syntax 3:1 a tab indents this line']],
    ['two documents', `name: n\n${stages}---\nx: 1\n`, ['syntax 3:1 the file holds more than one document']],
    ['a tag', `name: !!js/function n\n${stages}`, ['syntax 1:7 unresolved tag: tag:yaml.org,2002:js/function']],
    ['a name that leaves the folder', `name: ../n\n${stages}`, ['value 1:7 ../n cannot name a run']],
    ['a stage of that kind', 'name: n\nstages: { ../a: { use: x } }\n', ['value 2:11 ../a cannot name a stage']],
    ['a stage that is no map', 'name: n\nstages: { a: filtering }\n', ['type 2:14 stages.a is text']],
    [
      'a step without use',
      'name: n\nstages: { a: { use: x, steps: [{ with: {} }] } }\n',
      ['missing 2:32 stages.a.steps[0].use is missing'],
    ],
    [
      'a step that is text',
      'name: n\nstages: { a: { use: x, steps: [order/batch] } }\n',
      ['type 2:32 stages.a.steps[0] is text'],
    ],
    ['a bad weight', 'name: n\nstages: { a: { use: x, from: { b: 0 } } }\n', ['range 2:35 stages.a.from.b is 0']],
    [
      'a list with a name twice',
      'name: n\nstages: { a: { use: x, from: [b, c, b] } }\n',
      ['value 2:37 stages.a.from names b twice'],
    ],
    ['an empty list', 'name: n\nstages: { a: { use: x, from: [] } }\n', ['type 2:30 stages.a.from is a list']],
    [
      'nothing to mix',
      'name: n\nstages: { a: { use: x, from: b, mix: rounds } }\n',
      ['value 2:38 stages.a.mix has nothing to mix'],
    ],
    [
      'an unknown mix',
      'name: n\nstages: { a: { use: x, from: [b, c], mix: { by: round, till: first } } }\n',
      ['unknown-key 2:56 unknown key till in stages.a.mix', 'value 2:49 stages.a.mix.by is round'],
    ],
    [
      'weights that are not there',
      'name: n\nstages: { a: { use: x, from: [b, c], mix: weight } }\n',
      ['value 2:43 a list of stages has no weights'],
    ],
    [
      'weights in rounds',
      'name: n\nstages: { a: { use: x, from: { b: 1, c: 2 }, mix: { by: rounds } } }\n',
      ['value 2:51 a mixture by rounds knows no weights'],
    ],
    ['memory without a unit', `name: n\nmemory: a lot\n${stages}`, ['unit 2:9 memory is a lot']],
    ['too little memory', `name: n\nmemory: 10KB\n${stages}`, ['range 2:9 memory is 10KB']],
    ['too much memory', `name: n\nmemory: 9999999999999999GB\n${stages}`, ['range 2:9 memory is 9999999999999999GB']],
    ['the root', `name: n\noutput: /\n${stages}`, ['value 2:9 output is /, which is the root of the file system']],
    [
      'a way to the root',
      `name: n\noutput: /tmp/..\n${stages}`,
      ['value 2:9 output is /tmp/.., which is the root of the file system'],
    ],
    ['a fractional seed', `name: n\nseed: 1.5\n${stages}`, ['range 2:7 seed is 1.5']],
    [
      'an operator folder outside',
      `name: n\noperators: [../../no-such-folder]\n${stages}`,
      ['operators 2:13 there is no folder ../../no-such-folder'],
    ],
    [
      'an operator folder of the system',
      `name: n\noperators: [/usr]\n${stages}`,
      ["operators 2:13 the folder /usr is outside of the manifest's folder and of the working directory"],
    ],
  ])('reports %s', (_name, text, expected) => {
    expect(read(text).lines).toEqual(expected);
  });

  it('names the nearest key', () => {
    expect(read(`name: n\nmemroy: 1GB\n${stages}`).problems).toMatchObject([
      { code: 'unknown-key', nearest: 'memory' },
    ]);
  });

  it('says what to do about an unquoted variable in braces', () => {
    const { problems } = read(dollars('name: n\nstages: { a: { use: @{x} } }\n'));
    expect(problems[0]).toMatchObject({
      code: 'syntax',
      at: { line: 2 },
      fix: dollars('put quotes around @{...} inside { } and [ ]'),
    });
  });

  it('limits aliases, size and depth', () => {
    const bomb = ['a: &a [1,1,1,1,1,1,1,1,1]'];
    for (const [one, next] of ['ab', 'bc', 'cd', 'de', 'ef', 'fg', 'gh'].map((pair) => pair.split('')))
      bomb.push(`${next}: &${next} [${Array.from({ length: 9 }, () => `*${one}`).join(',')}]`);
    expect(read(bomb.join('\n')).problems.map(({ code }) => code)).toContain('too-large');
    expect(read(`a: ${'['.repeat(200)}${']'.repeat(200)}\n`).problems.map(({ code }) => code)).toContain('too-large');
    for (const deep of ['[', '{', '- ', '? ', '"x": [']) {
      const text = `a: 1\nb:\n  ${deep.repeat(100_000)}\n`;
      expect(read(text).problems.map(({ code }) => code)).toEqual(['too-large']);
    }
    const stairs = Array.from({ length: 100 }, (_, i) => `${' '.repeat(i)}a:\n`).join('');
    expect(read(stairs).lines).toEqual(['too-large 65:65 nested more than 64 deep']);
    expect(read(`# ${'x'.repeat(2 ** 20)}\n`).problems.map(({ code }) => code)).toEqual(['too-large']);
    expect(read('a: &a [*a]\n').lines[0]).toBe('syntax 1:8 the alias *a contains itself');
    expect(read('a: *b\n').problems.map(({ code }) => code)).toContain('syntax');
  });

  it('reports a file that is missing, a folder, or not text', () => {
    const { folder } = read('x');
    const lines: string[] = [];
    readManifest(join(folder, 'none.yaml'), ({ code, message }) => lines.push(`${code} ${message}`));
    readManifest(folder, ({ code, message }) => lines.push(`${code} ${message}`));
    expect(lines).toEqual([`file there is no file ${join(folder, 'none.yaml')}`, `file ${folder} is a folder`]);
  });
});

describe('extends', () => {
  it('merges maps, replaces lists, keeps the order of the base and the place of each value', () => {
    const { manifest, lines } = read({
      'm.yaml': 'extends: [base/a.yaml, base/b.yaml]\nname: n\nstages:\n  second: { with: { x: 3 } }\n',
      'base/a.yaml':
        'seed: 1\nstages:\n  first: { use: u, train: [a, b] }\n  second: { use: v, with: { x: 1, y: 2 } }\n',
      'base/b.yaml': 'seed: 2\nstages: { first: { train: [c] } }\n',
    });
    expect(lines).toEqual([]);
    expect(plainValue(manifest!.tree)).toEqual({
      seed: 2,
      stages: { first: { use: 'u', train: ['c'] }, second: { use: 'v', with: { x: 3, y: 2 } } },
      name: 'n',
    });
    expect(manifest!.stages.map(({ name }) => name)).toEqual(['first', 'second']);
    expect(manifest!.stages[0]!.use.at.file).toMatch(/base\/a\.yaml$/);
  });

  it('takes operator folders relative to the file that names them', () => {
    const { manifest, folder } = read({
      'm.yaml': 'extends: base/a.yaml\nname: n\n',
      'base/a.yaml': `operators: ./mine\n${stages}`,
      'base/mine/x.ts': '',
    });
    expect(manifest!.operators.map(({ value }) => value)).toEqual([join(folder, 'base/mine')]);
  });

  it('reports cycles and missing files where they are named', () => {
    const cycle = read({ 'm.yaml': `extends: b.yaml\nname: n\n${stages}`, 'b.yaml': 'extends: [m.yaml]\n' });
    expect(cycle.lines).toEqual(['extends 1:11 the files extend each other: m.yaml -> b.yaml -> m.yaml']);
    const missing = read(`extends: none.yaml\nname: n\n${stages}`);
    expect(missing.problems).toMatchObject([{ code: 'file', at: { line: 1, column: 10, length: 9 } }]);
    expect(read(`extends: 3\nname: n\n${stages}`).lines).toEqual(['extends 1:10 extends names no file']);
  });

  it('reads a file that is extended many times once', () => {
    const files: Record<string, string> = { 'm.yaml': `extends: [f0.yaml, f0.yaml]\nname: n\n${stages}` };
    for (let i = 0; i < 40; i++)
      files[`f${i}.yaml`] = i === 39 ? 'seed: 3\n' : `extends: [f${i + 1}.yaml, f${i + 1}.yaml]\n`;
    expect(read(files).manifest?.seed).toBe(3);
  });
});

describe('variables', () => {
  const use = (value: string) =>
    `variables: { n: 3, text: abc, list: [1, 2], twice: "\${n}\${n}" }\nstages:\n  a:\n    use: u\n    with: { x: ${value} }\n`;

  it.each([
    ['"@{n}"', 3],
    ['"n=@{n}"', 'n=3'],
    ['"@{list}"', [1, 2]],
    ['"@{twice}"', '33'],
    ['"@{none:-5}"', 5],
    ['"@{none:-}"', null],
    ['"a@{none:-b}c"', 'abc'],
    ['"@{env:STEPS}"', 600],
    ['"@{env:OTHER:-false}"', false],
    ['"$@{n} and @{n}"', dollars('@{n} and 3')],
    ['"$n $5 {n}"', '$n $5 {n}'],
  ])('puts in %s', (text, value) => {
    const found = options(use(text), { environment: { STEPS: '600' } });
    expect(found).toEqual({ value: { x: value }, lines: [] });
  });

  it.each([
    ['"@{m}"', 'variable 6:16 no variable m'],
    ['"@{env:NONE}"', 'variable 6:16 the environment has no NONE'],
    ['"x @{list}"', 'variable 6:16 the variable list is a list and cannot stand inside a text'],
    ['"a @{n"', 'variable 6:16 this @{ is not the start of a variable'],
    ['"@{a b}"', 'variable 6:16 @{a b} is no variable'],
  ])('reports %s', (text, line) => {
    expect(options(use(text)).lines).toEqual([dollars(line)]);
  });

  it('may refer to each other, but not in a circle', () => {
    const text = (c: string) =>
      `variables:\n  a: "\${b}"\n  b: "\${c}"\n  c: "${c}"\nstages: { a: { use: u, with: { x: "\${a}" } } }\n`;
    expect(options(text('end')).value).toEqual({ x: 'end' });
    expect(options(text('@{a}')).lines).toEqual(['variable 5:6 variables refer to each other: a -> b -> c -> a']);
  });

  it('do not blow up', () => {
    const doubling = (make: (name: string) => string) =>
      `variables:\n  v0: xxxxxxxxxx\n${Array.from({ length: 60 }, (_, i) => `  v${i + 1}: ${make(`v${i}`)}\n`).join('')}${stages}`;
    for (const make of [
      (name: string) => `"\${${name}}\${${name}}"`,
      (name: string) => `["\${${name}}", "\${${name}}"]`,
    ])
      expect(read(`name: n\n${doubling(make)}`).problems.map(({ code }) => code)).toContain('too-large');
  });
});

describe('overrides', () => {
  const text = 'variables: { n: 3 }\nstages: { a: { use: u, steps: [{ use: s }], with: { x: "@{n}" } } }\n';

  it.each([
    ['stages.a.with.x=[1, two]', { x: [1, 'two'] }],
    ['stages.a.with.y.z=true', { x: 3, y: { z: true } }],
    ['variables.n=text', { x: 'text' }],
    ['stages.a.with={}', {}],
  ])('applies %s', (set, value) => {
    expect(options(text, { set: [set] })).toEqual({ value, lines: [] });
  });

  it.each([
    ['nothing', 'set 1:1 --set nothing is not a path and a value'],
    ['stages.b.with.x=1', 'set 1:8 stages has no b'],
    ['variables.m=1', 'set 1:11 variables has no m'],
    ['stages.a.steps.1.use=s', 'set 1:16 stages.a.steps has no entry 1'],
    ['name.x=1', 'set 1:6 name is text, there is no x in it'],
    ['extends=b.yaml', 'set 1:1 extends cannot be overridden'],
    ['sead=1', 'unknown-key 1:1 unknown key sead'],
    ['stages.a.wiht.x=1', 'unknown-key 1:10 unknown key wiht in stages.a'],
    ['seed=[', 'syntax 1:6 flow sequence must end with a ]'],
  ])('reports %s', (set, line) => {
    expect(options(text, { set: [set] }).lines[0]).toBe(line);
  });

  it('reach a step by its number', () => {
    const { manifest } = read(`name: n\n${text}`, { set: ['stages.a.steps.0.use=other'] });
    expect(manifest!.stages[0]!.steps[0]!.use.value).toBe('other');
  });
});

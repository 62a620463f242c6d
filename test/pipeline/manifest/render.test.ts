import { describe, expect, it } from 'vitest';
import type { Problem } from '../../../pipeline/manifest/problem.js';
import { problemsToJson, renderProblems } from '../../../pipeline/manifest/render.js';

const problem: Problem = {
  code: 'unknown-key',
  message: 'unknown key memroy',
  at: { file: '/project/m.yaml', line: 12, column: 2, length: 6, text: '\tmemroy: 1GB' },
  expected: 'one of memory, name',
  nearest: 'memory',
};

describe('renderProblems', () => {
  it('prints place, line, caret line, what is expected and the nearest name', () => {
    expect(renderProblems([problem], { color: false, workingFolder: '/project' })).toBe(`\
m.yaml:12:2 unknown-key: unknown key memroy
  12 | \tmemroy: 1GB
     | \t^^^^^^
     expected: one of memory, name
     did you mean: memory

1 problem
`);
  });

  it('names a file outside of the working directory in full', () => {
    expect(renderProblems([problem], { color: false, workingFolder: '/other' })).toMatch(/^\/project\/m\.yaml:12:2 /);
  });

  it('colours for a terminal', () => {
    expect(renderProblems([problem], { color: true, workingFolder: '/project' })).toContain(
      '\u001b[31m^^^^^^\u001b[39m',
    );
  });

  it('cuts a long line around the place', () => {
    const text = `${'a'.repeat(500)}HERE${'b'.repeat(500)}`;
    const printed = renderProblems([{ ...problem, at: { ...problem.at, column: 501, length: 4, text } }], {
      color: false,
    });
    const [, line = '', carets = ''] = printed.split('\n');
    expect(line.length).toBeLessThan(120);
    expect(line.slice(carets.indexOf('^'), carets.indexOf('^') + 4)).toBe('HERE');
  });

  it('lets no control character through', () => {
    const evil: Problem = {
      ...problem,
      message: 'a\u001b[2Jb\nc',
      at: { ...problem.at, text: 'x\u001b]0;title\u0007 \u202egnp' },
    };
    const printed = renderProblems([evil], { color: false });
    for (const character of ['\u001b', '\u0007', '\u202e']) expect(printed).not.toContain(character);
  });
});

it('writes JSON for tools', () => {
  expect(JSON.parse(problemsToJson([problem]))).toEqual([
    {
      code: 'unknown-key',
      message: 'unknown key memroy',
      expected: 'one of memory, name',
      nearest: 'memory',
      file: '/project/m.yaml',
      line: 12,
      column: 2,
      length: 6,
    },
  ]);
});

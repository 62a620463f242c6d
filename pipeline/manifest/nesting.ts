import { Lexer } from 'yaml';

/** Tokens that the lexer puts in between and that are not in the text: start of a document, a scalar, the end of an error. */
const MARKS = new Set(['\u0002', '\u0018', '\u001f']);

/**
 * The offset at which a YAML text is nested deeper than a limit; undefined where it is not. To be asked before the text is
 * parsed: the parser calls itself for each level, and near the end of the stack V8 ends the process instead of throwing
 * (its compiler of regular expressions does).
 */
export function tooDeepAt(text: string, limit: number): number | undefined {
  const columns: number[] = [];
  let flow = 0;
  let offset = 0;
  let lineStart = 0;
  let opens = true;
  for (const token of new Lexer().lex(text)) {
    if (MARKS.has(token)) continue;
    const start = offset;
    offset += token.length;
    if (token === '[' || token === '{') flow++;
    else if (token === ']' || token === '}') flow--;
    if (token.includes('\n')) {
      lineStart = start + token.lastIndexOf('\n') + 1;
      opens = true;
    } else if (opens && flow === 0 && token.trim() !== '') {
      const column = start - lineStart;
      while (columns.length > 0 && columns.at(-1)! >= column) columns.pop();
      columns.push(column);
      // What follows an indicator on its line is one level further in: `- - - x`.
      opens = token === '-' || token === '?';
    }
    if (flow + columns.length > limit) return start;
  }
  return undefined;
}

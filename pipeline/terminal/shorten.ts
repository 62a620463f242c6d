/** Characters of a word, and of a line, that a message shows whole. */
const LONGEST_WORD = 300;
const LONGEST_LINE = 2000;

/** A line of a message without the middle of words, and of itself, that are too long to be read: a name of 100 kB says no more whole. */
export function shorten(line: string): string {
  if (line.length <= LONGEST_WORD) return line;
  return middleCut(
    line.replace(/\S+/gu, (word) => middleCut(word, LONGEST_WORD)),
    LONGEST_LINE,
  );
}

/** Two thirds of what may be shown are the beginning. Characters of two code units stay whole. */
function middleCut(text: string, longest: number): string {
  if (text.length <= longest) return text;
  const characters = [...text];
  const end = Math.floor(longest / 3);
  return characters.length <= longest
    ? text
    : `${characters.slice(0, longest - end - 1).join('')}…${characters.slice(-end).join('')}`;
}

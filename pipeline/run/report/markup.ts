/** HTML that is safe to put into a page. Only `html` makes it, so text from data is escaped wherever it goes in. */
export class Markup {
  readonly text: string;

  private constructor(text: string) {
    this.text = text;
  }

  /**
   * Markup from a template: strings and numbers are escaped, markup is kept, lists are joined, `undefined` is nothing.
   * Escaped text is safe between tags and in attributes with quotes.
   */
  static html(parts: TemplateStringsArray, ...values: readonly Insert[]): Markup {
    return new Markup(parts.reduce((text, part, index) => text + insert(values[index - 1]) + part));
  }
}

/** What a template takes. */
export type Insert = string | number | Markup | undefined | readonly Insert[];

/** See `Markup.html`. */
export const html = Markup.html;

function insert(value: Insert): string {
  if (value === undefined) return '';
  if (value instanceof Markup) return value.text;
  if (typeof value === 'object') return value.map(insert).join('');
  return escapeHtml(String(value));
}

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Text as HTML. Control characters, which HTML forbids, become the replacement character. */
function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ESCAPES[character]!).replace(/(?![\t\n])\p{Cc}/gu, '\ufffd');
}

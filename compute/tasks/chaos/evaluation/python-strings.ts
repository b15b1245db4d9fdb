/**
 * Texts that a Python module gives names to at its top level: `NAME = "…"`, or adjacent literals in parentheses. Nothing is
 * evaluated: what is no plain string literal (an f-string, a call, an operator) is passed over.
 */
export function namedTexts(source: string): Map<string, string> {
  if (source.length > MAX_LENGTH) return new Map();
  const texts = new Map<string, string>();
  for (const { 1: name = '', index, 0: start } of source.matchAll(ASSIGNMENT)) {
    const text = literalAt(source, index + start.length);
    if (text !== undefined) texts.set(name, text);
  }
  return texts;
}

/** Longer than a module of texts is. */
const MAX_LENGTH = 2 ** 18;

const ASSIGNMENT = /^([A-Za-z_]\w*)(?:[ \t]*:[^=\n]+)?[ \t]*=[ \t]*/gm;
const LITERAL = /[uU]?("""|'''|"|')((?:\\[\s\S]|(?!\1)[^\\])*)\1/y;
const BLANK = /(?:[ \t]|#[^\n]*)*/y;
const BLANK_LINES = /(?:\s|#[^\n]*)*/y;

/** The text of the literals from a position on; undefined when something else is there too. */
function literalAt(source: string, start: number): string | undefined {
  const inParentheses = source[start] === '(';
  const blank = inParentheses ? BLANK_LINES : BLANK;
  let at = skip(source, start + (inParentheses ? 1 : 0), blank);
  const parts: string[] = [];
  for (let literal = match(LITERAL, source, at); literal !== null; literal = match(LITERAL, source, at)) {
    const [all, quote = '', body = ''] = literal;
    if (quote.length === 1 && body.replace(/\\[\s\S]/g, '').includes('\n')) return undefined;
    parts.push(unescaped(body));
    at = skip(source, at + all.length, blank);
  }
  const end = source[at];
  const isWhole = inParentheses ? end === ')' : end === undefined || end === '\n' || end === '\r';
  return parts.length > 0 && isWhole ? parts.join('') : undefined;
}

function match(expression: RegExp, source: string, at: number): RegExpExecArray | null {
  expression.lastIndex = at;
  return expression.exec(source);
}

function skip(source: string, at: number, blank: RegExp): number {
  return at + (match(blank, source, at)?.[0].length ?? 0);
}

const ESCAPES: Readonly<Record<string, string>> = {
  '\n': '',
  '\\': '\\',
  "'": "'",
  '"': '"',
  n: '\n',
  r: '\r',
  t: '\t',
};

function unescaped(body: string): string {
  return body.replace(/\\(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|([\s\S]))/g, (all, u, x, char) => {
    const code: string | undefined = u ?? x;
    if (code !== undefined) return String.fromCharCode(Number.parseInt(code, 16));
    return ESCAPES[String(char)] ?? String(all);
  });
}

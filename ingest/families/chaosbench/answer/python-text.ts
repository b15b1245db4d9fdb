/** A character class of what Python's `str` methods and `\s` take for white space; JavaScript's differs. */
export const PYTHON_SPACE =
  '[\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]';

const EDGES = new RegExp(`^${PYTHON_SPACE}+|${PYTHON_SPACE}+$`, 'gu');
const SPACES = new RegExp(`${PYTHON_SPACE}+`, 'u');

/** `text.strip()` */
export function pythonStrip(text: string): string {
  return text.replace(EDGES, '');
}

/** `text.split()` */
export function pythonSplit(text: string): string[] {
  return text.split(SPACES).filter((token) => token !== '');
}

const UNPRINTABLE = /[\p{C}\p{Z}\\]/gu;

/** `repr(text)` of a text without quotes. */
function pythonRepr(text: string): string {
  const escaped = text.replace(UNPRINTABLE, (character) => {
    if (character === ' ') return character;
    if (character === '\\') return '\\\\';
    const code = character.codePointAt(0)!;
    const hex = code.toString(16);
    if (code <= 0xff) return `\\x${hex.padStart(2, '0')}`;
    return code <= 0xffff ? `\\u${hex.padStart(4, '0')}` : `\\U${hex.padStart(8, '0')}`;
  });
  return `'${escaped}'`;
}

/** `str(tokens)` of a list of texts without quotes. */
export function pythonList(tokens: readonly string[]): string {
  return `[${tokens.map(pythonRepr).join(', ')}]`;
}

/** What Python's `str.isspace` accepts. `trim` leaves the separators \x1c-\x1f and \x85 and takes the byte order mark. */
const SPACE = '[\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]+';
const ENDS = new RegExp(`^${SPACE}|${SPACE}$`, 'g');
const SPACES = new RegExp(SPACE, 'g');

/** Python's `text.strip()`. */
export function strip(text: string): string {
  return text.replace(ENDS, '');
}

/** Python's `text.split()`. */
export function splitWords(text: string): string[] {
  return text.split(SPACES).filter((word) => word !== '');
}

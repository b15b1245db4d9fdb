const python =
  /^[+-]?(?:(?:\d+(?:_\d+)*\.?|\d+(?:_\d+)*\.\d+(?:_\d+)*|\.\d+(?:_\d+)*)(?:[eE][+-]?\d+(?:_\d+)*)?|(inf(?:inity)?)|(nan))$/i;

/**
 * The number that Python's `float(text)` gives, bit for bit: surrounding whitespace, `nan`, `inf`, `infinity` in
 * any case, digits grouped by underscores. Undefined where Python raises ValueError, and for digits other than
 * 0-9 (Python takes those of every script; no writer of ours prints them).
 */
export function parseFloatPython(text: string): number | undefined {
  const trimmed = stripPython(text);
  const match = python.exec(trimmed);
  if (match === null) return undefined;
  if (match[2] !== undefined) return Number.NaN;
  if (match[1] !== undefined)
    return trimmed.startsWith('-') ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  return Number(trimmed.includes('_') ? trimmed.replaceAll('_', '') : trimmed);
}

/** `float()` strips the whitespace of ASCII from ASCII texts, and that of Unicode from others. */
function stripPython(text: string): string {
  let ascii = true;
  for (let i = 0; i < text.length; i++) ascii &&= text.charCodeAt(i) < 0x80;
  let start = 0;
  let end = text.length;
  while (start < end && isPythonSpace(text.charCodeAt(start), ascii)) start++;
  while (end > start && isPythonSpace(text.charCodeAt(end - 1), ascii)) end--;
  return text.slice(start, end);
}

/** Unlike in JavaScript, Unicode's whitespace has four ASCII separators and NEL, and no byte order mark. */
function isPythonSpace(code: number, ascii: boolean): boolean {
  if (code === 0x20 || (code >= 0x09 && code <= 0x0d)) return true;
  if (ascii || code < 0x1c || code === 0xfeff) return false;
  return code < 0x20 || code === 0x85 || (code >= 0xa0 && /\s/.test(String.fromCharCode(code)));
}

/** A whole number in plain decimal digits with an optional sign; a bigint beyond ±(2^53 - 1). Else undefined. */
export function parseIntStrict(text: string): number | bigint | undefined {
  if (text.length > 4300 || !/^[+-]?\d+$/.test(text)) return undefined;
  const value = Number(text);
  if (Number.isSafeInteger(value)) return value === 0 ? 0 : value;
  return BigInt(text.startsWith('+') ? text.slice(1) : text);
}

/** `True` and `False` as Python prints them, or as JSON does. Else undefined. */
export function parseBoolPython(text: string): boolean | undefined {
  if (text === 'True' || text === 'true') return true;
  if (text === 'False' || text === 'false') return false;
  return undefined;
}

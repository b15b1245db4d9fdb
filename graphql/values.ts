/** How engine values become the values of a JSON response, and the texts that clients send back. */

/** An integer as a JSON number where that is exact, else as decimal text. */
export function exactInteger(value: bigint | number): number | string {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : String(value);
}

/** Whether a JSON text may hold an integer that a double would round: 16 digits in a row. */
const LONG_DIGITS = /\d{16}/;
/** A string (skipped), or a number. */
const TOKENS = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;

/**
 * Parses JSON text. Integers beyond 2^53 become decimal strings, because a JavaScript number (and most JSON
 * readers) would silently change them. @throws SyntaxError
 */
export function parseJsonExactly(text: string): unknown {
  if (!LONG_DIGITS.test(text)) return JSON.parse(text);
  // The whole text must be JSON before it may be rewritten.
  const parsed: unknown = JSON.parse(text);
  let changed = false;
  const rewritten = text.replace(TOKENS, (token) => {
    if (token.startsWith('"') || !/^-?\d{16,}$/.test(token)) return token;
    if (Number.isSafeInteger(Number(token))) return token;
    changed = true;
    return `"${token}"`;
  });
  return changed ? JSON.parse(rewritten) : parsed;
}

/** Little-endian bytes of the values, in base64. */
export function base64Floats(values: Float32Array): string {
  if (isLittleEndian)
    return Buffer.from(values.buffer, values.byteOffset, values.byteLength).toString('base64');
  const bytes = Buffer.alloc(values.length * 4);
  for (let i = 0; i < values.length; i++) bytes.writeFloatLE(values[i]!, i * 4);
  return bytes.toString('base64');
}

const isLittleEndian = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

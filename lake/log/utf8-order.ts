/**
 * Compares by code point, which is the order of the UTF-8 bytes and so of Parquet, Delta and DuckDB.
 * JavaScript's `<` compares UTF-16 units and puts U+1F600 before U+FFFD.
 */
export function compareUtf8(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const [x, y] = [a.charCodeAt(i), b.charCodeAt(i)];
    if (x === y) continue;
    // Surrogates stand for code points above every other unit.
    const [xHigh, yHigh] = [x >= 0xd800 && x <= 0xdfff, y >= 0xd800 && y <= 0xdfff];
    return xHigh === yHigh ? x - y : xHigh ? 1 : -1;
  }
  return a.length - b.length;
}

/** The first `count` code points, or the text itself when it has no more. */
export function prefixOf(text: string, count: number): string {
  if (text.length <= count) return text;
  let end = 0;
  for (let i = 0; i < count && end < text.length; i++) end += text.codePointAt(end)! > 0xffff ? 2 : 1;
  return text.slice(0, end);
}

const LAST_CODE_POINT = 0x10ffff;

/**
 * A text of at most `count` code points that is not less than `text`; undefined when there is none
 * (the prefix is nothing but U+10FFFF).
 */
export function upperBoundOf(text: string, count: number): string | undefined {
  const prefix = prefixOf(text, count);
  if (prefix.length === text.length) return text;
  const points = Array.from(prefix, (char) => char.codePointAt(0)!);
  while (points.length > 0) {
    const last = points.pop()!;
    if (last === LAST_CODE_POINT) continue;
    // Surrogates are no characters: the one after U+D7FF is U+E000.
    points.push(last === 0xd7ff ? 0xe000 : last + 1);
    return String.fromCodePoint(...points);
  }
  return undefined;
}

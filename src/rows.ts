import type { EngineValue, QueryResult } from '../lake/engine/types.ts';

/** JSON text of a value. Integers keep every digit; NaN and infinities, which JSON lacks, become texts. */
export function jsonText(value: EngineValue): string {
  if (value === null) return 'null';
  if (typeof value === 'bigint') return value.toString();
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) return JSON.stringify(String(value));
    return Object.is(value, -0) ? '-0.0' : JSON.stringify(value);
  }
  if (typeof value !== 'object') return JSON.stringify(value);
  if (value instanceof Float32Array) return `[${Array.from(value, jsonText).join(',')}]`;
  if (isList(value)) return `[${value.map(jsonText).join(',')}]`;
  return `{${Object.entries(value)
    .map(([name, v]) => `${JSON.stringify(name)}:${jsonText(v)}`)
    .join(',')}}`;
}

function isList(value: object): value is readonly EngineValue[] {
  return Array.isArray(value);
}

/** Rows as a JSON array of objects, one row a line. */
export function jsonRows(result: QueryResult): string {
  const { columns, rows } = result;
  const lines = rows.map(
    (row) => `{${columns.map((c, i) => `${JSON.stringify(c.name)}:${jsonText(row[i] ?? null)}`).join(',')}}`,
  );
  return lines.length === 0 ? '[]' : `[\n${lines.join(',\n')}\n]`;
}

/** A value as plain text: of a table on a terminal, or of a CSV cell. Null is the empty text. */
export function plainText(value: EngineValue): string {
  if (value === null) return '';
  if (typeof value === 'string') return value;
  const text = jsonText(value);
  return text.startsWith('"') ? String(JSON.parse(text)) : text;
}

/** RFC 4180 with a header and CRLF line ends. */
export function csvRows(result: QueryResult): string {
  const cell = (text: string) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  const { columns, rows } = result;
  const lines = rows.map((row) => columns.map((_, i) => cell(plainText(row[i] ?? null))).join(','));
  return [columns.map((c) => cell(c.name)).join(','), ...lines, ''].join('\r\n');
}

/** Room for ids of runs and examples, which people copy. */
const MAX_CELL = 120;

/** A table for people: cells longer than `maxCell` are cut, numbers are right-aligned. */
export function textTable(
  header: readonly string[],
  rows: readonly (readonly string[])[],
  maxCell = MAX_CELL,
): string {
  const clean = (text: string) => {
    const line = text.replaceAll('\r', '').replaceAll('\n', '⏎');
    return line.length > maxCell ? `${line.slice(0, maxCell - 1)}…` : line;
  };
  const cells = [header, ...rows].map((row) => row.map(clean));
  const widths = header.map((_, c) => Math.max(...cells.map((row) => row[c]?.length ?? 0)));
  const numeric = header.map(
    (_, c) => rows.length > 0 && rows.every((row) => /^-?[\d.,eE+%-]*$/.test(row[c] ?? '')),
  );
  const lines = cells.map((row) =>
    row
      .map((text, c) => (numeric[c] ? text.padStart(widths[c] ?? 0) : text.padEnd(widths[c] ?? 0)))
      .join('  ')
      .trimEnd(),
  );
  return [lines[0], widths.map((w) => '─'.repeat(w)).join('  '), ...lines.slice(1)].join('\n');
}

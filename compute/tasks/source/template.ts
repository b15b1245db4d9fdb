import type { JsonObject, JsonValue } from '../../../ingest/contracts/json-value.ts';
import { jsonText } from '../../../ingest/run-files/json-text.ts';
import { PermanentTaskError } from '../../jobs/worker.ts';

/** A text with the columns of a row in it. */
export type Template = (row: JsonObject) => string;

/**
 * `Q: {question}` with the columns of a row in place of the braces; `{{` and `}}` stand for braces themselves.
 * @throws PermanentTaskError for braces that do not match; the template itself for a row that lacks a column
 */
export function parseTemplate(text: string): Template {
  const parts = text.split(/(\{\{|\}\}|\{[^{}]*\})/);
  const stray = parts.find((part, i) => i % 2 === 0 && /[{}]/.test(part));
  if (stray !== undefined)
    throw new PermanentTaskError('BAD_TEMPLATE', `a brace without its other in ${JSON.stringify(text)}`);
  return (row) =>
    parts
      .map((part, i) => {
        if (i % 2 === 0) return part;
        if (part === '{{' || part === '}}') return part[0]!;
        const column = part.slice(1, -1);
        const value = Object.hasOwn(row, column) ? row[column] : undefined;
        if (value !== undefined && value !== null) return shown(value);
        const there = Object.keys(row).join(', ');
        throw new PermanentTaskError(
          'NO_SUCH_COLUMN',
          `a row has no ${column}; it has ${there || 'nothing'}`,
        );
      })
      .join('');
}

function shown(value: JsonValue): string {
  if (typeof value === 'string') return value;
  if (Array.isArray(value)) return value.map((item) => shown(item)).join(', ');
  return jsonText(value);
}

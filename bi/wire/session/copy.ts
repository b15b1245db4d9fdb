import type { Backend } from '../protocol/backend.ts';
import type { CopyOptions } from '../sql/commands.ts';
import type { ResultField, RowWriter } from './rows.ts';

const BINARY_SIGNATURE = Buffer.from('PGCOPY\n\xff\r\n\0', 'latin1');
const CONTROL: Readonly<Record<string, string>> = {
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
  '\\': '\\\\',
};

/**
 * CopyData messages, one a row.
 * Source: PostgreSQL manual, COPY, "File Formats".
 */
export function copyRows(backend: Backend, fields: readonly ResultField[], options: CopyOptions): RowWriter {
  const { out } = backend;
  if (options.format === 'binary') {
    return (batch, row) =>
      backend.copyData(() => {
        out.int16(fields.length);
        for (const [column, { codec }] of fields.entries()) {
          const value = batch.value(row, column);
          if (value === null) out.int32(-1);
          else out.sized(() => codec.binary(value, out));
        }
      });
  }
  const cell = options.format === 'csv' ? csvCell(options) : textCell(options);
  return (batch, row) => {
    const cells = fields.map(({ codec }, column) => {
      const value = batch.value(row, column);
      return value === null ? options.nullText : cell(codec.text(value));
    });
    backend.copyData(() => out.text(`${cells.join(options.delimiter)}\n`));
  };
}

/** What comes before the rows. */
export function copyHead(backend: Backend, fields: readonly ResultField[], options: CopyOptions): void {
  const { out } = backend;
  if (options.format === 'binary') {
    backend.copyData(() => {
      out.bytes(BINARY_SIGNATURE);
      out.int32(0);
      out.int32(0);
    });
  } else if (options.header) {
    const cell = options.format === 'csv' ? csvCell(options) : textCell(options);
    backend.copyData(() => out.text(`${fields.map(({ name }) => cell(name)).join(options.delimiter)}\n`));
  }
}

/** What comes after them. */
export function copyTail(backend: Backend, options: CopyOptions): void {
  if (options.format === 'binary') backend.copyData(() => backend.out.int16(-1));
}

function textCell({ delimiter }: CopyOptions): (text: string) => string {
  return (text) =>
    text
      .replace(/[\b\f\n\r\t\v\\]/g, (c) => CONTROL[c] ?? c)
      .replaceAll(delimiter, (c) => (c === '\t' ? c : `\\${c}`));
}

function csvCell({ delimiter, quote, nullText }: CopyOptions): (text: string) => string {
  return (text) =>
    text === nullText ||
    text.includes(delimiter) ||
    text.includes(quote) ||
    /[\r\n]/.test(text) ||
    text === '\\.'
      ? quote + text.replaceAll(quote, quote + quote) + quote
      : text;
}

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
  if (options.format === 'binary') return binaryRows(backend, fields);
  const cell = options.format === 'csv' ? csvCell(options) : textCell(options);
  return (batch, row) => {
    const cells = fields.map(({ codec }, column) => {
      const value = batch.value(row, column);
      return value === null ? options.nullText : cell(codec.text(value));
    });
    backend.copyData(() => out.text(`${cells.join(options.delimiter)}\n`));
  };
}

/** The line of names that comes before the rows, if one was asked for. */
export function copyHead(backend: Backend, fields: readonly ResultField[], options: CopyOptions): void {
  if (!options.header || options.format === 'binary') return;
  const cell = options.format === 'csv' ? csvCell(options) : textCell(options);
  backend.copyData(() =>
    backend.out.text(`${fields.map(({ name }) => cell(name)).join(options.delimiter)}\n`),
  );
}

/** What comes after `rows` rows. */
export function copyTail(backend: Backend, options: CopyOptions, rows: number): void {
  if (options.format !== 'binary') return;
  backend.copyData(() => {
    if (rows === 0) binaryHead(backend);
    backend.out.int16(-1);
  });
}

/** Clients expect the head of the file in the message of the first row. */
function binaryRows(backend: Backend, fields: readonly ResultField[]): RowWriter {
  const { out } = backend;
  let first = true;
  return (batch, row) =>
    backend.copyData(() => {
      if (first) binaryHead(backend);
      first = false;
      out.int16(fields.length);
      for (const [column, { codec }] of fields.entries()) {
        const value = batch.value(row, column);
        if (value === null) out.int32(-1);
        else out.sized(() => codec.binary(value, out));
      }
    });
}

function binaryHead({ out }: Backend): void {
  out.bytes(BINARY_SIGNATURE);
  out.int32(0);
  out.int32(0);
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

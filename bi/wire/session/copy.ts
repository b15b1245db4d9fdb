import type { Backend } from '../protocol/backend.ts';
import type { Output } from '../protocol/output.ts';
import type { CopyOptions } from '../sql/commands/command.ts';
import { type ResultField, type RowForm, writeCells } from './rows.ts';

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
export function copyRows(backend: Backend, fields: readonly ResultField[], options: CopyOptions): RowForm {
  return options.format === 'binary' ? binaryRows(backend, fields) : lines(backend, fields, options);
}

function lines(backend: Backend, fields: readonly ResultField[], options: CopyOptions): RowForm {
  const { out } = backend;
  const { delimiter, nullText } = options;
  const escapeValue = escapeOf(options);
  return (batch) => {
    const cells = fields.map((_, i) => batch.cell(i, 0));
    const line = (row: number) => {
      for (const [i, cell] of cells.entries()) {
        if (i > 0) out.text(delimiter);
        const at = out.length;
        if (cell(row, out)) escapeValue(out, at);
        else out.text(nullText);
      }
      out.text('\n');
    };
    return (row) => backend.copyData(() => line(row));
  };
}

/** The line of names that comes before the rows, if one was asked for. */
export function copyHead(backend: Backend, fields: readonly ResultField[], options: CopyOptions): void {
  if (!options.header || options.format === 'binary') return;
  const { out } = backend;
  const escapeValue = escapeOf(options);
  backend.copyData(() => {
    for (const [i, { name }] of fields.entries()) {
      if (i > 0) out.text(options.delimiter);
      const at = out.length;
      out.text(name);
      escapeValue(out, at);
    }
    out.text('\n');
  });
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
function binaryRows(backend: Backend, fields: readonly ResultField[]): RowForm {
  const { out } = backend;
  let first = true;
  return (batch) => {
    const cells = fields.map((_, i) => batch.cell(i, 1));
    return (row) =>
      backend.copyData(() => {
        if (first) binaryHead(backend);
        first = false;
        writeCells(out, cells, row);
      });
  };
}

function binaryHead({ out }: Backend): void {
  out.bytes(BINARY_SIGNATURE);
  out.int32(0);
  out.int32(0);
}

/** Rewrites the value that was written from a place on so that it can stand in a line. */
type Escape = (out: Output, at: number) => void;

function escapeOf({ format, delimiter, quote, nullText }: CopyOptions): Escape {
  return format === 'csv' ? csvEscape(delimiter, quote, nullText) : textEscape(delimiter);
}

/** What `rewrite` makes of a value in which one of these characters is. */
function escapeWith(
  characters: string,
  isSpecial: (value: Buffer) => boolean,
  rewrite: (text: string) => string,
): Escape {
  const marked = new Uint8Array(256);
  for (const byte of Buffer.from(characters)) marked[byte] = 1;
  return (out, at) => {
    const { buffer, length } = out;
    let from = at;
    while (from < length && marked[buffer[from]!] === 0) from++;
    if (from === length && !isSpecial(buffer.subarray(at, length))) return;
    const text = buffer.toString('utf8', at, length);
    out.truncate(at);
    out.text(rewrite(text));
  };
}

function textEscape(delimiter: string): Escape {
  const rewrite = (text: string) =>
    text
      .replace(/[\b\f\n\r\t\v\\]/g, (c) => CONTROL[c] ?? c)
      .replaceAll(delimiter, (c) => (c === '\t' ? c : `\\${c}`));
  return escapeWith(`\b\f\n\r\t\v\\${delimiter}`, () => false, rewrite);
}

function csvEscape(delimiter: string, quote: string, nullText: string): Escape {
  const [asNull, end] = [Buffer.from(nullText), Buffer.from('\\.')];
  return escapeWith(
    `${delimiter}${quote}\r\n`,
    (value) => value.equals(asNull) || value.equals(end),
    (text) => quote + text.replaceAll(quote, quote + quote) + quote,
  );
}

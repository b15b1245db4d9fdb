import type { AlikeLines, AlikeRows } from '../alike/alike-lines.ts';
import type { ByteInput } from '../bytes/chunks.ts';
import { FormatError, type FormatSubcode } from '../errors.ts';
import { type RawRecord, readRecord } from './records.ts';
import { textBlocks } from './text-blocks.ts';

/** One record below the header; with `error` when its fields are not what the header announces. */
export interface CsvRow {
  /** 1-based line on which the record begins. */
  readonly line: number;
  /** Exactly as in the file, quotes resolved. */
  readonly fields: readonly string[];
  readonly error?: FormatError;
}

export interface CsvOptions {
  readonly file?: string;
  /** Default `,`. */
  readonly delimiter?: string;
  /** Lines before the header that begin with this are skipped; default: none are. */
  readonly comment?: string;
  /** Rows handed out together. Default 1000. */
  readonly batchSize?: number;
  /** Longest line, and longest record, in bytes (UTF-16 units). Default 16 MiB. */
  readonly maxRecord?: number;
  readonly signal?: AbortSignal;
}

/** `B` is what the rows come in. */
export interface CsvTable<B = CsvRow[]> {
  /** The first record, exactly; empty when the file is. */
  readonly header: readonly string[];
  /** To be read once, to its end or to `return`. */
  readonly batches: AsyncGenerator<B, void, undefined>;
}

/**
 * Reads CSV (RFC 4180; CRLF or LF, gzip or not, byte order mark or not) with bounded memory. Blank lines are
 * skipped. A bad row is handed out with its error and the next one read: `BAD_CSV` (number of fields, quotes),
 * `NON_UTF8`, `TRUNCATED_LINE` for a last row that has no line end and too few fields.
 * @throws FormatError for a header with an error, a record over the limit, a damaged gzip stream
 */
export function readCsv(input: ByteInput, options: CsvOptions = {}): Promise<CsvTable> {
  return readTable<never>(input, () => undefined, options);
}

/**
 * As `readCsv`, but rows that are like earlier ones come in columns, in their place among the others.
 * @param alikeWith what recognises them, by the header; undefined when each row is to be read on its own
 */
export function readAlikeCsv<T>(
  input: ByteInput,
  alikeWith: (header: readonly string[]) => AlikeLines<readonly string[], T> | undefined,
  options: Omit<CsvOptions, 'delimiter' | 'maxRecord'> = {},
): Promise<CsvTable<CsvRow[] | AlikeRows<readonly string[], T>>> {
  return readTable(input, alikeWith, options);
}

/** Gives the rows that are like earlier ones as `R`: `never` where nothing recognises them. */
type AlikeWith<R> = (header: readonly string[]) => (AlikeLines<readonly string[], unknown> & R) | undefined;

async function readTable<R extends AlikeRows<readonly string[], unknown>>(
  input: ByteInput,
  alikeWith: AlikeWith<R>,
  options: CsvOptions,
): Promise<CsvTable<CsvRow[] | R>> {
  const batches = readRows(input, alikeWith, options);
  const first = await batches.next();
  if (first.done === true || !Array.isArray(first.value)) return { header: [], batches };
  const header: CsvRow = first.value[0]!;
  if (header.error !== undefined) {
    await batches.return();
    throw header.error;
  }
  return { header: header.fields, batches };
}

/** The header as a batch of its own, then the rows. */
async function* readRows<R extends AlikeRows<readonly string[], unknown>>(
  input: ByteInput,
  alikeWith: AlikeWith<R>,
  options: CsvOptions,
): AsyncGenerator<CsvRow[] | R, void, undefined> {
  const delimiter = options.delimiter ?? ',';
  const maxRecord = options.maxRecord ?? 16 * 1024 * 1024;
  const batchSize = options.batchSize ?? 1000;
  const bad = new Set<number>();
  let alike: ReturnType<AlikeWith<R>>;
  let width = -1;
  let batch: CsvRow[] = [];
  let line = 1;
  let rest = '';
  let restLines = 0;

  const error = (subcode: FormatSubcode, what: string): FormatError =>
    new FormatError(subcode, `${options.file ?? 'CSV'}: line ${line}: ${what}`, {
      where: { line, ...(options.file === undefined ? {} : { file: options.file }) },
      ...(width < 0 ? {} : { expected: `${width} fields, as in the header` }),
    });

  function problemOf(record: RawRecord, final: boolean, complete: boolean): FormatError | undefined {
    for (let i = line; bad.size > 0 && i <= line + record.lines; i++) {
      const ended = i === line + record.lines && complete;
      if (!ended && bad.delete(i)) return error('NON_UTF8', 'bytes that are not UTF-8');
    }
    const cut = final && !complete;
    if (record.problem !== undefined) return error(cut ? 'TRUNCATED_LINE' : 'BAD_CSV', record.problem);
    const found = record.fields.length;
    if (width < 0 || found === width) return undefined;
    return error(cut && found < width ? 'TRUNCATED_LINE' : 'BAD_CSV', `${found} fields`);
  }

  function* parse(text: string, final: boolean, ascii?: Uint8Array): Generator<CsvRow[] | R, number> {
    let at = 0;
    while (at < text.length) {
      if (alike !== undefined && ascii !== undefined) {
        const behind = alike.take(ascii, at, line);
        if (behind > at) {
          if (batch.length > 0) yield batch;
          batch = [];
          yield alike;
          line += alike.length;
          at = behind;
          continue;
        }
      }
      const record = readRecord(text, at, delimiter, final);
      if (record === undefined) break;
      const complete = text.charCodeAt(record.end - 1) === 0x0a;
      const blank = record.fields.length === 1 && record.fields[0] === '' && text[at] !== '"';
      const comment = width < 0 && options.comment !== undefined && text.startsWith(options.comment, at);
      if (!blank && !comment) {
        const problem = problemOf(record, final, complete);
        batch.push({ line, fields: record.fields, ...(problem === undefined ? {} : { error: problem }) });
        const isHeader = width < 0;
        if (isHeader) {
          width = record.fields.length;
          alike = alikeWith(record.fields);
        } else if (problem === undefined && ascii !== undefined) {
          alike?.learn(ascii.subarray(at, record.end), record.fields);
        }
        if (isHeader || batch.length >= batchSize) {
          yield batch;
          batch = [];
        }
      }
      line += record.lines;
      at = record.end;
    }
    return at;
  }

  for await (const block of textBlocks(input, { ...options, maxLineBytes: maxRecord })) {
    for (const index of block.badLines) bad.add(line + restLines + index);
    const text = rest + block.text;
    const used = yield* parse(text, false, rest === '' ? block.ascii : undefined);
    rest = text.slice(used);
    restLines = rest === '' ? 0 : rest.split('\n').length - 1;
    if (rest.length > maxRecord) throw error('LIMIT', `a record of more than ${maxRecord} characters`);
  }
  yield* parse(rest, true);
  if (batch.length > 0) yield batch;
}

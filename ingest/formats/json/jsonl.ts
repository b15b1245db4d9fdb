import type { AlikeLines, AlikeRows } from '../alike/alike-lines.ts';
import { type ByteInput, textChunks } from '../bytes/chunks.ts';
import { FormatError } from '../errors.ts';
import { type JsonOptions, MAX_DEPTH, parseJson, parsePlain } from './parse.ts';
import { decodeUtf8 } from './utf8.ts';
import { JsonError, type JsonNote, type JsonValue } from './value.ts';

/** One line that is not blank: a value, or what is wrong with it. */
export type JsonlLine = {
  /** 1-based; blank lines count. */
  readonly line: number;
  /** Of the line's first byte, in the (decompressed) file. */
  readonly byteOffset: number;
} & (
  | { readonly value: JsonValue; readonly notes: readonly JsonNote[]; readonly error?: undefined }
  /** `text` is the beginning of the bad line, for messages. */
  | { readonly error: FormatError; readonly text: string }
);

export interface JsonlOptions extends Pick<JsonOptions, 'maxDepth' | 'file' | 'invalidUtf8'> {
  /** Longer lines, in bytes, are skipped with a `LIMIT` error. Default 64 MiB. */
  readonly maxLineBytes?: number;
  /** Lines handed out together. Default 1000. */
  readonly batchSize?: number;
  readonly signal?: AbortSignal;
}

const NEWLINE = 0x0a;
const PREVIEW = 200;
const NO_NOTES: readonly JsonNote[] = [];

/**
 * Reads JSON Lines, of a gzip file too, in batches with bounded memory. A bad line is reported and the next one
 * read: `BAD_JSON`, `NON_UTF8`, `LIMIT`; `TRUNCATED_LINE` for a last line that has no newline and does not parse
 * (the writer was stopped) and for a tail of NUL bytes (a file system lost the end of the file). A damaged gzip
 * stream ends the file with a last line of `BAD_GZIP` or `TRUNCATED`.
 * @throws CancelledError and what the input throws
 */
export function readJsonl(
  input: ByteInput,
  options: JsonlOptions = {},
): AsyncGenerator<JsonlLine[], void, undefined> {
  return readLines<never>(input, undefined, options);
}

/** As `readJsonl`, but lines that are like earlier ones come unparsed, as rows, in their place among the others. */
export function readAlikeJsonl<T>(
  input: ByteInput,
  alike: AlikeLines<JsonValue, T>,
  options: Omit<JsonlOptions, 'maxDepth' | 'maxLineBytes'> = {},
): AsyncGenerator<JsonlLine[] | AlikeRows<JsonValue, T>, void, undefined> {
  return readLines(input, alike, options);
}

/** Gives the lines that are like earlier ones as `R`: `never` where nothing recognises them. */
async function* readLines<R extends AlikeRows<JsonValue, unknown>>(
  input: ByteInput,
  alike: (AlikeLines<JsonValue, unknown> & R) | undefined,
  options: JsonlOptions,
): AsyncGenerator<JsonlLine[] | R, void, undefined> {
  const maxLine = options.maxLineBytes ?? 64 * 1024 * 1024;
  const batchSize = options.batchSize ?? 1000;
  const depth = options.maxDepth ?? MAX_DEPTH;
  let batch: JsonlLine[] = [];
  let line = 1;
  let offset = 0;
  /** The beginning of the current line, in pieces, and its length; past the limit pieces are dropped. */
  let pieces: Uint8Array[] = [];
  let held = 0;

  const tooLong = (bytes: number, head: Uint8Array): JsonlLine => {
    const error = new JsonError('LIMIT', `${where()}: a line of ${bytes} bytes, more than ${maxLine}`, {
      where: location(),
    });
    return { line, byteOffset: offset, error, text: preview(head) };
  };
  const where = () => `${options.file ?? 'JSON lines'}: line ${line}`;
  const location = () => ({ line, ...(options.file === undefined ? {} : { file: options.file }) });

  function addLine(bytes: Uint8Array, terminated: boolean): void {
    if (bytes.length > maxLine) {
      batch.push(tooLong(bytes.length, bytes));
      return;
    }
    const text = decodeUtf8(bytes);
    const plain = text === undefined ? undefined : parsePlain(text, depth);
    if (plain !== undefined) batch.push({ line, byteOffset: offset, value: plain, notes: NO_NOTES });
    else if (text === undefined || text.trim() !== '') batch.push(readUnusual(bytes, terminated));
  }

  function readUnusual(bytes: Uint8Array, terminated: boolean): JsonlLine {
    try {
      const limits = { ...options, firstLine: line, maxBytes: maxLine };
      return { line, byteOffset: offset, ...parseJson(bytes, limits) };
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      const torn = error.subcode !== 'LIMIT' && (!terminated || bytes.every((byte) => byte === 0));
      const text = preview(bytes);
      if (!torn) return { line, byteOffset: offset, error, text };
      const what =
        bytes.at(-1) === 0 ? 'NUL bytes where its end should be' : 'it ends in the middle of a value';
      const cut = new JsonError('TRUNCATED_LINE', `${where()}: ${what}`, {
        where: location(),
        byteOffset: offset,
        remedy: 'the writer was stopped while it wrote this line; the lines before it are whole',
        cause: error,
      });
      return { line, byteOffset: offset, error: cut, text };
    }
  }

  try {
    for await (const chunk of textChunks(input, options)) {
      let start = 0;
      while (true) {
        if (alike !== undefined && held === 0) {
          const behind = alike.take(chunk, start, line);
          if (behind > start) {
            if (batch.length > 0) yield batch;
            batch = [];
            yield alike;
            line += alike.length;
            offset += behind - start;
            start = behind;
          }
        }
        const end = chunk.indexOf(NEWLINE, start);
        if (end === -1) break;
        const part = chunk.subarray(start, end);
        const length = held + part.length;
        if (held === 0) {
          addLine(part, true);
          const last = batch.at(-1);
          if (last?.line === line && last.error === undefined && last.notes.length === 0)
            alike?.learn(chunk.subarray(start, end + 1), last.value);
        } else if (length > maxLine) batch.push(tooLong(length, pieces[0] ?? part));
        else addLine(Buffer.concat([...pieces, part]), true);
        pieces = [];
        held = 0;
        line++;
        offset += length + 1;
        start = end + 1;
        if (batch.length >= batchSize) {
          yield batch;
          batch = [];
        }
      }
      if (start < chunk.length) {
        const rest = chunk.subarray(start);
        if (held === 0) pieces = [rest];
        else if (held + rest.length <= maxLine) pieces.push(rest);
        else pieces = [pieces[0]!.subarray(0, PREVIEW)];
        held += rest.length;
      }
    }
    if (held > maxLine) batch.push(tooLong(held, pieces[0]!));
    else if (held > 0) addLine(pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces), false);
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    batch.push({ line, byteOffset: offset, error, text: preview(pieces[0] ?? new Uint8Array(0)) });
  }
  if (batch.length > 0) yield batch;
}

function preview(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, PREVIEW)).toString('utf8');
}

import type { ObjectInfo } from '../../lake/store/object-store.ts';
import type { JsonValue } from '../contracts/json-value.ts';
import type { ReadContext } from '../family.ts';
import type { AlikeLines, AlikeRows } from '../formats/alike/alike-lines.ts';
import { type JsonlLine, readAlikeJsonl, readJsonl } from '../formats/json/jsonl.ts';
import type { IssueLog } from './issue-log.ts';

/** One line of a JSONL file. */
export interface JsonRecord {
  readonly line: number;
  readonly value: JsonValue;
  /** The line was not UTF-8: `value` is good enough to name the record, not to keep it. */
  readonly damaged: boolean;
}

export interface RecordStats {
  /** Lines that held no JSON value at all. */
  unreadable: number;
}

/**
 * The records of a JSONL file, some at a time. Lines that are no records become issues (`TRUNCATED_LAST_LINE`,
 * `INVALID_JSON`, `NON_UTF8_BYTES`) and reading goes on; a repeated key, of which the last counts as in Python, is a
 * warning (`DUPLICATE_KEY`); blank lines are skipped.
 */
export async function* readJsonRecords(
  context: ReadContext,
  object: ObjectInfo,
  file: string,
  log: IssueLog,
  stats: RecordStats = { unreadable: 0 },
): AsyncGenerator<JsonRecord[]> {
  const signal = context.signal === undefined ? {} : { signal: context.signal };
  const chunks = context.tree.store.stream(object.key, signal);
  for await (const lines of readJsonl(chunks, { ...signal, file, invalidUtf8: 'replace' })) {
    yield* toRecords(lines, file, log, stats);
  }
}

/**
 * As `readJsonRecords`, but records that are like earlier ones come in columns. Those of a batch are read the other
 * way with `parsedRecords`.
 */
export async function* readAlikeRecords<T>(
  context: ReadContext,
  object: ObjectInfo,
  file: string,
  log: IssueLog,
  alike: AlikeLines<JsonValue, T>,
  stats: RecordStats = { unreadable: 0 },
): AsyncGenerator<JsonRecord[] | AlikeRows<JsonValue, T>> {
  const signal = context.signal === undefined ? {} : { signal: context.signal };
  const chunks = context.tree.store.stream(object.key, signal);
  for await (const lines of readAlikeJsonl(chunks, alike, { ...signal, file, invalidUtf8: 'replace' })) {
    if (Array.isArray(lines)) yield* toRecords(lines, file, log, stats);
    else yield lines;
  }
}

/** The rows of a batch from one on, as `readJsonRecords` gives them. */
export function parsedRecords(rows: AlikeRows<JsonValue, unknown>, from: number): JsonRecord[] {
  return rows.lines.slice(from).map((line, i) => ({ line, value: rows.value(from + i), damaged: false }));
}

/** The records are handed out before anything is said of a later line, so that issues come in the order of lines. */
function* toRecords(
  lines: readonly JsonlLine[],
  file: string,
  log: IssueLog,
  stats: RecordStats,
): Generator<JsonRecord[]> {
  let records: JsonRecord[] = [];
  for (const line of lines) {
    if (records.length > 0 && isRemarkable(line)) {
      yield records;
      records = [];
    }
    if (line.error === undefined) records.push(toRecord(line, file, log));
    else {
      stats.unreadable++;
      log.record(lineIssue(line, file));
    }
  }
  if (records.length > 0) yield records;
}

/** Whether `toRecord` or `lineIssue` has something to report. */
function isRemarkable(line: JsonlLine): boolean {
  return (
    line.error !== undefined || line.notes.some(({ code }) => code === 'NON_UTF8' || code === 'DUPLICATE_KEY')
  );
}

function toRecord(
  { line, value, notes }: Extract<JsonlLine, { error?: undefined }>,
  file: string,
  log: IssueLog,
): JsonRecord {
  let damaged = false;
  for (const { code, pointer, message } of notes) {
    if (code === 'NON_UTF8') damaged = true;
    else if (code === 'DUPLICATE_KEY') log.warn({ code, file, line, pointer, message });
  }
  if (damaged) log.record({ code: 'NON_UTF8_BYTES', file, line, message: 'the line is not UTF-8' });
  return { line, value, damaged };
}

function lineIssue({ line, error }: Extract<JsonlLine, { error: object }>, file: string) {
  switch (error.subcode) {
    case 'TRUNCATED_LINE':
      return { code: 'TRUNCATED_LAST_LINE', file, line, message: 'the file ends in the middle of a record' };
    case 'NON_UTF8':
      return { code: 'NON_UTF8_BYTES', file, line, message: 'the line is not UTF-8' };
    default:
      return { code: 'INVALID_JSON', file, line, message: `the line is not JSON: ${error.message}` };
  }
}

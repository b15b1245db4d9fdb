import type { ObjectInfo } from '../../lake/store/object-store.ts';
import type { ReadContext } from '../family.ts';
import type { AlikeLines, AlikeRows } from '../formats/alike/alike-lines.ts';
import { readAlikeCsv as readAlikeCsvFormat } from '../formats/csv/csv.ts';
import { FormatError } from '../formats/errors.ts';
import type { IssueLog } from './issue-log.ts';

/** A record of a CSV file; `fields` are parallel to the header. */
export interface CsvRecord {
  readonly line: number;
  readonly fields: readonly string[];
}

/** Records that follow each other, and the header they are to be read with. */
export interface CsvBatch {
  readonly header: readonly string[];
  readonly records: readonly CsvRecord[];
}

/** Records that are like earlier ones, in columns. */
export interface AlikeCsvBatch<T> {
  readonly header: readonly string[];
  readonly alike: AlikeRows<readonly string[], T>;
}

/**
 * The records of a CSV file with a header line, some at a time. Records that do not fit the header become issues
 * (`CSV_FIELD_COUNT`, `NON_UTF8_BYTES`, `TRUNCATED_LAST_LINE`). The first batch of a file without records is empty.
 */
export async function* readCsv(
  context: ReadContext,
  object: ObjectInfo,
  file: string,
  log: IssueLog,
): AsyncGenerator<CsvBatch> {
  for await (const batch of readAlikeCsv<never>(context, object, file, log, () => undefined)) {
    if ('records' in batch) yield batch;
  }
}

/** As `readCsv`, but records that are like earlier ones come in columns; `alikeWith` recognises them, by the header. */
export async function* readAlikeCsv<T>(
  context: ReadContext,
  object: ObjectInfo,
  file: string,
  log: IssueLog,
  alikeWith: (header: readonly string[]) => AlikeLines<readonly string[], T> | undefined,
): AsyncGenerator<CsvBatch | AlikeCsvBatch<T>> {
  const signal = context.signal === undefined ? {} : { signal: context.signal };
  const issueOf = ({ subcode, message, where }: FormatError) => ({
    code: CODES[subcode] ?? 'CSV_FIELD_COUNT',
    file,
    ...(where?.line === undefined ? {} : { line: where.line }),
    message,
  });
  let close: (() => Promise<unknown>) | undefined;
  let table: Awaited<ReturnType<typeof readAlikeCsvFormat<T>>> | undefined;
  try {
    const chunks = context.tree.store.stream(object.key, signal);
    table = await readAlikeCsvFormat(chunks, alikeWith, { ...signal, file });
    const { header, batches } = table;
    close = () => batches.return();
    if (header.length === 0) {
      log.run({ code: 'EMPTY_FILE', file, message: 'the file has no header' });
      return;
    }
    yield { header, records: [] };
    for await (const rows of batches) {
      if (!Array.isArray(rows)) {
        yield { header, alike: rows };
        continue;
      }
      let records: CsvRecord[] = [];
      for (const row of rows) {
        if (row.error === undefined) records.push(row);
        else {
          // What there is to say of earlier records comes first.
          if (records.length > 0) yield { header, records };
          records = [];
          log.record(issueOf(row.error));
        }
      }
      if (records.length > 0) yield { header, records };
    }
  } catch (error) {
    // A header that cannot be read, or a record without end: there is no next record to go on with.
    if (!(error instanceof FormatError)) throw error;
    log.run(issueOf(error));
  } finally {
    // A reader that the header is enough for has not begun with the batches, which hold the file open.
    await close?.();
  }
}

/** The rows of a batch from one on, as `readCsv` gives them. */
export function parsedCsvRecords(rows: AlikeRows<readonly string[], unknown>, from: number): CsvRecord[] {
  return rows.lines.slice(from).map((line, i) => ({ line, fields: rows.value(from + i) }));
}

const CODES: Readonly<Record<string, string>> = {
  NON_UTF8: 'NON_UTF8_BYTES',
  TRUNCATED_LINE: 'TRUNCATED_LAST_LINE',
  LIMIT: 'INVALID_CSV',
  BAD_GZIP: 'INVALID_CSV',
  TRUNCATED: 'INVALID_CSV',
};

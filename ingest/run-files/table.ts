import type { ObjectInfo } from '../../lake/store/object-store.ts';
import type { ReadContext } from '../family.ts';
import { type CsvTable, readCsv as readCsvFormat } from '../formats/csv/csv.ts';
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
  const signal = context.signal === undefined ? {} : { signal: context.signal };
  const issueOf = ({ subcode, message, where }: FormatError) => ({
    code: CODES[subcode] ?? 'CSV_FIELD_COUNT',
    file,
    ...(where?.line === undefined ? {} : { line: where.line }),
    message,
  });
  try {
    const { header, batches }: CsvTable = await readCsvFormat(context.tree.store.stream(object.key, signal), {
      ...signal,
      file,
    });
    if (header.length === 0) {
      log.run({ code: 'EMPTY_FILE', file, message: 'the file has no header' });
      return;
    }
    yield { header, records: [] };
    for await (const rows of batches) {
      const records: CsvRecord[] = [];
      for (const row of rows) {
        if (row.error === undefined) records.push(row);
        else log.record(issueOf(row.error));
      }
      yield { header, records };
    }
  } catch (error) {
    // A header that cannot be read, or a record without end: there is no next record to go on with.
    if (!(error instanceof FormatError)) throw error;
    log.run(issueOf(error));
  }
}

const CODES: Readonly<Record<string, string>> = {
  NON_UTF8: 'NON_UTF8_BYTES',
  TRUNCATED_LINE: 'TRUNCATED_LAST_LINE',
  LIMIT: 'INVALID_CSV',
  BAD_GZIP: 'INVALID_CSV',
  TRUNCATED: 'INVALID_CSV',
};

import type { ObjectInfo } from '../../../../lake/store/object-store.ts';
import type { ReadContext } from '../../../family.ts';
import type { IssueLog } from '../issue-log.ts';
import { splitCsvRecord } from './csv.ts';
import { readLines } from './lines.ts';

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
 * The records of a CSV file with a header line, a chunk of the file at a time; fields may be quoted and hold line
 * breaks. Records that do not fit the header become issues. The first batch of a file without records is empty.
 */
export async function* readCsv(
  context: ReadContext,
  object: ObjectInfo,
  file: string,
  log: IssueLog,
): AsyncGenerator<CsvBatch> {
  const options = context.signal === undefined ? {} : { signal: context.signal };
  let header: string[] | undefined;
  let open = '';
  let openLine = 0;
  for await (const batch of readLines(context.tree.store.stream(object.key, options), context.signal)) {
    const records: CsvRecord[] = [];
    const { lines, firstLine, damaged, unterminated } = batch;
    for (let i = 0; i < lines.length; i++) {
      const continued = open !== '';
      const text = continued ? `${open}\n${lines[i]!}` : lines[i]!;
      const line = continued ? openLine : firstLine + i;
      const fields = splitCsvRecord(text);
      if (fields === undefined) {
        open = text;
        openLine = line;
        continue;
      }
      open = '';
      if (fields.length === 1 && fields[0]!.trim() === '') continue;
      if (damaged.has(i)) {
        log.record({ code: 'NON_UTF8_BYTES', file, line, message: 'the line is not UTF-8' });
        continue;
      }
      if (header === undefined) {
        header = fields;
        continue;
      }
      if (fields.length !== header.length) {
        const truncated = unterminated && i === lines.length - 1 && fields.length < header.length;
        log.record({
          code: truncated ? 'TRUNCATED_LAST_LINE' : 'CSV_FIELD_COUNT',
          file,
          line,
          message: `${fields.length} fields; expected ${header.length}, as in the header`,
        });
        continue;
      }
      records.push({ line, fields });
    }
    if (header !== undefined) yield { header, records };
  }
  if (open !== '') {
    log.record({
      code: 'TRUNCATED_LAST_LINE',
      file,
      line: openLine,
      message: 'the file ends inside a quoted field',
    });
  }
  if (header === undefined) log.run({ code: 'EMPTY_FILE', file, message: 'the file has no header' });
}

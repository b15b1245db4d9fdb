import { messageOf } from '../../../../lake/errors.ts';
import type { ObjectInfo } from '../../../../lake/store/object-store.ts';
import type { JsonValue } from '../../../contracts/json-value.ts';
import type { ReadContext } from '../../../family.ts';
import type { IssueLog } from '../issue-log.ts';
import { parseJson } from './json-text.ts';
import { readLines } from './lines.ts';

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
 * The records of a JSONL file, a chunk of the file at a time. Lines that are no records become issues
 * (`TRUNCATED_LAST_LINE`, `INVALID_JSON`, `NON_UTF8_BYTES`) and reading goes on; blank lines are skipped.
 */
export async function* readJsonRecords(
  context: ReadContext,
  object: ObjectInfo,
  file: string,
  log: IssueLog,
  stats: RecordStats = { unreadable: 0 },
): AsyncGenerator<JsonRecord[]> {
  const options = context.signal === undefined ? {} : { signal: context.signal };
  for await (const batch of readLines(context.tree.store.stream(object.key, options), context.signal)) {
    const records: JsonRecord[] = [];
    const { lines, firstLine, damaged, unterminated } = batch;
    for (let i = 0; i < lines.length; i++) {
      const text = lines[i]!;
      const line = firstLine + i;
      const isDamaged = damaged.has(i);
      if (isDamaged) {
        log.record({ code: 'NON_UTF8_BYTES', file, line, message: 'the line is not UTF-8' });
      }
      try {
        records.push({ line, value: parseJson(text), damaged: isDamaged });
      } catch (error) {
        if (text.trim() === '') continue;
        stats.unreadable++;
        if (isDamaged) continue;
        const truncated = unterminated && i === lines.length - 1;
        log.record({
          code: truncated ? 'TRUNCATED_LAST_LINE' : 'INVALID_JSON',
          file,
          line,
          message: truncated
            ? 'the file ends in the middle of a record'
            : `the line is not JSON: ${messageOf(error)}`,
        });
      }
    }
    if (records.length > 0) yield records;
  }
}

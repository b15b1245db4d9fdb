import type { ObjectInfo } from '../../../../lake/store/object-store.ts';
import {
  isPredictionRecord,
  type PredictionRecord,
  predictionSchema,
  recordViolations,
} from '../../../contracts/chaosbench/prediction.ts';
import { schemaIssues } from '../../../contracts/schema-issues.ts';
import type { ReadContext } from '../../../family.ts';
import type { IssueLog } from '../../../run-files/issue-log.ts';
import { type JsonRecord, readJsonRecords } from '../../../run-files/records.ts';

/** A record that keeps its contract. */
export interface AnswerRecord {
  readonly line: number;
  readonly value: PredictionRecord;
}

export interface AnswerStats {
  /** Lines that are not blank. */
  lines: number;
  /** Of these, lines that hold a record that keeps its contract. */
  good: number;
}

/** The good records of a file of answers, some at a time; what is wrong with the others becomes issues. */
export async function* readAnswers(
  context: ReadContext,
  object: ObjectInfo,
  file: string,
  log: IssueLog,
  stats: AnswerStats,
): AsyncGenerator<AnswerRecord[]> {
  const unreadable = { unreadable: 0 };
  let seen = 0;
  for await (const records of readJsonRecords(context, object, file, log, unreadable)) {
    seen += records.length;
    const good = records.flatMap((record) => {
      const value = goodRecord(record, file, log);
      return value === undefined ? [] : [{ line: record.line, value }];
    });
    stats.good += good.length;
    stats.lines = seen + unreadable.unreadable;
    if (good.length > 0) yield good;
  }
  stats.lines = seen + unreadable.unreadable;
}

function goodRecord(
  { line, value, damaged }: JsonRecord,
  file: string,
  log: IssueLog,
): PredictionRecord | undefined {
  if (!isPredictionRecord(value)) {
    for (const issue of schemaIssues(predictionSchema, value, { file, line })) log.record(issue);
    return undefined;
  }
  const violations = recordViolations(value);
  for (const violation of violations) log.record({ ...violation, file, line });
  return damaged || violations.length > 0 ? undefined : value;
}

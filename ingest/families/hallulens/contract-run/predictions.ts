import type { ObjectInfo } from '../../../../lake/store/object-store.ts';
import type { Row } from '../../../../lake/tables/schema.ts';
import { PREDICTIONS } from '../../../../lake/tables/tables.ts';
import { REQUIRED_PREDICTION_COLUMNS } from '../../../contracts/hallulens/prediction.ts';
import type { ReadContext, RunSink } from '../../../family.ts';
import { AlikeLines, type AlikeRows } from '../../../formats/alike/alike-lines.ts';
import { CsvLines } from '../../../formats/alike/csv-lines.ts';
import type { IssueLog } from '../../../run-files/issue-log.ts';
import { type CsvRecord, parsedCsvRecords, readAlikeCsv } from '../../../run-files/table.ts';
import { ScoreTable } from '../metric-rows.ts';
import {
  type AlikeRow,
  FIXED_COLUMNS,
  PREDICTIONS_FILE,
  type PredictionChecks,
  PredictionReader,
  type PredictionTemplate,
} from './prediction-rows.ts';

export interface PredictionsResult {
  /** Rows of the file, whatever is wrong with them. */
  readonly seen: number;
  readonly seenBySplit: ReadonlyMap<string, number>;
  readonly kept: number;
  readonly header: readonly string[];
  /** Scores by split; undefined when a score was unusable, so that nothing can be recomputed. */
  readonly scores: ReadonlyMap<string, ScoreTable> | undefined;
}

/** Reads, checks and emits `predictions.csv`. */
export async function readPredictions(
  object: ObjectInfo,
  sink: RunSink,
  context: ReadContext,
  log: IssueLog,
  checks: PredictionChecks,
): Promise<PredictionsResult> {
  const file = PREDICTIONS_FILE;
  const scores = new Map<string, ScoreTable>();
  const seenBySplit = new Map<string, number>();
  let usable = true;
  let header: readonly string[] | undefined;
  let reader = new PredictionReader([], checks, log, context.lenient);
  let seen = 0;
  let kept = 0;

  const see = (split: string): void => {
    seen++;
    seenBySplit.set(split, (seenBySplit.get(split) ?? 0) + 1);
  };
  const count = (split: string, score: number, label: boolean, predicted: boolean | undefined): void => {
    const table = scores.get(split) ?? new ScoreTable();
    scores.set(split, table);
    table.push(score, label, predicted);
  };

  const take = async (records: readonly CsvRecord[]): Promise<void> => {
    const rows: Row[] = [];
    for (const { line, fields } of records) {
      const { split, score, label, predicted, counts, droppable, row } = reader.read(fields, line);
      see(split);
      if (score === undefined || label === undefined) usable = usable && droppable;
      else if (counts) count(split, score, label, predicted);
      if (row !== undefined) rows.push(row);
    }
    kept += rows.length;
    if (rows.length > 0) await sink.rows(PREDICTIONS, rows);
  };

  /** Takes rows up to the first that there is something to say about; gives how many. */
  const takeAlike = async (batch: AlikeRows<readonly string[], PredictionTemplate>): Promise<number> => {
    const taken: AlikeRow[] = [];
    for (const { split, label } of batch.templates) {
      const row = reader.readAlike(batch, taken.length);
      if (row === undefined) break;
      see(split);
      count(split, row.score, label, row.predicted);
      taken.push(row);
    }
    kept += taken.length;
    if (taken.length > 0) await sink.rows(PREDICTIONS, reader.alikeRows(batch, taken));
    return taken.length;
  };

  const alikeWith = (columns: readonly string[]) => {
    reader = new PredictionReader(columns, checks, log, context.lenient);
    return new AlikeLines(new CsvLines(columns, FIXED_COLUMNS), (fields) => reader.template(fields));
  };
  for await (const batch of readAlikeCsv(context, object, file, log, alikeWith)) {
    if (header === undefined) {
      header = batch.header;
      const missing = reader.missingColumns;
      if (missing.length > 0) {
        log.run({
          code: 'WRONG_CSV_HEADER',
          file,
          line: 1,
          message: `no column ${missing.join(', ')}; expected ${REQUIRED_PREDICTION_COLUMNS.join(', ')}`,
        });
        usable = false;
      }
    }
    if ('records' in batch) await take(batch.records);
    else {
      const taken = await takeAlike(batch.alike);
      if (taken < batch.alike.length) await take(parsedCsvRecords(batch.alike, taken));
    }
  }
  return { seen, seenBySplit, kept, header: header ?? [], scores: usable ? scores : undefined };
}

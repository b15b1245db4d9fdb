import type { ObjectInfo } from '../../../../lake/store/object-store.ts';
import { GENERATIONS, PREDICTIONS } from '../../../../lake/tables/tables.ts';
import {
  isKnownTruth,
  type PredictionRecord,
  unknownTruth,
} from '../../../contracts/chaosbench/prediction.ts';
import type { ReadContext, RunSink } from '../../../family.ts';
import { IdMap } from '../../../id-map.ts';
import { type IssueLog, issueLog } from '../../../run-files/issue-log.ts';
import { pythonStrip } from '../answer/python-text.ts';
import { type InvalidCategory, invalidCategory, RunTallier } from '../metrics/index.ts';
import type { Deviations } from './deviations.ts';
import { type AnswerRecord, type AnswerStats, readAnswers } from './records.ts';
import { generationRow, predictionRow, type RunColumnsOfRows } from './rows.ts';

/** What the answers of a run come to. */
export class AnswerSummary implements AnswerStats {
  lines = 0;
  good = 0;
  readonly tally = new RunTallier();
  duplicates = 0;
  retried = 0;
  rescued = 0;
  latency = 0;
  readonly invalid = new Map<InvalidCategory, number>();

  /** Whether every line counts: only then can the run's own metrics be expected to agree. */
  get complete(): boolean {
    return this.good === this.lines;
  }

  add(record: PredictionRecord): void {
    this.tally.add(record);
    this.latency += Number(record.latency_s);
    if (record.retry_outcome !== null) {
      this.retried++;
      if (record.outcome !== 'INVALID') this.rescued++;
    }
    if (record.outcome === 'INVALID') {
      const category = invalidCategory(record.pred_text);
      this.invalid.set(category, (this.invalid.get(category) ?? 0) + 1);
    }
  }
}

/** Where answers come from and go to. */
export interface AnswerFile {
  readonly object: ObjectInfo;
  /** Its name within the run. */
  readonly file: string;
  readonly run: RunColumnsOfRows;
}

async function emit(answers: readonly AnswerRecord[], run: RunColumnsOfRows, sink: RunSink): Promise<void> {
  await sink.rows(
    GENERATIONS,
    answers.map(({ value, line }) => generationRow(value, line, run)),
  );
  await sink.rows(
    PREDICTIONS,
    answers.map(({ value, line }) => predictionRow(value, line, run)),
  );
}

/** Reads, checks and emits the answers of a run. A duplicate id keeps its rows: the runner counted it twice too. */
export async function readRunAnswers(
  { object, file, run }: AnswerFile,
  sink: RunSink,
  context: ReadContext,
  log: IssueLog,
  deviations: Deviations,
): Promise<AnswerSummary> {
  const summary = new AnswerSummary();
  const firstLines = new IdMap();
  for await (const answers of readAnswers(context, object, file, log, summary)) {
    for (const { line, value } of answers) {
      summary.add(value);
      const first = firstLines.get(value.id);
      if (first === undefined) firstLines.set(value.id, line);
      else {
        summary.duplicates++;
        deviations.add({
          code: 'DUPLICATE_EXAMPLE_ID',
          file,
          line,
          pointer: '/id',
          message: `id ${value.id} is on line ${first} already; expected every id once`,
        });
      }
      if (!isKnownTruth(value.ground_truth)) {
        deviations.add({ ...unknownTruth(value.ground_truth), file, line });
      }
    }
    await emit(answers, run, sink);
  }
  return summary;
}

/** What a checkpoint came to. */
export interface CheckpointSummary {
  readonly answers: AnswerSummary;
  /** Records that a later record of the same id replaces. */
  readonly superseded: number;
  /** Items that a resumed run would ask again, because their answer is blank. */
  readonly retriedOnResume: number;
}

/** Reads a checkpoint as a resumed run would: lines that are no record are passed over, the last of an id counts. */
export async function readCheckpoint(
  { object, file, run }: AnswerFile,
  sink: RunSink,
  context: ReadContext,
  log: IssueLog,
): Promise<CheckpointSummary> {
  const lastLines = new IdMap();
  const silent = issueLog({ issue() {} }, context);
  for await (const answers of readAnswers(context, object, file, silent, { lines: 0, good: 0 })) {
    for (const { line, value } of answers) lastLines.set(value.id, line);
  }
  const summary = new AnswerSummary();
  let superseded = 0;
  let retriedOnResume = 0;
  for await (const answers of readAnswers(context, object, file, log, summary)) {
    const last = answers.filter(({ line, value }) => lastLines.get(value.id) === line);
    superseded += answers.length - last.length;
    for (const { value } of last) {
      summary.add(value);
      if (pythonStrip(value.pred_text) === '') retriedOnResume++;
    }
    if (last.length > 0) await emit(last, run, sink);
  }
  return { answers: summary, superseded, retriedOnResume };
}

import { isPredictionRecord } from '../../../../ingest/contracts/chaosbench/prediction.ts';
import { PermanentTaskError } from '../../../jobs/worker.ts';
import { readRows } from '../../source/rows.ts';
import type { TaskServices } from '../../task.ts';
import type { Answer } from './record.ts';

/** The answers to the two requests for an item, as far as a record tells them. */
export interface RecordedAnswers {
  readonly first: Answer;
  readonly again: Answer | undefined;
}

/**
 * The answers that a `predictions.jsonl` or a checkpoint has, by id. Of an item whose second answer was understood the first
 * is lost; an empty one stands for it.
 * @throws PermanentTaskError for a line that is no record
 */
export async function recordedAnswers(
  file: string,
  services: Pick<TaskServices, 'store' | 'env'>,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, RecordedAnswers>> {
  const answers = new Map<string, RecordedAnswers>();
  for (const [i, row] of (await readRows(file, services, signal)).entries()) {
    if (!isPredictionRecord(row))
      throw new PermanentTaskError('BAD_RECORD', `${file}: row ${i + 1} is no record of predictions.jsonl`);
    const { id, pred_text: text, retry_pred_text: retried, outcome } = row;
    const seconds = Number(row.latency_s);
    const isRescued = retried !== null && outcome !== 'INVALID';
    answers.set(id, {
      first: isRescued ? { text: '', seconds: 0 } : { text, seconds },
      again: retried === null ? undefined : { text: retried, seconds },
    });
  }
  return answers;
}

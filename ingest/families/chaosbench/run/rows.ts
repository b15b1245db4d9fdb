import type { Row } from '../../../../lake/tables/schema.ts';
import { PREDICTION_KEYS, type PredictionRecord } from '../../../contracts/chaosbench/prediction.ts';
import type { JsonValue } from '../../../contracts/json-value.ts';
import { jsonText } from '../../../run-files/json-text.ts';

export const BENCHMARK = 'chaosbench';

/** What the rows of a run have in common. */
export interface RunColumnsOfRows {
  readonly modelId: string | null;
  /** Variant of the prompt. */
  readonly method: string | null;
  readonly seed: number | bigint | null;
}

const KNOWN: ReadonlySet<string> = new Set(PREDICTION_KEYS);

/** The question and the answer. */
export function generationRow(record: PredictionRecord, line: number, run: RunColumnsOfRows): Row {
  return {
    example_id: record.id,
    benchmark: BENCHMARK,
    split: record.split,
    seed: run.seed,
    model_id: run.modelId,
    prompt: record.question,
    response: record.pred_text,
    reference: jsonText(record.ground_truth),
    source_line: line,
  };
}

/** How the answer was understood, and whether it is right. */
export function predictionRow(record: PredictionRecord, line: number, run: RunColumnsOfRows): Row {
  return {
    example_id: record.id,
    pred_label: record.parsed_label,
    true_label: record.ground_truth,
    outcome: record.outcome,
    correct: record.correct,
    latency_s: Number(record.latency_s),
    task_family: record.task_family,
    split: record.split,
    benchmark: BENCHMARK,
    method: run.method,
    model_id: run.modelId,
    seed: run.seed,
    source_line: line,
    extra: extraOf(record),
  };
}

/** How the answer was parsed, what came of a retry, and every key that the contract does not know. */
function extraOf(record: PredictionRecord): string {
  const extra: Record<string, JsonValue> = { meta: record.meta };
  if (record.retry_pred_text !== null || record.retry_outcome !== null) {
    extra['retry_pred_text'] = record.retry_pred_text;
    extra['retry_outcome'] = record.retry_outcome;
  }
  for (const key in record) {
    if (!KNOWN.has(key)) Object.defineProperty(extra, key, { value: record[key], enumerable: true });
  }
  return jsonText(extra);
}

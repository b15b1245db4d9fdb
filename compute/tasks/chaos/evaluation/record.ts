import type { PredictionRecord } from '../../../../ingest/contracts/chaosbench/prediction.ts';
import {
  type ParsedAnswer,
  type ParseMode,
  parseAnswer,
} from '../../../../ingest/families/chaosbench/answer/parse-answer.ts';
import { float, type PythonValue, pythonJson } from '../../python/json.ts';
import type { Item } from './item.ts';

/** An answer of the model. */
export interface Answer {
  readonly text: string;
  readonly seconds: number;
}

/** Whether an item is to be asked once more. */
export function isInvalid({ text }: Answer, mode: ParseMode): boolean {
  return parseAnswer(text, mode).label === null;
}

/**
 * What is recorded of an item. A second answer that is understood takes the place of the first; one that is not is kept
 * beside it.
 * @param again the answer to the second request, where there was one
 */
export function recordOf(
  item: Item,
  first: Answer,
  again: Answer | undefined,
  mode: ParseMode,
): PredictionRecord {
  const second = again && parseAnswer(again.text, mode);
  const isRescued = second !== undefined && second.label !== null;
  const answer = isRescued && again ? again : first;
  const parsed: ParsedAnswer = isRescued ? second : parseAnswer(first.text, mode);
  return {
    id: item.id,
    question: item.question,
    ground_truth: item.truth,
    pred_text: answer.text,
    parsed_label: parsed.label,
    outcome: parsed.outcome,
    correct: parsed.label === null ? null : parsed.label === item.truth,
    latency_s: answer.seconds,
    task_family: item.family,
    split: item.split,
    retry_pred_text: again?.text ?? null,
    retry_outcome: second?.outcome ?? null,
    meta: { parse_reason: parsed.reason, parse_confidence: parsed.confidence },
  };
}

/** The line of a record in `predictions.jsonl` and in a checkpoint. */
export function recordLine({ latency_s, meta, ...record }: PredictionRecord): string {
  const { id, question, ground_truth, pred_text, parsed_label, outcome, correct } = record;
  const { task_family, split, retry_pred_text, retry_outcome } = record;
  const line: PythonValue = {
    id,
    question,
    ground_truth,
    pred_text,
    parsed_label,
    outcome,
    correct,
    latency_s: float(Number(latency_s)),
    task_family,
    split,
    retry_pred_text,
    retry_outcome,
    meta: { parse_reason: meta.parse_reason, parse_confidence: float(meta.parse_confidence) },
  };
  return `${pythonJson(line)}\n`;
}

import { z } from 'zod';
import { isJsonObject, type JsonObject, type JsonValue } from '../json-value.ts';
import { nonEmptyString } from '../scalars.ts';
import { duration } from './scalars.ts';

/** The answers that the benchmark knows. */
export const LABELS = ['TRUE', 'FALSE'] as const;
export type Label = (typeof LABELS)[number];

/** How an answer was understood. */
export const OUTCOMES = ['VALID_TRUE', 'VALID_FALSE', 'INVALID'] as const;
export type Outcome = (typeof OUTCOMES)[number];

/** The outcome that goes with a label; without one the answer is invalid. */
export function outcomeOf(label: Label | null): Outcome {
  return label === null ? 'INVALID' : `VALID_${label}`;
}

const label = z
  .string({ error: 'expected a string' })
  .refine((value) => value === 'TRUE' || value === 'FALSE', { error: 'expected "TRUE" or "FALSE"' });

/** One line of `predictions.jsonl` and of a checkpoint: what each field is by itself. */
export const predictionSchema = z.looseObject({
  id: nonEmptyString,
  question: z.string(),
  /** `TRUE` or `FALSE`; an item with another truth keeps it in capitals. */
  ground_truth: z.string(),
  pred_text: z.string(),
  parsed_label: label.nullable(),
  outcome: z.enum(OUTCOMES),
  /** Null when the answer is invalid. */
  correct: z.boolean().nullable(),
  latency_s: duration,
  task_family: z.string().nullable(),
  split: z.string().nullable(),
  retry_pred_text: z.string().nullable(),
  retry_outcome: z.enum(OUTCOMES).nullable(),
  meta: z.looseObject({ parse_reason: z.string(), parse_confidence: z.number() }),
});

export interface PredictionRecord extends JsonObject {
  readonly id: string;
  readonly question: string;
  readonly ground_truth: string;
  readonly pred_text: string;
  readonly parsed_label: Label | null;
  readonly outcome: Outcome;
  readonly correct: boolean | null;
  readonly latency_s: number | bigint;
  readonly task_family: string | null;
  readonly split: string | null;
  readonly retry_pred_text: string | null;
  readonly retry_outcome: Outcome | null;
  readonly meta: JsonObject & { readonly parse_reason: string; readonly parse_confidence: number };
}

/** The keys of a record, in the order in which they are written. */
export const PREDICTION_KEYS = Object.freeze(Object.keys(predictionSchema.shape));

function isLabel(value: JsonValue | undefined): boolean {
  return value === 'TRUE' || value === 'FALSE' || value === null;
}

function isOutcome(value: JsonValue | undefined): boolean {
  return value === 'VALID_TRUE' || value === 'VALID_FALSE' || value === 'INVALID';
}

function isTextOrNull(value: JsonValue | undefined): boolean {
  return typeof value === 'string' || value === null;
}

/**
 * Accepts exactly what `predictionSchema` accepts (a property test holds them together), several times faster:
 * this runs for every line, zod only words the complaint.
 */
export function isPredictionRecord(value: JsonValue): value is PredictionRecord {
  if (!isJsonObject(value)) return false;
  const latency = value['latency_s'];
  const meta = value['meta'];
  return (
    typeof value['id'] === 'string' &&
    value['id'] !== '' &&
    typeof value['question'] === 'string' &&
    typeof value['ground_truth'] === 'string' &&
    typeof value['pred_text'] === 'string' &&
    isLabel(value['parsed_label']) &&
    isOutcome(value['outcome']) &&
    (typeof value['correct'] === 'boolean' || value['correct'] === null) &&
    ((typeof latency === 'number' && latency >= 0 && latency < Infinity) ||
      (typeof latency === 'bigint' && latency >= 0n)) &&
    isTextOrNull(value['task_family']) &&
    isTextOrNull(value['split']) &&
    isTextOrNull(value['retry_pred_text']) &&
    (value['retry_outcome'] === null || isOutcome(value['retry_outcome'])) &&
    isJsonObject(meta) &&
    typeof meta['parse_reason'] === 'string' &&
    Number.isFinite(meta['parse_confidence'])
  );
}

/** A rule between the fields of a record that it breaks. */
export interface RecordViolation {
  readonly code: string;
  readonly pointer: string;
  readonly message: string;
}

/** Whether a truth is one that an answer can agree with. */
export function isKnownTruth(truth: string): truth is Label {
  return truth === 'TRUE' || truth === 'FALSE';
}

/** That a truth is none of the labels. By itself it is an oddity of the item, which any answer gets wrong. */
export function unknownTruth(truth: string): RecordViolation {
  return {
    code: 'UNKNOWN_GROUND_TRUTH',
    pointer: '/ground_truth',
    message: `ground_truth is ${JSON.stringify(truth)}; expected "TRUE" or "FALSE"`,
  };
}

const NONE: readonly RecordViolation[] = Object.freeze([]);

/**
 * The rules between the fields of a record: the outcome names the label; `correct` is null exactly for an invalid
 * answer, else whether label and truth agree; the two retry fields are null together. Empty when all hold.
 */
export function recordViolations(record: PredictionRecord): readonly RecordViolation[] {
  const { parsed_label: parsed, outcome, correct, ground_truth: truth } = record;
  const expectedOutcome = outcomeOf(parsed);
  const expectedCorrect = outcome === 'INVALID' ? null : parsed === truth;
  const retryText = record.retry_pred_text;
  const retryOutcome = record.retry_outcome;
  const pairHolds = (retryText === null) === (retryOutcome === null);
  if (outcome === expectedOutcome && correct === expectedCorrect && pairHolds) return NONE;
  const violations: RecordViolation[] = [];
  if (outcome !== expectedOutcome) {
    violations.push({
      code: 'OUTCOME_MISMATCH',
      pointer: '/outcome',
      message: `outcome is ${outcome} with parsed_label ${parsed}; expected ${expectedOutcome}`,
    });
  }
  if ((correct === null) !== (outcome === 'INVALID')) {
    violations.push({
      code: 'CORRECT_NOT_NULL_IFF_INVALID',
      pointer: '/correct',
      message: `correct is ${correct} with outcome ${outcome}; expected null exactly for INVALID`,
    });
  } else if (correct !== expectedCorrect) {
    if (!isKnownTruth(truth)) violations.push(unknownTruth(truth));
    violations.push({
      code: 'CORRECT_MISMATCH',
      pointer: '/correct',
      message: `correct is ${correct} with parsed_label ${parsed} and ground_truth ${JSON.stringify(truth)}; expected ${expectedCorrect}`,
    });
  }
  if (!pairHolds) {
    const absent = retryText === null ? 'retry_pred_text' : 'retry_outcome';
    violations.push({
      code: 'RETRY_PAIR_INCOMPLETE',
      pointer: `/${absent}`,
      message: `${absent} is null and its companion is not; expected both retry fields null or both set`,
    });
  }
  return violations;
}

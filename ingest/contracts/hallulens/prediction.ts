import { z } from 'zod';

/** Columns that `predictions.csv` of a contract run must have. */
export const REQUIRED_PREDICTION_COLUMNS = [
  'example_id',
  'score_halu',
  'label_halu',
  'split',
  'benchmark',
] as const;

/** Columns of `predictions.csv` of the original runner. */
export const RUNNER_PREDICTION_COLUMNS = ['example_id', 'score_halu', 'label_halu'] as const;

const DECIMAL = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/;
const NON_FINITE = new Map([
  ['nan', Number.NaN],
  ['inf', Infinity],
  ['infinity', Infinity],
]);

/** A number as Python's `float()` reads it and `repr` writes it; undefined when the text is none. */
export function parseDecimal(text: string): number | undefined {
  const trimmed = text.trim();
  if (DECIMAL.test(trimmed)) return Number(trimmed);
  const sign = trimmed.startsWith('-') ? -1 : 1;
  const value = NON_FINITE.get(trimmed.replace(/^[+-]/, '').toLowerCase());
  return value === undefined ? undefined : sign * value;
}

const LABELS = new Map([
  ['0', false],
  ['1', true],
  ['0.0', false],
  ['1.0', true],
  ['false', false],
  ['true', true],
  ['False', false],
  ['True', true],
]);

/** A binary label as csv and pandas write it; undefined when the text is none. */
export function parseLabel(text: string): boolean | undefined {
  return LABELS.get(text);
}

/** One row of `predictions.csv`, as text. */
export const predictionRowSchema = z.looseObject({
  example_id: z.string().min(1),
  score_halu: z.string().refine((text) => parseDecimal(text) !== undefined, { error: 'expected a number' }),
  label_halu: z.string().refine((text) => LABELS.has(text), { error: 'expected 0 or 1' }),
  split: z.string().optional(),
  benchmark: z.string().optional(),
});

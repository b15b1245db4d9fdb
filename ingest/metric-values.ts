import type { Row } from '../lake/tables/schema.ts';
import type { JsonValue } from './contracts/json-value.ts';

/** A number of an artifact as a double; undefined when the value is no number. */
export function asNumber(value: JsonValue | undefined): number | undefined {
  if (typeof value === 'bigint') return Number(value);
  return typeof value === 'number' ? value : undefined;
}

/** One number about a run. */
export interface MetricValue {
  /** `overall` unless it says otherwise: `family:…`, `layer:…`. */
  readonly scope?: string;
  readonly metric: string;
  readonly value: number | null;
  readonly split: string | null;
  readonly source: 'reported' | 'recomputed';
  readonly ciLow?: number | null;
  readonly ciHigh?: number | null;
}

/** A row of `metrics`. */
export function metricRow({
  scope = 'overall',
  metric,
  value,
  split,
  source,
  ciLow,
  ciHigh,
}: MetricValue): Row {
  return { scope, split, metric, value, ci_low: ciLow, ci_high: ciHigh, source };
}

/** Whether two numbers agree within `1e-6`, relative where they are large; NaN agrees with NaN. */
export function agrees(a: number, b: number): boolean {
  if (Number.isNaN(a) || Number.isNaN(b)) return Number.isNaN(a) && Number.isNaN(b);
  return Math.abs(a - b) <= 1e-6 * Math.max(1, Math.abs(a), Math.abs(b));
}

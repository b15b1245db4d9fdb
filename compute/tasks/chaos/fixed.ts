import { pythonRound } from '../../../ingest/families/chaosbench/metrics/index.ts';

/** A number with `digits` decimals as Python's `format(x, '.4f')` writes it: exact ties go to the even digit. */
export function fixed(value: number, digits: number): string {
  return Number.isFinite(value) ? pythonRound(value, digits).toFixed(digits) : String(value);
}

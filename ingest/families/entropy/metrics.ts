import type { Row } from '../../../lake/tables/schema.ts';
import { pythonFloat } from '../../formats/python-float.ts';
import { type MetricValue, metricRow } from '../../metric-values.ts';

type Values = Readonly<Record<string, number | bigint | null | undefined>>;

/** The scope of metrics at one learning rate, e.g. `eta:1.6e-06`. */
export function etaScope(eta: number): string {
  return `eta:${pythonFloat(eta)}`;
}

/** Rows of `metrics`; values that are not there are left out. The whole run is one batch, so there is no split. */
export function metricRows(source: MetricValue['source'], scope: string, values: Values): Row[] {
  return Object.entries(values).flatMap(([metric, value]) =>
    value === undefined || value === null
      ? []
      : [metricRow({ scope, metric, value: Number(value), split: null, source })],
  );
}

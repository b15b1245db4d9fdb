import { METRICS } from '../../../../lake/tables/tables.ts';
import type { JsonObject } from '../../../contracts/json-value.ts';
import type { RunSink } from '../../../family.ts';
import { agrees, asNumber, metricRow } from '../../../metric-values.ts';
import type { IssueLog } from '../../../run-files/issue-log.ts';
import { METRIC_ALIASES, recompute, reportedMetrics, type ScoreTable, scopesOf } from '../metric-rows.ts';
import type { PredictionsResult } from './predictions.ts';

export const EVAL_METRICS_FILE = 'eval_metrics.json';

/** Numeric members of `eval_metrics.json` that say which run it is, not how good. */
const IDENTITY: ReadonlySet<string> = new Set(['benchmark', 'split', 'method', 'model_id', 'seed']);

/** In a part nothing but metrics is expected. */
const NOTHING: ReadonlySet<string> = new Set();

/** The contract leaves the bins of the calibration error open, so another value is no breach of it. */
const NOT_DEFINED_BY_CONTRACT: ReadonlySet<string> = new Set(['ece']);

/**
 * Emits the reported metrics and those recomputed from the predictions, and compares them. Reported metrics are
 * about the split that `eval_metrics.json` names; every further split of the predictions gets recomputed ones.
 */
export async function evaluate(
  metrics: JsonObject | undefined,
  predictions: PredictionsResult | undefined,
  sink: RunSink,
  log: IssueLog,
  lenient: boolean,
): Promise<void> {
  const split = typeof metrics?.['split'] === 'string' ? metrics['split'] : null;
  if (metrics !== undefined) {
    const scoped = scopesOf(metrics).flatMap(([scope, members]) =>
      reportedMetrics(members, split, NOTHING).map((value) => ({ ...value, scope })),
    );
    const rows = [...reportedMetrics(metrics, split, IDENTITY), ...scoped].map(metricRow);
    if (rows.length > 0) await sink.rows(METRICS, rows);
  }
  // When bad rows were left out on request, numbers about all rows need not agree any more.
  const forgiven = lenient && predictions !== undefined && predictions.kept < predictions.seen;
  if (metrics !== undefined && predictions !== undefined)
    checkCount(metrics, split, predictions, log, forgiven);
  for (const [name, table] of tablesBySplit(predictions, split)) {
    const computed = recompute(table);
    await sink.rows(
      METRICS,
      [...computed].map(([metric, value]) => metricRow({ metric, value, split: name, source: 'recomputed' })),
    );
    if (metrics === undefined || name !== split) continue;
    compare(metrics, computed, log, forgiven);
  }
}

/** The rows the reported metrics are about, then those of every other split. */
function tablesBySplit(
  predictions: PredictionsResult | undefined,
  split: string | null,
): (readonly [string | null, ScoreTable])[] {
  const scores = predictions?.scores;
  if (scores === undefined) return [];
  if (split === null || scores.has(split) || scores.size !== 1) return [...scores];
  // One split under another name: the file is about the evaluated split all the same.
  return [...scores.values()].map((table) => [split, table] as const);
}

function checkCount(
  metrics: JsonObject,
  split: string | null,
  predictions: PredictionsResult,
  log: IssueLog,
  forgiven: boolean,
): void {
  const reported = asNumber(metrics['n_examples']);
  if (reported === undefined) return;
  const ofSplit = predictions.seenBySplit.get(split ?? '') ?? predictions.seen;
  if (reported === predictions.seen || reported === ofSplit) return;
  const issue = {
    code: 'N_EXAMPLES_MISMATCH',
    file: EVAL_METRICS_FILE,
    pointer: '/n_examples',
    message: `${reported}, but predictions.csv has ${ofSplit} rows of the split`,
  };
  if (forgiven) log.warn(issue);
  else log.run(issue);
}

function compare(
  metrics: JsonObject,
  computed: ReadonlyMap<string, number>,
  log: IssueLog,
  forgiven: boolean,
): void {
  for (const [metric, value] of computed) {
    for (const name of METRIC_ALIASES[metric] ?? []) {
      const stated = metrics[name];
      // Null says that it is undefined, as it is where all labels are the same.
      const reported = stated === null && metric === 'auroc' ? Number.NaN : asNumber(stated);
      if (reported === undefined || agrees(reported, value)) continue;
      if (Number.isNaN(reported) && stated !== null) continue;
      const issue = {
        code: 'METRIC_MISMATCH',
        file: EVAL_METRICS_FILE,
        pointer: `/${name}`,
        message: `${stated === null ? 'null' : reported} reported, ${value} recomputed from predictions.csv`,
      };
      if (forgiven || NOT_DEFINED_BY_CONTRACT.has(metric)) log.warn(issue);
      else log.run(issue);
    }
  }
}

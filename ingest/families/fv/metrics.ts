import type { Row } from '../../../lake/tables/schema.ts';
import { METRICS } from '../../../lake/tables/tables.ts';
import type { JsonObject } from '../../contracts/json-value.ts';
import { asNumber, type MetricValue, metricRow } from '../../metric-values.ts';
import type { HeadScores } from './heads.ts';
import type { InjectionScores } from './injection-scores.ts';
import type { Sweep } from './injections.ts';
import type { FvRun } from './run.ts';
import { bestOf } from './sweep-check.ts';
import type { TrialMetrics } from './trial-metrics.ts';

type Source = MetricValue['source'];

/** Scores of every head, or of its trials, in any order. */
type Scores = Iterable<{ readonly scores: ReadonlyMap<string, number> }>;

/** Numbers over all heads of the sweep: how much there is to find, and from which baseline. */
function sweepMetrics(heads: Scores, split: string | null, source: Source): Row[] {
  let [sum, absolute, max, baseline, n, withBaseline] = [0, 0, -Infinity, 0, 0, 0];
  for (const { scores } of heads) {
    const delta = scores.get('mean_delta_p');
    const base = scores.get('mean_p_base');
    if (base !== undefined) {
      baseline += base;
      withBaseline += 1;
    }
    if (delta === undefined) continue;
    n += 1;
    sum += delta;
    absolute += Math.abs(delta);
    max = Math.max(max, delta);
  }
  const rows: Row[] = [];
  const add = (metric: string, value: number) => rows.push(metricRow({ metric, value, split, source }));
  if (n > 0) {
    add('aie_sum', sum);
    add('aie_abs_sum', absolute);
    add('aie_max', max);
  }
  if (withBaseline > 0) add('baseline_mean_p', baseline / withBaseline);
  return rows;
}

/**
 * Emits the numbers over all heads.
 * @param heads averaged over relation queries
 * @param trials of a run with one relation query
 */
export async function emitSweepMetrics(
  run: FvRun,
  heads: readonly HeadScores[],
  trials: TrialMetrics | undefined,
  split: string | null,
): Promise<void> {
  const rows = sweepMetrics(heads, split, 'reported');
  if (trials !== undefined) rows.push(...sweepMetrics(trials.heads.values(), split, 'recomputed'));
  if (rows.length > 0) await run.sink.rows(METRICS, rows);
}

function layerRows(scope: string, scores: InjectionScores, split: string | null, source: Source): Row[] {
  return [...scores].map(([metric, value]) => metricRow({ scope, metric, value, split, source }));
}

/**
 * Emits each layer's numbers, and as the run's own those of its best layer with `best_layer` and `best_score`.
 * @param summary `step6_all_layers_summary.json`, which reports the last two
 */
export async function emitInjectionMetrics(
  run: FvRun,
  { injections, qId }: Sweep,
  scoreKey: string,
  summary: JsonObject | undefined,
): Promise<void> {
  const rows: Row[] = [];
  const best = (layer: number | undefined, score: number | undefined, source: Source) => {
    if (layer !== undefined) rows.push(metricRow({ metric: 'best_layer', value: layer, split: qId, source }));
    if (score !== undefined) rows.push(metricRow({ metric: 'best_score', value: score, split: qId, source }));
  };
  for (const source of ['reported', 'recomputed'] as const) {
    for (const injection of injections) {
      const scores = injection[source];
      if (scores !== undefined) rows.push(...layerRows(`layer:${injection.layer}`, scores, qId, source));
    }
    const found = bestOf(injections, scoreKey, source);
    if (found === undefined) continue;
    rows.push(...layerRows('overall', found.injection[source] ?? new Map(), qId, source));
    if (source === 'recomputed') best(found.injection.layer, found.score, source);
  }
  best(asNumber(summary?.['best_layer']), asNumber(summary?.['best_score']), 'reported');
  if (rows.length > 0) await run.sink.rows(METRICS, rows);
}

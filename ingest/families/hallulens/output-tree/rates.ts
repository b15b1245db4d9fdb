import { METRICS } from '../../../../lake/tables/tables.ts';
import type { JsonObject } from '../../../contracts/json-value.ts';
import type { RunSink } from '../../../family.ts';
import { agrees, asNumber, metricRow } from '../../../metric-values.ts';
import type { IssueLog } from '../../../run-files/issue-log.ts';
import { reportedMetrics } from '../metric-rows.ts';
import type { Evaluation, Rate, ReadEvaluation, Verdict } from './evaluation.ts';

/** Counts of verdicts, from which the rates of an evaluation follow. */
export class VerdictCounts {
  rows = 0;
  #hallucinated = 0;
  #abstained = 0;
  #judged = 0;
  #judgedHallucinated = 0;

  add({ halu, abstained }: Verdict): void {
    this.rows++;
    if (halu === true) this.#hallucinated++;
    if (abstained === true) this.#abstained++;
    else {
      this.#judged++;
      if (halu === true) this.#judgedHallucinated++;
    }
  }

  rate(rate: Rate): number {
    if (rate === 'halu') return this.#judgedHallucinated / this.#judged;
    if (rate === 'accepted') return this.#hallucinated / this.rows;
    if (rate === 'refusal') return this.#abstained / this.rows;
    return (this.rows - this.#hallucinated) / this.rows;
  }
}

const NO_IDENTITY: ReadonlySet<string> = new Set();

/** Emits the reported numbers and the recomputed rates beside them, under the names the artifact uses. */
export async function emitRates(
  read: ReadEvaluation,
  counts: ReadonlyMap<Evaluation, VerdictCounts>,
  complete: boolean,
  sink: RunSink,
  log: IssueLog,
): Promise<void> {
  for (const { file, prefix, value } of read.documents) {
    const reported = reportedMetrics(value, null, NO_IDENTITY);
    if (reported.length > 0)
      await sink.rows(
        METRICS,
        reported.map((metric) => metricRow({ ...metric, metric: prefix + metric.metric })),
      );
    const evaluation = prefix === '' ? read.evaluation : (read.judge ?? read.evaluation);
    const count = evaluation === undefined ? undefined : counts.get(evaluation);
    if (evaluation === undefined || count === undefined || count.rows === 0 || !complete) continue;
    for (const [name, rate] of ratesOf(value, evaluation)) {
      const computed = count.rate(rate);
      await sink.rows(METRICS, [
        metricRow({ metric: prefix + name, value: computed, split: null, source: 'recomputed' }),
      ]);
      const stated = asNumber(value[name]);
      if (stated === undefined || agrees(stated, computed)) continue;
      const message = `${stated} reported, ${computed} recomputed from ${evaluation.file}`;
      log.warn({ code: 'METRIC_MISMATCH', file, pointer: `/${name}`, message });
    }
  }
}

function ratesOf(document: JsonObject, evaluation: Evaluation): [string, Rate][] {
  return Object.entries(evaluation.rates).filter(([name]) => name in document);
}

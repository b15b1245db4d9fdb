import type { Row } from '../../../../lake/tables/schema.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../../../contracts/json-value.ts';
import { asNumber, type MetricValue, metricRow } from '../../../metric-values.ts';
import { answerScores, confusionScores, type Tally, wilsonInterval } from '../metrics/index.ts';
import type { AnswerSummary } from './answers.ts';

/** What a group of numbers is about. */
export interface MetricGroup {
  readonly scope: string;
  readonly split: string | null;
}

const OVERALL: MetricGroup = { scope: 'overall', split: null };
const familyGroup = (name: string): MetricGroup => ({ scope: `family:${name}`, split: null });
const splitGroup = (name: string): MetricGroup => ({ scope: `split:${name}`, split: name });

function rowsOf(
  group: MetricGroup,
  values: Iterable<readonly [string, JsonValue | undefined]>,
  source: MetricValue['source'],
  accuracyInterval: readonly [number, number] | undefined,
): Row[] {
  return [...values].flatMap(([metric, raw]) => {
    const value = typeof raw === 'boolean' ? Number(raw) : asNumber(raw);
    if (value === undefined) return [];
    const [ciLow, ciHigh] = metric === 'accuracy_valid' ? (accuracyInterval ?? []) : [];
    return [metricRow({ ...group, metric, value, source, ciLow: ciLow ?? null, ciHigh: ciHigh ?? null })];
  });
}

/** The numbers of `metrics.json`: of the run, `family:<name>` and `split:<name>`. */
export function reportedRows(metrics: JsonObject): Row[] {
  const groups = (key: string, groupOf: (name: string) => MetricGroup): Row[] => {
    const named = metrics[key];
    if (!isJsonObject(named)) return [];
    return Object.entries(named).flatMap(([name, values]) =>
      isJsonObject(values) ? rowsOf(groupOf(name), Object.entries(values), 'reported', undefined) : [],
    );
  };
  return [
    ...rowsOf(OVERALL, Object.entries(metrics), 'reported', undefined),
    ...groups('per_family', familyGroup),
    ...groups('per_split', splitGroup),
  ];
}

/** The members of `metrics.json` that are no numbers and no groups of numbers. */
export function otherMembers(metrics: JsonObject): JsonObject | undefined {
  const rest = Object.entries(metrics).filter(
    ([key, value]) => key !== 'per_family' && key !== 'per_split' && asNumber(value) === undefined,
  );
  return rest.length === 0 ? undefined : Object.fromEntries(rest);
}

function tallyRows(group: MetricGroup, tally: Tally): Row[] {
  const values = Object.entries({ ...answerScores(tally), ...confusionScores(tally) });
  const interval = tally.valid === 0 ? undefined : wilsonInterval(tally.correct, tally.valid);
  return rowsOf(group, values, 'recomputed', interval);
}

/**
 * Everything that follows from the answers, of the run, its families and its splits. Accuracy has Wilson's 95 % interval,
 * `label_biased` is 0 or 1; of the run also duplicate ids, retries and what came of them, latency, and the
 * categories of invalid answers (`invalid_<category>`).
 */
export function recomputedRows(answers: AnswerSummary): Row[] {
  const { tally, duplicates, retried, rescued, latency, invalid } = answers;
  const more: [string, number][] = [
    ['duplicate_ids', duplicates],
    ['retried', retried],
    ['retry_rescued', rescued],
    ['sum_latency_s', latency],
    ...(tally.overall.total === 0
      ? []
      : [['mean_latency_s', latency / tally.overall.total] satisfies [string, number]]),
    ...[...invalid].map(([category, count]): [string, number] => [`invalid_${category}`, count]),
  ];
  return [
    ...tallyRows(OVERALL, tally.overall),
    ...rowsOf(OVERALL, more, 'recomputed', undefined),
    ...[...tally.families].flatMap(([name, family]) => tallyRows(familyGroup(name), family)),
    ...[...tally.splits].flatMap(([name, split]) => tallyRows(splitGroup(name), split)),
  ];
}

/** A number about the whole run. */
export function overallRow(metric: string, value: number): Row {
  return metricRow({ ...OVERALL, metric, value, source: 'recomputed' });
}

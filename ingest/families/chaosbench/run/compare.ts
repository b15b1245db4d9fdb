import { isJsonObject, type JsonObject, type JsonValue } from '../../../contracts/json-value.ts';
import { jsonPointer } from '../../../contracts/schema-issues.ts';
import type { Issue } from '../../../family.ts';
import { agrees, asNumber } from '../../../metric-values.ts';
import { METRICS_FILE } from '../files.ts';
import {
  answerScores,
  confusionScores,
  emptyTally,
  type RunTally,
  STORED_DECIMALS,
  type Tally,
} from '../metrics/index.ts';

export type Mismatch = Omit<Issue, 'severity'>;

const COUNTS = ['total', 'valid', 'invalid', 'correct'] as const;
const RATES = [
  'coverage',
  'invalid_rate',
  'accuracy_valid',
  'effective_accuracy',
  'balanced_accuracy',
  'mcc',
] as const;

/** Half a unit of the last stored decimal, and what floating point adds to it. */
const ROUNDING = 0.5 * 10 ** -STORED_DECIMALS + 1e-9;

function withinRounding(reported: number, computed: number): boolean {
  return Math.abs(reported - computed) <= ROUNDING;
}

/**
 * Where `metrics.json` says something else than what follows from the answers: rates of the run beyond their rounding,
 * those of families and splits at all. Empty when they agree; what is missing is for the schema to say.
 */
export function metricMismatches(metrics: JsonObject, tally: RunTally): Mismatch[] {
  return [
    ...tallyMismatches(metrics, tally.overall, [], withinRounding),
    ...groupMismatches(metrics['per_family'], tally.families, 'per_family'),
    ...groupMismatches(metrics['per_split'], tally.splits, 'per_split'),
  ];
}

function tallyMismatches(
  reported: JsonObject,
  tally: Tally,
  path: readonly string[],
  isSameRate: (reported: number, computed: number) => boolean,
): Mismatch[] {
  const computed = { ...confusionScores(tally), ...answerScores(tally) };
  const compare = (key: (typeof COUNTS | typeof RATES)[number], isSame: typeof isSameRate): Mismatch[] => {
    const found = asNumber(reported[key]);
    if (found === undefined || isSame(found, computed[key])) return [];
    return [mismatch([...path, key], `${found} reported, ${computed[key]} recomputed from the predictions`)];
  };
  return [
    ...COUNTS.flatMap((key) => compare(key, Object.is)),
    ...RATES.flatMap((key) => compare(key, isSameRate)),
  ];
}

function groupMismatches(
  reported: JsonValue | undefined,
  tallies: ReadonlyMap<string, Tally>,
  key: 'per_family' | 'per_split',
): Mismatch[] {
  if (!isJsonObject(reported)) return [];
  const unknown = Object.keys(reported).filter((name) => !tallies.has(name));
  return [
    ...[...tallies].flatMap(([name, tally]) => {
      const values = Object.hasOwn(reported, name) ? reported[name] : undefined;
      return isJsonObject(values)
        ? tallyMismatches(values, tally, [key, name], agrees)
        : [mismatch([key, name], `not reported; ${tally.total} predictions are of it`)];
    }),
    ...unknown.map((name) => mismatch([key, name], 'reported; no prediction is of it')),
  ];
}

/** Where the rates of `metrics.json` do not follow from its own counts: all that can be said without predictions. */
export function countMismatches(metrics: JsonObject): Mismatch[] {
  const [total, valid, correct] = [metrics['total'], metrics['valid'], metrics['correct']].map(asNumber);
  if (total === undefined || valid === undefined || correct === undefined) return [];
  const computed = answerScores({ ...emptyTally(), total, valid, correct });
  return Object.entries(computed).flatMap(([key, value]) => {
    const found = asNumber(metrics[key]);
    if (found === undefined || withinRounding(found, value)) return [];
    return [mismatch([key], `${found} reported, ${value} follows from the counts`)];
  });
}

/** Totals of families or splits that do not add up to the total of the run: they must, whatever the predictions are. */
export function totalMismatches(metrics: JsonObject): Mismatch[] {
  const total = asNumber(metrics['total']);
  if (total === undefined) return [];
  return [
    ['per_family', 'FAMILY_TOTAL_MISMATCH'] as const,
    ['per_split', 'SPLIT_TOTAL_MISMATCH'] as const,
  ].flatMap(([key, code]) => {
    const groups = metrics[key];
    if (!isJsonObject(groups)) return [];
    const sum = Object.values(groups).reduce<number>(
      (so, group) => so + ((isJsonObject(group) ? asNumber(group['total']) : undefined) ?? 0),
      0,
    );
    if (sum === total) return [];
    const message = `the totals add up to ${sum}; expected ${total}, the total of the run`;
    return [{ code, file: METRICS_FILE, pointer: jsonPointer([key]), message }];
  });
}

/** Where the manifest's `metrics_summary` is no copy of `metrics.json`. */
export function summaryMismatches(summary: JsonObject, metrics: JsonObject, file: string): Mismatch[] {
  return Object.entries(summary).flatMap(([key, value]) => {
    const [here, there] = [asNumber(value), asNumber(metrics[key])];
    if (here === undefined || there === undefined || agrees(here, there)) return [];
    const pointer = jsonPointer(['metrics_summary', key]);
    return [
      {
        code: 'METRICS_SUMMARY_MISMATCH',
        file,
        pointer,
        message: `${here} here, ${there} in ${METRICS_FILE}`,
      },
    ];
  });
}

function mismatch(path: readonly string[], message: string): Mismatch {
  return { code: 'METRIC_MISMATCH', file: METRICS_FILE, pointer: jsonPointer(path), message };
}

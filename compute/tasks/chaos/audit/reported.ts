import { answerScores, confusionScores } from '../../../../ingest/families/chaosbench/metrics/index.ts';
import type { FamilyScores, MetricDifference, RowEvidence, RunScores } from './model.ts';

/** The numbers that the artifacts of a run report: by scope, then by metric. */
export type ReportedMetrics = ReadonlyMap<string, ReadonlyMap<string, number>>;

const FAMILY = 'family:';

/** Half a unit of the fourth decimal, to which rates are rounded, and a little for the arithmetic. */
const TOLERANCE = 0.5e-4 + 1e-9;

/** The scores of a run whose answers are not at hand; undefined when too few numbers are reported. */
export function reportedScores(reported: ReportedMetrics | undefined): RunScores | undefined {
  const overall = reported?.get('overall');
  const total = overall?.get('total');
  if (overall === undefined || total === undefined) return undefined;
  const value = (metric: string) => overall.get(metric) ?? 0;
  return {
    total,
    valid: value('valid'),
    invalid: value('invalid'),
    correct: value('correct'),
    coverage: value('coverage'),
    invalid_rate: value('invalid_rate'),
    accuracy_valid: value('accuracy_valid'),
    effective_accuracy: value('effective_accuracy'),
    balanced_accuracy: value('balanced_accuracy'),
    mcc: value('mcc'),
  };
}

/** Scores by task family as a run's own metrics report them, without the counts that they leave out. */
export function reportedFamilies(reported: ReportedMetrics | undefined): FamilyScores[] {
  const families: FamilyScores[] = [];
  for (const [scope, metrics] of reported ?? []) {
    if (!scope.startsWith(FAMILY)) continue;
    const value = (metric: string) => metrics.get(metric) ?? 0;
    families.push({
      family: scope.slice(FAMILY.length),
      total: value('total'),
      valid: value('valid'),
      correct: value('correct'),
      coverage: value('coverage'),
      accuracy_valid: value('accuracy_valid'),
      confusion: undefined,
    });
  }
  return families;
}

/** The reported numbers that the answers do not give, and those that only one side has. */
export function metricDifferences(
  reported: ReportedMetrics | undefined,
  { tally, families }: Pick<RowEvidence, 'tally' | 'families'>,
): MetricDifference[] {
  const differences: MetricDifference[] = [];
  const compare = (scope: string, recomputed: Readonly<Record<string, unknown>>) => {
    for (const [metric, value] of reported?.get(scope) ?? []) {
      const expected = recomputed[metric];
      if (typeof expected !== 'number' || Math.abs(value - expected) <= TOLERANCE) continue;
      differences.push({ scope, metric, reported: value, recomputed: expected });
    }
  };
  const { balanced_accuracy, mcc } = confusionScores(tally);
  compare('overall', { ...answerScores(tally), balanced_accuracy, mcc });
  for (const [family, counts] of families) compare(`${FAMILY}${family}`, { ...answerScores(counts) });
  return differences;
}

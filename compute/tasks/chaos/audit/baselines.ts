import {
  type BiasVerdict,
  LOW_SUPPORT,
  wilsonInterval,
} from '../../../../ingest/families/chaosbench/metrics/index.ts';
import { csvTable } from '../csv.ts';
import { fixed } from '../fixed.ts';
import { grouped, markdownCell, markdownTable } from '../markdown.ts';
import { type AuditRun, exclusion, type FamilyScores } from './model.ts';

/** A line of the paper's table: an official run of a model. Null where it was published without its answers. */
export interface Baseline {
  readonly runId: string;
  readonly id: string;
  readonly model: string;
  readonly provider: string | null;
  /** Answers that were evaluated, which may be fewer than were planned. */
  readonly nTotal: number;
  readonly nValid: number;
  readonly coverage: number;
  readonly accuracyValid: number;
  readonly effectiveAccuracy: number;
  readonly balancedAccuracy: number;
  readonly mcc: number;
  readonly tpr: number | null;
  readonly tnr: number | null;
  readonly biasScore: number | null;
  readonly biasVerdict: BiasVerdict | null;
  readonly invalidRate: number;
  /** Whether the whole dataset was planned. */
  readonly isFullRun: boolean;
  readonly families: readonly FamilyScores[];
}

/** Whether the whole dataset was to be evaluated. */
export function isFullRun({ manifest, flags }: AuditRun): boolean {
  return manifest !== undefined && manifest.max_items === null && !flags.includes('subset_without_max_items');
}

/** The runs of the paper's tables, best first: official ones of real models. */
export function baselines(runs: readonly AuditRun[]): Baseline[] {
  const rows: Baseline[] = [];
  for (const run of runs) {
    const { scores, confusion } = run;
    if (scores === undefined || exclusion(run) !== undefined) continue;
    rows.push({
      runId: run.runId,
      id: run.id,
      model: run.model,
      provider: run.provider,
      nTotal: scores.total,
      nValid: scores.valid,
      coverage: scores.coverage,
      accuracyValid: scores.accuracy_valid,
      effectiveAccuracy: scores.effective_accuracy,
      balancedAccuracy: scores.balanced_accuracy,
      mcc: scores.mcc,
      tpr: confusion?.tpr ?? null,
      tnr: confusion?.tnr ?? null,
      biasScore: confusion?.bias_score ?? null,
      biasVerdict: confusion?.bias_verdict ?? null,
      invalidRate: scores.invalid_rate,
      isFullRun: isFullRun(run),
      families: run.families,
    });
  }
  return rows.sort(
    (a, b) => b.balancedAccuracy - a.balancedAccuracy || b.mcc - a.mcc || (a.runId < b.runId ? -1 : 1),
  );
}

const DECIMALS = 4;

function decimal(value: number | null | undefined): string {
  return value === null || value === undefined ? '' : fixed(value, DECIMALS);
}

const TABLE_COLUMNS = [
  'model',
  'provider',
  'n_total',
  'n_valid',
  'coverage',
  'accuracy_valid',
  'effective_accuracy',
  'balanced_accuracy',
  'mcc',
  'tpr',
  'tnr',
  'bias_score',
  'bias_verdict',
  'invalid_rate',
  'is_full_run',
  'run_id',
];

/** `baselines_table.csv`. */
export function baselinesCsv(rows: readonly Baseline[]): string {
  return csvTable(
    TABLE_COLUMNS,
    rows.map((row) => [
      row.model,
      row.provider ?? '',
      String(row.nTotal),
      String(row.nValid),
      ...[row.coverage, row.accuracyValid, row.effectiveAccuracy, row.balancedAccuracy, row.mcc].map(decimal),
      ...[row.tpr, row.tnr, row.biasScore].map(decimal),
      row.biasVerdict ?? '',
      decimal(row.invalidRate),
      row.isFullRun ? 'yes' : 'no',
      row.id,
    ]),
  );
}

/** `baselines_table.md`. */
export function baselinesMarkdown(rows: readonly Baseline[]): string {
  const score = (value: number | null) => (value === null ? '—' : fixed(value, 3));
  return markdownTable(
    ['Model', 'N', 'Cov', 'Acc_valid', 'Bal_acc', 'MCC', 'TPR', 'TNR', 'Bias', 'Full?'],
    rows.map((row) => [
      markdownCell(row.model),
      grouped(row.nTotal),
      ...[row.coverage, row.accuracyValid, row.balancedAccuracy, row.mcc, row.tpr, row.tnr].map(score),
      row.biasVerdict ?? '—',
      row.isFullRun ? 'full' : `subset ${grouped(row.nTotal)}`,
    ]),
  );
}

const FAMILY_COLUMNS = [
  'model',
  'provider',
  'run_id',
  'family',
  'n_total',
  'n_valid',
  'coverage',
  'accuracy_valid',
  'balanced_accuracy',
  'mcc',
  'tpr',
  'tnr',
  'bias_score',
  'bias_verdict',
  'low_support',
  'wilson_lo',
  'wilson_hi',
];

/** The interval of a family's accuracy, where it has so few items that one is shown; else undefined. */
export function familyInterval({
  total,
  valid,
  correct,
}: FamilyScores): readonly [number, number] | undefined {
  return total < LOW_SUPPORT && valid > 0 ? wilsonInterval(correct, valid) : undefined;
}

/** `baselines_by_family.csv`. */
export function baselinesByFamilyCsv(rows: readonly Baseline[]): string {
  return csvTable(
    FAMILY_COLUMNS,
    rows.flatMap((row) =>
      row.families.map((family) => {
        const { confusion } = family;
        const [low, high] = familyInterval(family) ?? [undefined, undefined];
        return [
          row.model,
          row.provider ?? '',
          row.id,
          family.family,
          String(family.total),
          String(family.valid),
          ...[family.coverage, family.accuracy_valid].map(decimal),
          ...[confusion?.balanced_accuracy, confusion?.mcc, confusion?.tpr, confusion?.tnr].map(decimal),
          decimal(confusion?.bias_score),
          confusion?.bias_verdict ?? '',
          family.total < LOW_SUPPORT ? 'yes' : 'no',
          decimal(low),
          decimal(high),
        ];
      }),
    ),
  );
}

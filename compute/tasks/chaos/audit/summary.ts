import {
  type ConfusionScores,
  LOW_SUPPORT,
  pythonRound,
} from '../../../../ingest/families/chaosbench/metrics/index.ts';
import type { Audit } from './audit.ts';
import { familyInterval, isFullRun } from './baselines.ts';
import type { CheckOutcome } from './checks/index.ts';
import { fingerprintGroups, fingerprintState } from './fingerprints.ts';
import { type AuditRun, exclusion, type FamilyScores } from './model.ts';

const DECIMALS = 4;

function rounded(value: number): number {
  return pythonRound(value, DECIMALS);
}

/** Every rate of a record rounded; counts and texts stay. */
function roundedRates<T extends object>(record: T): T {
  const entries = Object.entries(record).map(([key, value]: [string, unknown]) => [
    key,
    typeof value === 'number' && !Number.isInteger(value) ? rounded(value) : value,
  ]);
  return Object.fromEntries(entries) as T;
}

/**
 * `summary.json`: the keys of the benchmark's own audit, and after them what Runlake adds. `errors` and `warnings` of a
 * run are the problems and notes that the checks found in it.
 */
export function auditSummary({ snapshot, timestamp, runs, checks }: Audit): object {
  const groups = fingerprintGroups(runs);
  const frozen = groups.filter(({ state }) => state === 'frozen');
  const stored = groups.reduce((sum, group) => sum + group.runs.length, 0);
  const matching = frozen.reduce((sum, group) => sum + group.runs.length, 0);
  return {
    // The time of the state that was audited, so that one state gives one summary.
    generated_utc: timestamp.toISOString(),
    freeze_sha: frozen[0]?.sha256 ?? null,
    recomputed_sha: null,
    sha_match: matching === stored,
    sha_mismatch_explanation: groups
      .map(({ sha256, state, runs: { length } }) => `${length} of ${stored} runs store ${sha256} (${state})`)
      .join('; '),
    runs: runs.map((run) => runSummary(run, checks)),
    snapshot,
    checks: checks.map(({ runsExamined, runsNotExamined, findings, ...rest }) => ({
      ...rest,
      runs_examined: runsExamined,
      runs_not_examined: runsNotExamined,
      findings: findings.map(({ runId, id, level, count, detail }) => ({
        run_id: id,
        runlake_run_id: runId,
        level,
        count,
        detail,
      })),
    })),
  };
}

function runSummary(run: AuditRun, checks: readonly CheckOutcome[]): object {
  const { manifest, scores, confusion, evidence } = run;
  const found = (level: string) =>
    checks.flatMap(({ id, findings }) =>
      findings
        .filter((finding) => finding.runId === run.runId && finding.level === level)
        .map(({ detail }) => `${id}: ${detail}`),
    );
  return {
    run_id: run.id,
    provider: run.provider,
    model: run.model,
    total_items: scores?.total ?? null,
    valid_count: scores?.valid ?? null,
    invalid_count: scores?.invalid ?? null,
    accuracy_valid: roundedOrNull(scores?.accuracy_valid),
    effective_accuracy: roundedOrNull(scores?.effective_accuracy),
    balanced_accuracy: roundedOrNull(scores?.balanced_accuracy),
    mcc: roundedOrNull(scores?.mcc),
    coverage: roundedOrNull(scores?.coverage),
    confusion: confusion === undefined ? {} : roundedRates(confusion),
    sha_matches_run_method: fingerprintState(run) === 'legacy formula',
    sha_matches_freeze_method: fingerprintState(run) === 'frozen',
    is_canonical_run: manifest !== undefined && !run.failed.includes('canonical_selector'),
    is_full_run: isFullRun(run),
    predictions_match_manifest:
      manifest === undefined || evidence === undefined
        ? null
        : evidence.rows === Number(manifest.total_items_evaluated),
    duplicate_ids_count: evidence?.duplicateIds ?? null,
    throughput_qps: throughput(run),
    errors: found('problem'),
    warnings: found('note'),
    per_family: run.families.map(familySummary),
    runlake_run_id: run.runId,
    status: run.status,
    verdict: run.verdict,
    failed_criteria: run.failed,
    flags: run.flags,
    planned_items: manifest === undefined ? null : Number(manifest.total_items_evaluated),
    excluded_from_paper_tables: exclusion(run) ?? null,
  };
}

/** Answers a second, as if they had been asked one after the other. */
export function throughput({ evidence }: AuditRun): number | null {
  if (evidence === undefined || evidence.latency.sum <= 0) return null;
  return pythonRound(evidence.rows / evidence.latency.sum, 2);
}

function familySummary(family: FamilyScores): object {
  const interval = familyInterval(family);
  return {
    family: family.family,
    total: family.total,
    valid: family.valid,
    correct: family.correct,
    coverage: rounded(family.coverage),
    accuracy_valid: rounded(family.accuracy_valid),
    low_support: family.total < LOW_SUPPORT,
    wilson_lo: roundedOrNull(interval?.[0]),
    wilson_hi: roundedOrNull(interval?.[1]),
    ...familyConfusion(family.confusion),
  };
}

function familyConfusion(confusion: ConfusionScores | undefined): object {
  return {
    tp: confusion?.tp ?? null,
    fp: confusion?.fp ?? null,
    tn: confusion?.tn ?? null,
    fn: confusion?.fn ?? null,
    tpr: roundedOrNull(confusion?.tpr),
    tnr: roundedOrNull(confusion?.tnr),
    balanced_accuracy: roundedOrNull(confusion?.balanced_accuracy),
    mcc: roundedOrNull(confusion?.mcc),
    gt_true_rate: roundedOrNull(confusion?.gt_true_rate),
    pred_true_rate: roundedOrNull(confusion?.pred_true_rate),
    bias_score: roundedOrNull(confusion?.bias_score),
    bias_verdict: confusion?.bias_verdict ?? 'UNKNOWN',
  };
}

function roundedOrNull(value: number | undefined): number | null {
  return value === undefined ? null : rounded(value);
}

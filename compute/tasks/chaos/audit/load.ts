import type { AnyChaosManifest } from '../../../../ingest/contracts/chaosbench/run-manifest.ts';
import { splitProvider } from '../../../../ingest/families/chaosbench/identity.ts';
import { answerScores, confusionScores } from '../../../../ingest/families/chaosbench/metrics/index.ts';
import { CRITERIA, FLAGS } from '../../../../ingest/families/chaosbench/policy/index.ts';
import { parseJson } from '../../../../ingest/run-files/json-text.ts';
import type { LakeReader, LakeSnapshot, QueryOptions } from '../../../../lake/engine/types.ts';
import { ISSUES, METRICS, RUNS } from '../../../../lake/tables/tables.ts';
import { number, type QueryRow, queryRows, text, textList, textOrNull } from '../../query.ts';
import { RunNotFoundError } from '../find-run.ts';
import { checkedManifest } from '../manifest.ts';
import type { AuditScope } from './audit.ts';
import { loadEvidence } from './evidence.ts';
import type { AuditRun, FamilyScores, IssueCount, RowEvidence, RunScores } from './model.ts';
import { type ReportedMetrics, reportedFamilies, reportedScores } from './reported.ts';

/**
 * The ChaosBench runs of a state of the lake, in the order of their own ids, with everything that the checks look at.
 * @throws RunNotFoundError when the scope names a run that is none
 */
export async function loadRuns(
  reader: LakeReader,
  snapshot: LakeSnapshot,
  { runIds }: AuditScope,
  options: QueryOptions,
): Promise<AuditRun[]> {
  if (runIds?.length === 0) return [];
  const rows = await queryRows(
    reader,
    snapshot,
    [{ table: RUNS.name, prune: runIds === undefined ? [] : [{ column: 'run_id', in: runIds }] }],
    ([runs]) => `SELECT run_id, model_id, status, verdict, verdict_reasons, manifest FROM ${runs}
      WHERE family = 'CHAOSBENCH'${runIds === undefined ? '' : ' AND list_contains($1, run_id)'} ORDER BY run_id`,
    { ...options, ...(runIds !== undefined && { params: [[...runIds]] }) },
  );
  const found = rows.map((row) => text(row['run_id']));
  const missing = (runIds ?? []).filter((id) => !found.includes(id));
  if (missing.length > 0) {
    throw new RunNotFoundError(`no ChaosBench run of the lake is called ${missing.join(', ')}`, {
      expected: "run ids as in `runs` where family = 'CHAOSBENCH'",
    });
  }
  if (found.length === 0) return [];
  const reported = await loadReported(reader, snapshot, found, options);
  const issues = await loadIssues(reader, snapshot, found, options);
  const evidence = await loadEvidence(reader, snapshot, rows.map(audited), reported, options);
  const runs = rows.map((row) => {
    const id = text(row['run_id']);
    return auditRun(row, evidence.get(id), reported.get(id), issues.get(id) ?? []);
  });
  return labelled(runs);
}

/** In the order of their own ids, which begin with the time, and with labels that tell them apart. */
function labelled(runs: readonly AuditRun[]): AuditRun[] {
  const order = ({ id, runId }: AuditRun) => `${id}\n${runId}`;
  const sorted = runs.toSorted((a, b) => (order(a) < order(b) ? -1 : 1));
  const named = new Map<string, number>();
  for (const { id } of runs) named.set(id, (named.get(id) ?? 0) + 1);
  return sorted.map((run) => ((named.get(run.id) ?? 0) > 1 ? { ...run, label: run.runId } : run));
}

/** What of a run decides how its answers are looked at. */
export interface AuditedRun {
  readonly runId: string;
  readonly model: string;
  readonly manifest: AnyChaosManifest | undefined;
}

function audited(row: QueryRow): AuditedRun {
  return { runId: text(row['run_id']), model: text(row['model_id']), manifest: manifestOf(row) };
}

function manifestOf(row: QueryRow): AnyChaosManifest | undefined {
  const recorded = textOrNull(row['manifest']);
  return recorded === null ? undefined : checkedManifest(parseJson(recorded));
}

function auditRun(
  row: QueryRow,
  evidence: RowEvidence | undefined,
  reported: ReportedMetrics | undefined,
  issues: readonly IssueCount[],
): AuditRun {
  const runId = text(row['run_id']);
  const manifest = manifestOf(row);
  const id = manifest?.run_id ?? runId.slice(runId.lastIndexOf('/') + 1);
  const reasons = textList(row['verdict_reasons']);
  const confusion = evidence === undefined ? undefined : confusionScores(evidence.tally);
  return {
    runId,
    id,
    label: id,
    ...(manifest === undefined
      ? { provider: null, model: text(row['model_id']) }
      : splitProvider(manifest.provider)),
    status: text(row['status']),
    verdict: textOrNull(row['verdict']),
    failed: CRITERIA.filter((criterion) => reasons.includes(criterion)),
    flags: FLAGS.filter((flag) => reasons.includes(flag)),
    manifest,
    scores: evidence === undefined ? reportedScores(reported) : scoresOf(evidence),
    confusion,
    families: evidence === undefined ? reportedFamilies(reported) : familiesOf(evidence),
    evidence,
    issues,
  };
}

function scoresOf({ tally }: RowEvidence): RunScores {
  const { balanced_accuracy, mcc } = confusionScores(tally);
  return { ...answerScores(tally), balanced_accuracy, mcc };
}

function familiesOf({ families }: RowEvidence): FamilyScores[] {
  return [...families].map(([family, tally]) => {
    const { total, valid, correct, coverage, accuracy_valid } = answerScores(tally);
    return { family, total, valid, correct, coverage, accuracy_valid, confusion: confusionScores(tally) };
  });
}

async function loadReported(
  reader: LakeReader,
  snapshot: LakeSnapshot,
  runIds: readonly string[],
  options: QueryOptions,
): Promise<Map<string, ReportedMetrics>> {
  const rows = await queryRows(
    reader,
    snapshot,
    [{ table: METRICS.name, prune: [{ column: 'run_id', in: runIds }] }],
    ([metrics]) => `SELECT run_id, scope, metric, value FROM ${metrics}
      WHERE source = 'reported' AND value IS NOT NULL AND list_contains($1, run_id) ORDER BY ALL`,
    { ...options, params: [[...runIds]] },
  );
  const reported = new Map<string, Map<string, Map<string, number>>>();
  for (const row of rows) {
    const scopes = entry(reported, text(row['run_id']));
    entry(scopes, text(row['scope'])).set(text(row['metric']), number(row['value']));
  }
  return reported;
}

/** The map under a key, made when there is none. */
function entry<T>(maps: Map<string, Map<string, T>>, key: string): Map<string, T> {
  let map = maps.get(key);
  if (map === undefined) {
    map = new Map();
    maps.set(key, map);
  }
  return map;
}

async function loadIssues(
  reader: LakeReader,
  snapshot: LakeSnapshot,
  runIds: readonly string[],
  options: QueryOptions,
): Promise<Map<string, IssueCount[]>> {
  const rows = await queryRows(
    reader,
    snapshot,
    [{ table: ISSUES.name, prune: [{ column: 'run_id', in: runIds }] }],
    ([issues]) => `SELECT run_id, code, severity, count(*) AS n FROM ${issues}
      WHERE list_contains($1, run_id) GROUP BY ALL ORDER BY ALL`,
    { ...options, params: [[...runIds]] },
  );
  const counts = new Map<string, IssueCount[]>();
  for (const row of rows) {
    const runId = text(row['run_id']);
    const issue = { code: text(row['code']), severity: text(row['severity']), count: number(row['n']) };
    counts.set(runId, [...(counts.get(runId) ?? []), issue]);
  }
  return counts;
}

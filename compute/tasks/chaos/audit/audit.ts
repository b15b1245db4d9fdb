import type { LakeReader, LakeSnapshot, QueryOptions } from '../../../../lake/engine/types.ts';
import { GENERATIONS, ISSUES, METRICS, PREDICTIONS, RUNS } from '../../../../lake/tables/tables.ts';
import {
  type Baseline,
  baselines,
  baselinesByFamilyCsv,
  baselinesCsv,
  baselinesMarkdown,
} from './baselines.ts';
import { CHECKS, type CheckOutcome, runCheck } from './checks/index.ts';
import { loadRuns } from './load.ts';
import type { AuditRun } from './model.ts';
import { auditReport } from './report.ts';
import { auditSummary } from './summary.ts';

/** Which runs of the lake are audited. */
export interface AuditScope {
  /** Only these runs, by their ids in the lake; every ChaosBench run when undefined. */
  readonly runIds?: readonly string[] | undefined;
}

/** What an audit found: a function of one state of the lake. */
export interface Audit {
  /** Token and time of the state of the lake. */
  readonly snapshot: string;
  readonly timestamp: Date;
  /** In the order of their own ids. */
  readonly runs: readonly AuditRun[];
  readonly checks: readonly CheckOutcome[];
  /** Rows of the paper's tables, best first. */
  readonly baselines: readonly Baseline[];
}

/** Audits the ChaosBench runs of a state of the lake from their rows. @throws RunNotFoundError */
export async function auditRuns(
  reader: LakeReader,
  snapshot: LakeSnapshot,
  scope: AuditScope = {},
  options: QueryOptions = {},
): Promise<Audit> {
  const runs = await loadRuns(reader, snapshot, scope, options);
  return {
    snapshot: snapshot.token,
    timestamp: snapshot.timestamp,
    runs,
    checks: CHECKS.map((check) => runCheck(check, runs)),
    baselines: baselines(runs),
  };
}

/** What an audit reads. */
export const AUDITED_TABLES = [RUNS, METRICS, ISSUES, PREDICTIONS, GENERATIONS].map(({ name }) => name);

/** The documents of an audit by file name; the same state of the lake gives the same bytes. */
export function auditFiles(audit: Audit): ReadonlyMap<string, string> {
  return new Map([
    ['RUNS_AUDIT.md', auditReport(audit)],
    ['summary.json', `${JSON.stringify(auditSummary(audit), null, 2)}\n`],
    ['baselines_table.csv', baselinesCsv(audit.baselines)],
    ['baselines_table.md', baselinesMarkdown(audit.baselines)],
    ['baselines_by_family.csv', baselinesByFamilyCsv(audit.baselines)],
  ]);
}

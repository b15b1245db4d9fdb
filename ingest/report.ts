import type { FamilyName, Issue } from './family.ts';

export type RunOutcome = 'ingested' | 'unchanged' | 'replaced' | 'rejected';

/** What became of one run. */
export interface RunReport {
  readonly runId: string;
  readonly family: FamilyName;
  readonly status: RunOutcome;
  /** Rows by table; of `activations` those reachable from the run. Empty for rejected and unchanged runs. */
  readonly rows: Readonly<Record<string, number>>;
  readonly issues: readonly Issue[];
}

/** The answer of `runlake ingest --json`, of `runlake validate --json` and of the `ingest` mutation. */
export interface IngestReport {
  readonly runs: readonly RunReport[];
  /** What was noteworthy in the tree and belongs to no run. */
  readonly issues: readonly Issue[];
}

/** 0: every run accepted; 1: some rejected (DESIGN section 4). */
export function exitCode(report: IngestReport): 0 | 1 {
  return report.runs.some((run) => run.status === 'rejected') ? 1 : 0;
}

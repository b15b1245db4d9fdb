import type { AuditRun } from '../model.ts';

/** What a check found in one run. A `problem` puts numbers in doubt; a `note` is to be known when reading them. */
export interface Finding {
  readonly level: 'problem' | 'note';
  /** How many rows, numbers or criteria it is about. */
  readonly count: number;
  readonly detail: string;
}

/** Nothing wrong in this run. */
export const CLEAR = 'clear';
/** The lake does not hold what this check looks at. */
export const NOT_EXAMINED = 'not examined';

export type Examination = typeof CLEAR | typeof NOT_EXAMINED | readonly Finding[];

/** One way in which a run can have gone wrong. */
export interface Check {
  /** Stable, `kebab-case`. */
  readonly id: string;
  readonly risk: string;
  /** Looks at one run; an empty list of findings is `CLEAR`. */
  readonly examine: (run: AuditRun) => Examination;
}

/** A finding with the run it is about. */
export interface RunFinding extends Finding {
  readonly runId: string;
  readonly id: string;
  readonly label: string;
}

export type CheckResult = 'PASSED' | 'NOTED' | 'FAILED' | 'NOT_EXAMINED';

/** What a check found in all runs. */
export interface CheckOutcome {
  readonly id: string;
  readonly risk: string;
  readonly result: CheckResult;
  readonly runsExamined: number;
  readonly runsNotExamined: number;
  /** Sum of the findings' counts. */
  readonly count: number;
  readonly findings: readonly RunFinding[];
}

/** Runs a check on every run. */
export function runCheck(check: Check, runs: readonly AuditRun[]): CheckOutcome {
  const findings: RunFinding[] = [];
  let examined = 0;
  for (const run of runs) {
    const result = check.examine(run);
    if (result === NOT_EXAMINED) continue;
    examined++;
    const about = { runId: run.runId, id: run.id, label: run.label };
    if (result === CLEAR) continue;
    for (const finding of result) findings.push({ ...about, ...finding });
  }
  return {
    id: check.id,
    risk: check.risk,
    result: resultOf(examined, findings),
    runsExamined: examined,
    runsNotExamined: runs.length - examined,
    count: findings.reduce((sum, { count }) => sum + count, 0),
    findings,
  };
}

function resultOf(examined: number, findings: readonly Finding[]): CheckResult {
  if (examined === 0) return 'NOT_EXAMINED';
  if (findings.some(({ level }) => level === 'problem')) return 'FAILED';
  return findings.length === 0 ? 'PASSED' : 'NOTED';
}

/** The findings whose count is not 0. */
export function findings(...found: readonly Finding[]): Finding[] {
  return found.filter(({ count }) => count > 0);
}

/** Something that makes the check fail, seen `count` times. */
export function problem(count: number, detail: string): Finding {
  return { level: 'problem', count, detail };
}

/** Something worth knowing that fails no check, seen `count` times. */
export function note(count: number, detail: string): Finding {
  return { level: 'note', count, detail };
}

/** A share in percent. */
export function percent(part: number, whole: number): string {
  return `${whole === 0 ? 0 : ((100 * part) / whole).toFixed(2)} %`;
}

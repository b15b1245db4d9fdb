import type { Issue, ReadContext, RunSink, Severity } from '../family.ts';

/** Issues of one code in one file beyond this many are counted, not listed. */
export const MAX_ISSUES_PER_CODE = 100;

/** `record` issues are about one record of many and are forgiven with `lenient`; `run` issues never are. */
export type IssueReach = 'record' | 'run';

/** Passes a run's issues on, decides what is forgiven, and keeps the count of repetitions bounded. */
export interface IssueLog {
  /** Whether an issue of severity `error` was raised. */
  readonly rejected: boolean;
  /** Codes raised so far with severity error or warning. */
  readonly codes: ReadonlySet<string>;
  add(issue: Issue): void;
  /** An error about a record; a warning when the reading is lenient. */
  record(issue: Omit<Issue, 'severity'>): void;
  /** An error about the run as a whole. */
  run(issue: Omit<Issue, 'severity'>): void;
  warn(issue: Omit<Issue, 'severity'>): void;
  info(issue: Omit<Issue, 'severity'>): void;
  /** Reports how many issues were counted only. Call once, at the end. */
  finish(): void;
}

/** The issues of one run on their way to `sink`; of very many alike, only their number is told. */
export function issueLog(sink: Pick<RunSink, 'issue'>, context: Pick<ReadContext, 'lenient'>): IssueLog {
  const counts = new Map<string, { count: number; last: Issue }>();
  const codes = new Set<string>();
  let rejected = false;
  const add = (issue: Issue): void => {
    if (issue.severity === 'error') rejected = true;
    if (issue.severity !== 'info') codes.add(issue.code);
    const key = `${issue.severity} ${issue.code} ${issue.file ?? ''}`;
    const seen = counts.get(key);
    if (seen === undefined) counts.set(key, { count: 1, last: issue });
    else {
      seen.count++;
      seen.last = issue;
    }
    if ((seen?.count ?? 1) <= MAX_ISSUES_PER_CODE) sink.issue(issue);
  };
  const withSeverity = (severity: Severity) => (issue: Omit<Issue, 'severity'>) =>
    add({ ...issue, severity });
  return {
    get rejected() {
      return rejected;
    },
    codes,
    add,
    record: withSeverity(context.lenient ? 'warning' : 'error'),
    run: withSeverity('error'),
    warn: withSeverity('warning'),
    info: withSeverity('info'),
    finish() {
      for (const { count, last } of counts.values()) {
        if (count <= MAX_ISSUES_PER_CODE) continue;
        sink.issue({
          severity: last.severity,
          code: last.code,
          ...(last.file === undefined ? {} : { file: last.file }),
          message: `${count - MAX_ISSUES_PER_CODE} further issues of this kind are not listed`,
        });
      }
    },
  };
}

import type { Row } from '../../../lake/tables/schema.ts';
import type { TaskConfig } from '../../contracts/lm-eval/results.ts';
import { jsonPointer } from '../../contracts/schema-issues.ts';
import { agrees, type MetricValue, metricRow } from '../../metric-values.ts';
import type { IssueLog } from '../../run-files/issue-log.ts';
import { aggregationOf, type MetricColumn } from './aggregation.ts';
import type { ReportedMember } from './results-file.ts';

/** 97.5 % quantile of the normal distribution: an interval of 95 % reaches so many standard errors either way. */
const Z = 1.959963984540054;
const STDERR = '_stderr';

/** Values by filter, then by metric. */
export type Measured = ReadonlyMap<string, ReadonlyMap<string, MetricColumn>>;

/** `overall` for answers taken as they are; a filter that reads something out of them is a scope of its own. */
export function scopeOf(filter: string): string {
  return filter === 'none' ? 'overall' : `filter:${filter}`;
}

/** Rows of one number: the value with its interval, and the standard error under the name the harness gives it. */
function rowsOf(number: Omit<MetricValue, 'ciLow' | 'ciHigh'>, stderr: number | undefined): Row[] {
  const { value } = number;
  if (stderr === undefined || value === null) return [metricRow(number)];
  return [
    metricRow({ ...number, ciLow: value - Z * stderr, ciHigh: value + Z * stderr }),
    metricRow({ ...number, metric: `${number.metric}${STDERR}`, value: stderr }),
  ];
}

/** What the results file reports of a task. */
export function reportedRows(members: readonly ReportedMember[], split: string | null): Row[] {
  return members.flatMap((member) => {
    const { metric, filter, value } = member;
    if (value === undefined || isStderr(member, members)) return [];
    const number = { scope: scopeOf(filter), metric, value, split, source: 'reported' as const };
    return rowsOf(number, reportedStderr(member, members)?.value);
  });
}

function isStderr({ metric, filter }: ReportedMember, members: readonly ReportedMember[]): boolean {
  if (!metric.endsWith(STDERR)) return false;
  const of = metric.slice(0, -STDERR.length);
  return members.some((other) => other.metric === of && other.filter === filter);
}

function reportedStderr({ metric, filter }: ReportedMember, members: readonly ReportedMember[]) {
  return members.find((other) => other.metric === `${metric}${STDERR}` && other.filter === filter);
}

/**
 * The metrics again, from the samples. Every reported number that is not what the samples give becomes an issue
 * (`METRIC_MISMATCH`) of the results file.
 */
export function recomputedRows(
  measured: Measured,
  reported: { readonly members: readonly ReportedMember[]; readonly task: string; readonly file: string },
  task: TaskConfig | undefined,
  split: string | null,
  log: IssueLog,
): Row[] {
  const rows: Row[] = [];
  const { members, file } = reported;
  const compare = (member: ReportedMember | undefined, computed: number | undefined): void => {
    if (member?.value === undefined || computed === undefined || agrees(member.value, computed)) return;
    log.warn({
      code: 'METRIC_MISMATCH',
      file,
      pointer: jsonPointer(['results', reported.task, member.key]),
      message: `${member.value} reported, ${computed} recomputed from the samples`,
    });
  };
  for (const [filter, metrics] of measured) {
    for (const [metric, column] of metrics) {
      const aggregation = aggregationOf(task, metric);
      const number = aggregation === undefined ? undefined : column.aggregate(aggregation);
      if (number === undefined) continue;
      const { value, stderr } = number;
      rows.push(...rowsOf({ scope: scopeOf(filter), metric, value, split, source: 'recomputed' }, stderr));
      const member = members.find((other) => other.metric === metric && other.filter === filter);
      compare(member, value);
      if (member !== undefined) compare(reportedStderr(member, members), stderr);
    }
  }
  return rows;
}

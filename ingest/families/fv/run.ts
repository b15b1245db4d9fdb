import type { ObjectInfo } from '../../../lake/store/object-store.ts';
import type { JsonObject } from '../../contracts/json-value.ts';
import type { Issue, ReadContext, RunSink } from '../../family.ts';
import { readJsonDocument } from '../../run-files/documents.ts';
import type { IssueLog } from '../../run-files/issue-log.ts';
import type { FvLayout } from './layout.ts';

/** A run while it is being read. */
export interface FvRun {
  readonly context: ReadContext;
  readonly sink: RunSink;
  readonly log: IssueLog;
  /** By path within the run. */
  readonly files: ReadonlyMap<string, ObjectInfo>;
  readonly layout: FvLayout;
  /**
   * Whether the run says that it had not ended well: artifacts are written in place, so one that is cut off is then
   * no fault of its own.
   */
  readonly unfinished: boolean;
  /** The relation query that the run is about; null where it is about several or does not say. */
  readonly qId: string | null;
}

/** Raises an issue; errors about half-written files of a run that had not ended are warnings. */
export function report(run: Pick<FvRun, 'unfinished' | 'log'>, issue: Issue): void {
  run.log.add(run.unfinished && issue.severity === 'error' ? { ...issue, severity: 'warning' } : issue);
}

/** A JSON document of the run; undefined when there is none or it cannot be read, which is reported. */
export async function readDocument(run: FvRun, path: string | undefined): Promise<JsonObject | undefined> {
  const object = path === undefined ? undefined : run.files.get(path);
  if (object === undefined || path === undefined) return undefined;
  const { value, issues } = await readJsonDocument(run.context, object, path);
  for (const issue of issues) report(run, issue);
  return value;
}

/** Whether two results of the same arithmetic agree: they may differ by the order of summation only. */
export function sameNumber(a: number, b: number): boolean {
  if (Number.isNaN(a) || Number.isNaN(b)) return Number.isNaN(a) && Number.isNaN(b);
  return a === b || Math.abs(a - b) <= 1e-12 + 1e-9 * Math.max(Math.abs(a), Math.abs(b));
}

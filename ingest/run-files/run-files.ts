import type { ObjectInfo } from '../../lake/store/object-store.ts';
import type { JsonObject } from '../contracts/json-value.ts';
import { relativeKey } from '../discovery/path.ts';
import type { ReadContext, RunCandidate } from '../family.ts';
import { readJsonDocument } from './documents.ts';
import type { IssueLog } from './issue-log.ts';

/** The files of a candidate by their path from the run's directory; `../…` for one beside it. */
export function runFiles(candidate: RunCandidate): ReadonlyMap<string, ObjectInfo> {
  return new Map(candidate.files.map((object) => [relativeKey(candidate.root, object.key), object]));
}

/** A JSON document of the run, its problems reported; undefined when it is absent or no JSON object. */
export async function readRunDocument(
  files: ReadonlyMap<string, ObjectInfo>,
  file: string,
  context: ReadContext,
  log: IssueLog,
): Promise<JsonObject | undefined> {
  const object = files.get(file);
  if (object === undefined) return undefined;
  const { value, issues } = await readJsonDocument(context, object, file);
  for (const issue of issues) log.add(issue);
  return value;
}

/** Files that lie with a run and are not read, as a JSON-ready list. */
export function attachmentList(candidate: RunCandidate): { path: string; bytes: number }[] {
  const skip = candidate.root === '' ? 0 : candidate.root.length + 1;
  return (candidate.attachments ?? []).map((object) => ({
    path: object.key.slice(skip),
    bytes: object.size,
  }));
}

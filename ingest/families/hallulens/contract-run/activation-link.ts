import { RunlakeError } from '../../../../lake/errors.ts';
import type { JsonObject } from '../../../contracts/json-value.ts';
import type { ReadContext, RunCandidate, RunSink, StoreRef } from '../../../family.ts';
import { FormatError } from '../../../formats/errors.ts';
import { IdMap } from '../../../id-map.ts';
import type { IssueLog } from '../../../run-files/issue-log.ts';
import { resolveStore } from '../stores/locate.ts';
import { openStore } from '../stores/open.ts';
import { type RecordedStore, recordedStores } from '../stores/referenced.ts';

/** The stores of a run and the keys they have, before any tensor is read. */
export interface LinkedStores {
  readonly refs: readonly StoreRef[];
  readonly keys: IdMap;
}

/** A failure that is about the artifact's bytes, not about storage or cancellation. */
export function isDamage(error: unknown): error is RunlakeError {
  return error instanceof FormatError || (error instanceof RunlakeError && error.code === 'OBJECT_NOT_FOUND');
}

/**
 * Finds the stores that `config.json` names and lists their keys; problems become issues.
 * @returns undefined when it names none, or one that is missing or unreadable
 */
export async function linkStores(
  config: JsonObject,
  candidate: RunCandidate,
  context: ReadContext,
  log: IssueLog,
): Promise<LinkedStores | undefined> {
  const recorded = recordedStores(config);
  if (recorded.length === 0) return undefined;
  const keys = new IdMap();
  const refs: StoreRef[] = [];
  let shared = 0;
  for (const [i, one] of recorded.entries()) {
    const ref = await linkStore(one, candidate, context, log, (key) => {
      if (!keys.add(key, i) && keys.get(key) !== i) shared++;
    });
    if (ref === undefined) return undefined;
    refs.push(ref);
  }
  if (shared > 0) {
    const message = `${shared} keys are in several stores; an example of such a key is linked to all its entries`;
    log.warn({ code: 'AMBIGUOUS_ACTIVATION_KEY', file: 'config.json', message });
  }
  return { refs, keys };
}

async function linkStore(
  { path, format }: RecordedStore,
  candidate: RunCandidate,
  context: ReadContext,
  log: IssueLog,
  onKey: (key: string) => void,
): Promise<StoreRef | undefined> {
  const place = { file: 'config.json', pointer: '/activation_logging/path' };
  const ref = await resolveStore(context.tree, candidate.root, path, format, context.signal);
  if (ref === undefined) {
    const message = `no activation store ${path} from the run directory upwards`;
    log.run({ ...place, code: 'ACTIVATION_STORE_MISSING', message });
    return undefined;
  }
  if (format !== undefined && format !== ref.format) {
    const message = `${format} in the configuration, but the store at ${ref.root} is ${ref.format}`;
    log.warn({ ...place, code: 'STORE_FORMAT_MISMATCH', pointer: '/activation_logging/format', message });
  }
  try {
    const reader = await openStore(ref, context);
    for await (const key of reader.keys(context.signal)) onKey(key);
  } catch (error) {
    if (!isDamage(error)) throw error;
    log.run({ code: 'ACTIVATION_STORE_UNREADABLE', file: path, message: error.message });
    return undefined;
  }
  return ref;
}

/** Has a store ingested and repeats what was wrong with it; its damage convicts runs that need the entries. */
export async function ingestStore(
  ref: StoreRef,
  sink: RunSink,
  log: IssueLog,
  isNeeded: (key: string) => boolean,
): Promise<void> {
  const result = await sink.store(ref);
  for (const issue of result.issues) {
    log.add(issue.severity === 'error' ? { ...issue, severity: 'warning' } : issue);
  }
  for (const key of result.damaged) {
    if (!isNeeded(key)) continue;
    const message = `the store's entry ${key} cannot be read, and a generation refers to it`;
    log.record({ code: 'ACTIVATION_ENTRY_MISSING', file: ref.root, message });
  }
}

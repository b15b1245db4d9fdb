import { createHash, randomUUID } from 'node:crypto';
import { messageOf, RunlakeError } from '../../lake/errors.ts';
import type { Staging } from '../../lake/parquet/staging.ts';
import type { ColumnRows, Row, TableSpec } from '../../lake/tables/schema.ts';
import { ACTIVATIONS, GENERATIONS, ISSUES, PREDICTIONS, RUN_STORES, RUNS } from '../../lake/tables/tables.ts';
import type { RunEntry } from '../../lake/visibility.ts';
import type {
  Family,
  Issue,
  ReadContext,
  RunCandidate,
  RunSink,
  StoreReader,
  StoreRef,
  StoreResult,
} from '../family.ts';
import type { ContentHasher, HashOptions } from './content-hash.ts';
import { duplicateIssue, type Measurement } from './duplicates.ts';
import { uriOf } from './tree.ts';

/** Changes whenever the same artifacts would give other rows, so that an upgrade ingests them anew. */
const INGEST_VERSION = 1;

/** A store as a run uses it: what the family is told, and under which ingest its rows are. */
export interface LinkedStore extends StoreResult {
  readonly ingestId: string;
}

/** How stores get into the lake (`ingest`), or are merely read (`validate`). */
export type StoreService = (ref: StoreRef, contentSha256: string) => Promise<LinkedStore>;

export interface RunJob {
  readonly family: Family;
  readonly candidate: RunCandidate;
  readonly context: ReadContext;
}

/** Opens a store that a run of the job's family refers to. */
export function openStore({ family, context }: RunJob, ref: StoreRef): Promise<StoreReader> {
  if (family.stores === undefined) throw new TypeError(`${family.name} has no activation stores`);
  return family.stores.open(ref, context);
}

/**
 * Everything that decides which rows a run gives, hashed.
 * @param settings how activation stores become rows; without effect on a family that has none
 */
export async function runContentHash(
  job: RunJob,
  stores: ReadonlyMap<string, string>,
  settings: unknown,
  hasher: ContentHasher,
  options: HashOptions,
  measurement?: Measurement,
): Promise<string> {
  const { family, candidate, context } = job;
  const storeSettings = family.stores === undefined ? null : settings;
  const files = await hasher.files(context.tree.store, candidate.root, candidate.files, options);
  const attachments = (candidate.attachments ?? []).map((info) => [
    info.key.slice(candidate.root.length),
    info.size,
  ]);
  return createHash('sha256')
    .update(
      JSON.stringify([
        INGEST_VERSION,
        storeSettings,
        context.lenient,
        files,
        [...stores.values()],
        attachments,
        measurement?.duplicateOf ?? null,
      ]),
    )
    .digest('hex');
}

export interface StagedRun {
  readonly entry: RunEntry;
  readonly accepted: boolean;
  readonly rows: Readonly<Record<string, number>>;
  readonly issues: readonly Issue[];
}

/** Time-ordered and unique: two ingests of one run never share one. */
function newIngestId(): string {
  return `ingest-${Date.now().toString(36)}-${randomUUID().slice(0, 13)}`;
}

/**
 * Reads one run into the staging area, its row of `runs` included. A rejected run leaves nothing there.
 * @param storeHashes content hash of every store the run refers to, by `StoreRef.root`
 */
export async function stageRun(
  job: RunJob,
  contentSha256: string,
  storeHashes: ReadonlyMap<string, string>,
  staging: Staging,
  service: StoreService,
  measurement?: Measurement,
): Promise<StagedRun> {
  const { family, candidate, context } = job;
  const { runId } = candidate;
  const ingestId = newIngestId();
  const rows: Record<string, number> = {};
  const original = measurement?.duplicateOf;
  const issues: Issue[] = original === undefined ? [] : [duplicateIssue(candidate, original)];
  const stores = new Map<string, LinkedStore>();
  const append = async (table: TableSpec, values: readonly Row[] | ColumnRows) => {
    rows[table.name] = (rows[table.name] ?? 0) + values.length;
    await staging.append(table, values, { run_id: runId, ingest_id: ingestId });
  };
  const sink: RunSink = {
    rows: append,
    issue: (issue) => void issues.push(issue),
    store: async (ref) => {
      const known = stores.get(ref.root);
      if (known !== undefined) return known;
      const linked = await service(ref, storeHashes.get(ref.root) ?? '');
      stores.set(ref.root, linked);
      await append(RUN_STORES, [
        {
          store_id: linked.storeId,
          store_ingest_id: linked.ingestId,
          format: ref.format,
          uri: uriOf(context.tree, ref.root),
          n_entries: linked.nEntries,
          n_activations: linked.nActivations,
        },
      ]);
      return linked;
    },
  };
  const summary = await family.read(candidate, sink, context).catch(async (error: unknown) => {
    await staging.discard(ingestId);
    throw error;
  });
  const { columns, accepted } = summary;
  const entry: RunEntry = {
    run_id: runId,
    ingest_id: ingestId,
    content_sha256: contentSha256,
    stores: [...new Set([...stores.values()].map((store) => store.ingestId))],
    ...(measurement === undefined ? {} : { results_sha256: measurement.sha256 }),
    ...(original === undefined ? {} : { duplicate_of: original }),
  };
  if (!accepted) {
    await staging.discard(ingestId);
    return { entry, accepted, rows: {}, issues };
  }
  if (issues.length > 0) {
    await append(
      ISSUES,
      issues.map((issue) => ({ ...issue, line: issue.line ?? null })),
    );
  }
  const activations = [...stores.values()].reduce((sum, store) => sum + store.nActivations, 0);
  await append(RUNS, [
    {
      ...columns,
      family: candidate.family,
      source_uri: uriOf(context.tree, candidate.root),
      content_sha256: contentSha256,
      ingested_at: BigInt(Date.now()) * 1000n,
      n_generations: rows[GENERATIONS.name] ?? 0,
      n_predictions: rows[PREDICTIONS.name] ?? 0,
      n_activations: activations,
      n_issues: issues.length,
      results_sha256: measurement?.sha256,
      duplicate_of: original,
    },
  ]);
  if (activations > 0) rows[ACTIVATIONS.name] = activations;
  return { entry, accepted, rows, issues };
}

/** How an unexpected failure of one run reads in a report. */
export function failureIssue(error: unknown): Issue {
  const code = error instanceof RunlakeError ? error.code : 'READ_FAILED';
  return { severity: 'error', code, message: messageOf(error) };
}

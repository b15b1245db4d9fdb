import { CancelledError, InvalidArgumentError } from '../../lake/errors.ts';
import { Staging } from '../../lake/parquet/staging.ts';
import { PREDICTIONS, RUNS } from '../../lake/tables/tables.ts';
import { inSpan } from '../../lake/telemetry.ts';
import type { LakeWriter } from '../../lake/writer.ts';
import { activationRows } from '../activations.ts';
import { type ActivationOptions, DEFAULT_ACTIVATION_OPTIONS, type Issue } from '../family.ts';
import type { IngestReport, RunReport } from '../report.ts';
import { ContentHasher, type HashOptions } from './content-hash.ts';
import { type DiscoverOptions, discoverJobs } from './discover.ts';
import { Duplicates, type Measurement } from './duplicates.ts';
import { type ProgressListener, ProgressMeter } from './progress.ts';
import {
  failureIssue,
  type LinkedStore,
  openStore,
  type RunJob,
  runContentHash,
  type StagedRun,
  type StoreService,
  stageRun,
} from './run-ingest.ts';
import { ingestStore, storeId } from './store-ingest.ts';

export interface IngestOptions extends DiscoverOptions {
  readonly activations?: ActivationOptions;
  /** Runs that are read at the same time. Default 2. */
  readonly concurrency?: number;
  /** Bytes of vectors a file of a store, counted as float32. Default 64 MiB. */
  readonly fileBytes?: number;
  readonly onProgress?: ProgressListener;
  /** Told about every run as soon as its fate is certain. */
  readonly onRun?: ((run: RunReport, effort: RunEffort) => void) | undefined;
}

/** What reading, checking and staging a run took. */
export interface RunEffort {
  readonly ms: number;
  /** Bytes of artifacts that were read to tell whether it has changed; a store of several runs counts once. */
  readonly bytes: number;
}

/** A batch is committed once it holds this many runs or rows: few commits for small runs, bounded work lost by a crash. */
const BATCH_RUNS = 64;
const BATCH_ROWS = 200_000;

/**
 * Finds the runs below `uris`, checks them and puts them into the lake, each atomically.
 * A run that is rejected leaves no visible row and stops no other.
 * @throws CancelledError, StoreError; violations of a contract are issues of the report
 */
export async function ingest(
  writer: LakeWriter,
  uris: readonly string[],
  options: IngestOptions,
): Promise<IngestReport> {
  const hasher = await ContentHasher.open(writer.lake.home);
  const ingest = new Ingest(writer, hasher, options);
  try {
    return await inSpan('ingest', {}, () => ingest.run(uris));
  } finally {
    await hasher.save();
  }
}

/** Times are those of `performance.now()`. */
interface Effort {
  began: number;
  staged?: number;
  bytes: number;
}

interface StagedJob {
  readonly job: RunJob;
  readonly staged: StagedRun;
}

class Ingest {
  readonly #writer: LakeWriter;
  readonly #hasher: ContentHasher;
  readonly #options: IngestOptions;
  readonly #meter: ProgressMeter;
  readonly #activations: ActivationOptions;
  readonly #issues: Issue[] = [];
  readonly #reports: RunReport[] = [];
  /** Stores by identity: ingested once even when several runs ask at the same time. */
  readonly #stores = new Map<string, Promise<LinkedStore>>();
  readonly #storeHashes = new Map<string, Promise<string>>();
  readonly #duplicates = new Duplicates();
  /** Of the runs that are under way. */
  readonly #efforts = new Map<RunJob, Effort>();
  /** Settles when the measurements of all the runs that were begun are known. */
  #measured: Promise<unknown> = Promise.resolve();

  constructor(writer: LakeWriter, hasher: ContentHasher, options: IngestOptions) {
    this.#writer = writer;
    this.#hasher = hasher;
    this.#options = options;
    this.#meter = new ProgressMeter(options.onProgress);
    this.#activations = options.activations ?? DEFAULT_ACTIVATION_OPTIONS;
  }

  async run(uris: readonly string[]): Promise<IngestReport> {
    const jobs = await discoverJobs(uris, this.#options, {
      issue: (issue) => void this.#issues.push(issue),
      found: () => this.#meter.add({ runsFound: 1 }),
    });
    this.#meter.stage('ingesting');
    const queue = jobs.values();
    const lanes = Array.from({ length: this.#options.concurrency ?? 2 }, () => this.#lane(queue));
    const outcomes = await Promise.allSettled(lanes);
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
    this.#meter.stage('done');
    const order = new Map(jobs.map((job, i) => [job.candidate.runId, i]));
    const runs = this.#reports.toSorted((a, b) => (order.get(a.runId) ?? 0) - (order.get(b.runId) ?? 0));
    return { runs, issues: this.#issues };
  }

  /** One worker: takes jobs, stages runs, and commits in batches. */
  async #lane(queue: IterableIterator<RunJob>): Promise<void> {
    const connection = await this.#writer.connect();
    try {
      const staging = new Staging(connection, this.#writer.directory);
      let batch: StagedJob[] = [];
      for (const job of queue) {
        this.#ensureRunning();
        this.#meter.current(job.candidate.runId);
        const { runId, family } = job.candidate;
        const staged = await inSpan(
          'ingest run',
          { 'runlake.run_id': runId, 'runlake.family': family },
          (span) =>
            this.#stage(job, staging).catch((error: unknown) => {
              span.end(error);
              return this.#failed(job, error);
            }),
        );
        if (staged !== undefined) batch.push({ job, staged });
        if (batch.length >= BATCH_RUNS || staging.rows >= BATCH_ROWS) {
          await this.#commitBatch(batch, staging);
          batch = [];
        }
      }
      this.#ensureRunning();
      await this.#commitBatch(batch, staging);
    } finally {
      connection.closeSync();
    }
  }

  /** Undefined when the fate of the run is certain already. */
  async #stage(job: RunJob, staging: Staging): Promise<StagedRun | undefined> {
    let accepted = false;
    this.#effort(job).began = performance.now();
    try {
      const staged = await this.#read(job, staging);
      accepted = staged === 'unchanged' || staged.accepted;
      if (staged !== 'unchanged' && accepted && (await this.#lacksPredictions(job, staged))) {
        await staging.discard(staged.entry.ingest_id);
        this.#report(job, 'unchanged', {}, [copyKeptOut(job)]);
        return undefined;
      }
      if (staged === 'unchanged') this.#report(job, 'unchanged', {}, []);
      else if (accepted) {
        this.#effort(job).staged = performance.now();
        return staged;
      } else this.#report(job, 'rejected', {}, staged.issues);
      return undefined;
    } finally {
      this.#duplicates.settle(job.candidate.runId, accepted);
    }
  }

  /** Whether a copy has none of the predictions that the lake has of its original. */
  async #lacksPredictions({ candidate }: RunJob, staged: StagedRun): Promise<boolean> {
    if (candidate.copy !== true || (staged.rows[PREDICTIONS.name] ?? 0) > 0) return false;
    const { lake } = this.#writer;
    const snapshot = await lake.snapshot({}, { signal: this.#options.signal });
    if (!snapshot.runs.has(candidate.runId)) return false;
    const here = [{ column: 'run_id', in: [candidate.runId] }];
    const { sql, release } = await lake.relation(snapshot, RUNS.name, here, {
      signal: this.#options.signal,
    });
    try {
      const count = `SELECT n_predictions FROM ${sql} r WHERE run_id = $1`;
      const { rows } = await lake.query(count, { params: [candidate.runId], signal: this.#options.signal });
      return rows.some(([n]) => Number(n) > 0);
    } finally {
      release?.();
    }
  }

  async #read(job: RunJob, staging: Staging): Promise<StagedRun | 'unchanged'> {
    const { family, candidate, context } = job;
    const onBytes = (bytes: number): void => {
      this.#meter.add({ bytes });
      this.#effort(job).bytes += bytes;
    };
    const hashing = { signal: this.#options.signal, onBytes };
    const measuring = this.#measurement(job, hashing);
    const hashes = new Map<string, string>();
    for (const ref of (await family.stores?.of(candidate, context)) ?? []) {
      const id = `${context.tree.store.uri}\n${ref.root}`;
      let hash = this.#storeHashes.get(id);
      if (hash === undefined) {
        hash = this.#hasher.store(context.tree.store, ref, hashing);
        this.#storeHashes.set(id, hash);
      }
      hashes.set(ref.root, await hash);
    }
    const measurement = await measuring;
    const content = await runContentHash(job, hashes, this.#activations, this.#hasher, hashing, measurement);
    const snapshot = await this.#writer.lake.snapshot({}, { signal: this.#options.signal });
    if (snapshot.runs.get(candidate.runId)?.content_sha256 === content) return 'unchanged';
    return stageRun(job, content, hashes, staging, this.#storeService(job), measurement);
  }

  /** Whose measurement a run is. Runs that are read at the same time are asked in the order they were found in. */
  #measurement({ candidate, context }: RunJob, hashing: HashOptions): Promise<Measurement | undefined> {
    const { runId, results } = candidate;
    if (results === undefined) return Promise.resolve(undefined);
    const before = this.#measured;
    const measure = async (): Promise<Measurement> => {
      const sha256 = await this.#hasher.file(context.tree.store, results, hashing);
      await before;
      const { runs } = await this.#writer.lake.snapshot({}, { signal: this.#options.signal });
      return this.#duplicates.of(runId, sha256, runs);
    };
    const measurement = measure();
    // A failure is the run's own: the next one only waits.
    this.#measured = measurement.catch(() => {});
    return measurement;
  }

  /** A run that cannot be read is rejected; it stops no other. */
  #failed(job: RunJob, error: unknown): undefined {
    this.#ensureRunning();
    this.#report(job, 'rejected', {}, [failureIssue(error)]);
    return undefined;
  }

  #storeService(job: RunJob): StoreService {
    return (ref, contentSha256) => {
      const id = storeId(contentSha256, this.#activations);
      let store = this.#stores.get(id);
      if (store === undefined) {
        store = ingestStore(this.#writer, id, () => openStore(job, ref), {
          activations: this.#activations,
          rowsOf: activationRows,
          signal: this.#options.signal,
          fileBytes: this.#options.fileBytes,
          onEntry: () => this.#meter.add({ storeEntries: 1 }),
        });
        this.#stores.set(id, store);
      }
      return store;
    };
  }

  async #commitBatch(batch: readonly StagedJob[], staging: Staging): Promise<void> {
    if (batch.length === 0) return;
    await inSpan('commit runs', { 'runlake.runs': batch.length }, () => this.#commit(batch, staging));
  }

  async #commit(batch: readonly StagedJob[], staging: Staging): Promise<void> {
    const { signal } = this.#options;
    const files = await staging.write();
    const runs = files.get(RUNS.name);
    if (runs === undefined) throw new InvalidArgumentError('a batch of runs has no row of runs');
    const ingests = batch.map(({ staged }) => staged.entry.ingest_id);
    const data = [...files].filter(([table]) => table !== RUNS.name);
    await this.#writer.append(
      data.map(([table, file]) => ({ table, file, ingests })),
      { signal },
    );
    const { unchanged, replaced } = await this.#writer.commitRuns(
      runs,
      batch.map(({ staged }) => staged.entry),
      { signal },
    );
    for (const { job, staged } of batch) {
      const { runId } = job.candidate;
      const status = unchanged.has(runId) ? 'unchanged' : replaced.has(runId) ? 'replaced' : 'ingested';
      this.#report(job, status, status === 'unchanged' ? {} : staged.rows, staged.issues);
    }
  }

  #report(job: RunJob, status: RunReport['status'], rows: RunReport['rows'], issues: readonly Issue[]): void {
    const { runId, family } = job.candidate;
    const report: RunReport = { runId, family, status, rows, issues };
    this.#reports.push(report);
    this.#meter.add({ runsDone: 1 });
    const { began, staged = performance.now(), bytes } = this.#effort(job);
    this.#efforts.delete(job);
    this.#options.onRun?.(report, { ms: staged - began, bytes });
  }

  #effort(job: RunJob): Effort {
    let effort = this.#efforts.get(job);
    if (effort === undefined) {
      effort = { began: performance.now(), bytes: 0 };
      this.#efforts.set(job, effort);
    }
    return effort;
  }

  #ensureRunning(): void {
    const { signal } = this.#options;
    if (signal?.aborted) throw new CancelledError('the ingest', signal.reason);
  }
}

/** How it reads that a copy does not take the place of its original. */
function copyKeptOut({ candidate }: RunJob): Issue {
  return {
    severity: 'info',
    code: 'PUBLISHED_COPY',
    message: `the lake has ${candidate.runId} with its predictions, which this copy lacks; the run stays as it is`,
  };
}

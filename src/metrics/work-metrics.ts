import { AggregatorRegistry, Counter, Histogram, Registry } from 'prom-client';
import { z } from 'zod';
import type { Job, JobKind } from '../../compute/jobs/job.ts';
import type { RunEffort } from '../../ingest/pipeline/ingest.ts';
import type { RunReport } from '../../ingest/report.ts';
import type { CacheCounts } from '../../lake/cache/cache-counts.ts';

/** What a process counted, as it may be sent to another. */
export const workCounts = z.array(
  z.looseObject({ name: z.string(), values: z.array(z.looseObject({ value: z.number() })) }),
);
export type WorkCounts = z.infer<typeof workCounts>;

const SECONDS = [0.01, 0.1, 0.5, 1, 5, 30, 120, 600, 3600];

/**
 * What a server and its worker do behind the requests: ingests, attempts at jobs, the cache of objects. Every process counts
 * its own, under the label `process`; a server shows both.
 */
export class WorkMetrics {
  readonly #process: 'server' | 'worker';
  readonly #registry = new Registry();
  readonly #own = { registers: [this.#registry] };
  readonly #runs = new Histogram({
    ...this.#own,
    name: 'runlake_ingest_run_seconds',
    help: 'Time of reading and checking a run, by family and what became of it.',
    labelNames: ['process', 'family', 'outcome'],
    buckets: SECONDS,
  });
  readonly #rows = new Counter({
    ...this.#own,
    name: 'runlake_ingest_rows_total',
    help: 'Rows of runs that were put into the lake.',
    labelNames: ['process', 'family', 'table'],
  });
  readonly #issues = new Counter({
    ...this.#own,
    name: 'runlake_ingest_issues_total',
    help: 'Issues that ingests found.',
    labelNames: ['process', 'family', 'severity'],
  });
  readonly #bytes = new Counter({
    ...this.#own,
    name: 'runlake_ingest_bytes_total',
    help: 'Bytes of artifacts that ingests read to compare or to store them.',
    labelNames: ['process', 'family', 'outcome'],
  });
  readonly #attempts = new Histogram({
    ...this.#own,
    name: 'runlake_job_attempt_seconds',
    help: 'Time of attempts at jobs, by kind and the state that the job had afterwards (`lost`: another worker has it).',
    labelNames: ['process', 'kind', 'end'],
    buckets: SECONDS,
  });
  readonly #leases = new Counter({
    ...this.#own,
    name: 'runlake_job_leases_lost_total',
    help: 'Jobs that were taken from a worker which had fallen silent, counted by the worker that found out.',
    labelNames: ['process', 'kind'],
  });
  readonly #requests = new Counter({
    ...this.#own,
    name: 'runlake_cache_requests_total',
    help: 'Objects that the cache had (hit) and had to fetch (miss).',
    labelNames: ['process', 'outcome'],
  });
  readonly #fetched = new Counter({
    ...this.#own,
    name: 'runlake_cache_fetched_bytes_total',
    help: 'Bytes of objects that were fetched into the cache.',
    labelNames: ['process'],
  });
  readonly #evictions = new Counter({
    ...this.#own,
    name: 'runlake_cache_evictions_total',
    help: 'Objects that were removed from the cache to make room.',
    labelNames: ['process'],
  });
  readonly #evicted = new Counter({
    ...this.#own,
    name: 'runlake_cache_evicted_bytes_total',
    help: 'Bytes of those.',
    labelNames: ['process'],
  });
  readonly #cache: () => CacheCounts;

  /** @param cache what the cache of this process has done by now */
  constructor(process: 'server' | 'worker', cache: () => CacheCounts) {
    this.#process = process;
    this.#cache = cache;
  }

  ingested({ family, status: outcome, rows, issues }: RunReport, { ms, bytes }: RunEffort): void {
    const { process } = this.#labels;
    this.#runs.observe({ process, family, outcome }, ms / 1000);
    this.#bytes.inc({ process, family, outcome }, bytes);
    for (const [table, n] of Object.entries(rows)) this.#rows.inc({ process, family, table }, n);
    for (const { severity } of issues) this.#issues.inc({ process, family, severity });
  }

  attempted({ kind }: Pick<Job, 'kind'>, end: string, ms: number): void {
    this.#attempts.observe({ ...this.#labels, kind, end }, ms / 1000);
  }

  leaseLost({ kind }: { readonly kind: JobKind }): void {
    this.#leases.inc({ ...this.#labels, kind });
  }

  /** What has been counted by now. */
  async counts(): Promise<WorkCounts> {
    const { hits, misses, fetchedBytes, evictions, evictedBytes } = this.#cache();
    // The cache counts by itself.
    for (const counter of [this.#requests, this.#fetched, this.#evictions, this.#evicted]) counter.reset();
    this.#requests.inc({ ...this.#labels, outcome: 'hit' }, hits);
    this.#requests.inc({ ...this.#labels, outcome: 'miss' }, misses);
    this.#fetched.inc(this.#labels, fetchedBytes);
    this.#evictions.inc(this.#labels, evictions);
    this.#evicted.inc(this.#labels, evictedBytes);
    return workCounts.parse(await this.#registry.getMetricsAsJSON());
  }

  get #labels(): { readonly process: string } {
    return { process: this.#process };
  }
}

/** The counts of several processes in the form of Prometheus. */
export function workText(counts: readonly WorkCounts[]): Promise<string> {
  return AggregatorRegistry.aggregate([...counts]).metrics();
}

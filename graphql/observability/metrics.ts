import type { FastifyInstance } from 'fastify';
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { JOB_KINDS, JOB_STATES } from '../../compute/jobs/job.ts';
import type { JobService } from '../../compute/jobs/job-service.ts';
import type { LakeReader } from '../../lake/engine/types.ts';
import type { RequestCost } from './cost.ts';
import type { FinishedExport } from './exports.ts';

/** An operation that has been answered. */
export interface AnsweredOperation {
  /** query or mutation. */
  readonly type: string;
  /** Its root field, `several`, or `none`: names of operations are the clients' to choose, and would be endless. */
  readonly field: string;
  /** `ok`, or the code of its first error. */
  readonly outcome: string;
  readonly seconds: number;
  readonly cost: Readonly<RequestCost>;
}

const SECONDS = [0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

export interface MetricsOptions {
  /** Also memory, CPU, event loop and garbage collection of this process: for one server a process. */
  readonly process?: boolean;
  /** What is counted elsewhere, in the form of Prometheus. */
  readonly more?: () => Promise<string>;
}

/** What a server counts, in the form of Prometheus. */
export class Metrics {
  /** Other parts of a server may register theirs. */
  readonly registry = new Registry();
  readonly #own = { registers: [this.registry] };
  readonly #more: MetricsOptions['more'];
  readonly #requests = new Histogram({
    ...this.#own,
    name: 'runlake_http_request_seconds',
    help: 'Time from the headers of a request to the end of its answer.',
    labelNames: ['method', 'route', 'status'],
    buckets: SECONDS,
  });
  readonly #operations = new Histogram({
    ...this.#own,
    name: 'runlake_operation_seconds',
    help: 'Time of GraphQL operations, by root field and by `ok` or the code of the first error.',
    labelNames: ['type', 'field', 'outcome'],
    buckets: SECONDS,
  });
  readonly #read = new Counter({
    ...this.#own,
    name: 'runlake_read_total',
    help: 'Data files after pruning, their bytes, rows given, and statements run, by the door that asked.',
    labelNames: ['door', 'what'],
  });
  readonly #exports = new Histogram({
    ...this.#own,
    name: 'runlake_export_seconds',
    help: 'Time of exports, by how they leave the server, format, and `ok` or the code of the error.',
    labelNames: ['how', 'format', 'outcome'],
    buckets: [...SECONDS, 300, 1800],
  });
  readonly #exported = new Counter({
    ...this.#own,
    name: 'runlake_export_total',
    help: 'Rows and bytes of exports.',
    labelNames: ['how', 'what'],
  });
  readonly #jobs = new Gauge({
    ...this.#own,
    name: 'runlake_jobs',
    help: 'Jobs in the queue by kind and state.',
    labelNames: ['kind', 'state'],
  });
  readonly #versions = new Gauge({
    ...this.#own,
    name: 'runlake_table_version',
    help: 'Version of each table in the newest snapshot.',
    labelNames: ['table'],
  });
  readonly #runs = new Gauge({ ...this.#own, name: 'runlake_runs', help: 'Runs in the newest snapshot.' });

  constructor({ process = false, more }: MetricsOptions = {}) {
    this.#more = more;
    if (process) collectDefaultMetrics({ register: this.registry });
  }

  answered({ type, field, outcome, seconds, cost }: AnsweredOperation): void {
    this.#operations.observe({ type, field, outcome }, seconds);
    this.read('graphql', cost);
  }

  /** @param door by which it was asked for */
  read(door: 'graphql' | 'export' | 'postgres', cost: Readonly<RequestCost>): void {
    for (const what of ['files', 'bytes', 'rows', 'statements'] as const)
      this.#read.inc({ door, what }, cost[what]);
  }

  exported({ how, format, outcome, seconds, rows, written, cost }: FinishedExport): void {
    this.#exports.observe({ how, format, outcome }, seconds);
    this.#exported.inc({ how, what: 'rows' }, rows);
    this.#exported.inc({ how, what: 'bytes' }, written);
    // What a mutation reads is its operation's.
    if (how === 'stream') this.read('export', cost);
  }

  /** Counts the requests of a server, and adds `GET /metrics` for readers. */
  addTo(app: FastifyInstance, reader: LakeReader, jobs: JobService | undefined): void {
    app.addHook('onResponse', async (request, reply) => {
      const { method } = request;
      const route = request.routeOptions.url ?? 'none';
      this.#requests.observe({ method, route, status: reply.statusCode }, reply.elapsedTime / 1000);
    });
    app.get('/metrics', { config: { access: 'reader' } }, async (request, reply) => {
      const signal = AbortSignal.timeout(10_000);
      const looks = [this.#lookAtLake(reader, signal), this.#lookAtJobs(jobs)];
      for (const look of await Promise.allSettled(looks)) {
        if (look.status === 'rejected') request.log.warn({ err: look.reason }, 'a metric cannot be read');
      }
      const text = [await this.registry.metrics(), (await this.#more?.()) ?? ''];
      return reply.type(this.registry.contentType).send(text.join('\n'));
    });
  }

  async #lookAtLake(reader: LakeReader, signal: AbortSignal): Promise<void> {
    const { versions, runs } = await reader.snapshot(undefined, { signal });
    for (const [table, version] of Object.entries(versions)) this.#versions.set({ table }, version);
    this.#runs.set(runs.size);
  }

  async #lookAtJobs(jobs: JobService | undefined): Promise<void> {
    if (jobs === undefined) return;
    const tally = await jobs.queue.tally();
    for (const kind of JOB_KINDS) {
      for (const state of JOB_STATES) {
        const found = tally.find((one) => one.kind === kind && one.state === state);
        this.#jobs.set({ kind, state }, found?.jobs ?? 0);
      }
    }
  }
}

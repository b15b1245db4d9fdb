import type { ChildProcess } from 'node:child_process';
import { EventEmitter } from 'node:events';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { Metrics } from '../../graphql/observability/metrics.ts';
import { noCacheCounts } from '../../lake/cache/cache-counts.ts';
import { askForCounts } from '../worker-counts.ts';
import { PostgresMetrics } from './postgres-metrics.ts';
import { WorkMetrics, workText } from './work-metrics.ts';

const report = {
  runId: 'main/a',
  family: 'FV',
  status: 'ingested',
  rows: { fv_heads: 12 },
  issues: [{ severity: 'warning', code: 'X', message: 'x' }],
} as const;

test('docs/operations.md has every metric, and no other', async () => {
  const metrics = new Metrics();
  new PostgresMetrics(metrics.registry);
  const work = new WorkMetrics('server', noCacheCounts);
  const registered = [...(await metrics.registry.getMetricsAsArray()), ...(await work.counts())].map(
    ({ name }) => name,
  );
  const page = readFileSync(new URL('../../docs/operations.md', import.meta.url), 'utf8');
  const listed = [...page.matchAll(/^\| `(runlake_\w+)`/gm)].map(([, name]) => name);
  expect(listed.toSorted()).toEqual(registered.toSorted());
});

test('what a server and its worker did is shown side by side', async () => {
  const server = new WorkMetrics('server', () => ({
    hits: 5,
    misses: 2,
    fetchedBytes: 300,
    evictions: 1,
    evictedBytes: 100,
  }));
  const worker = new WorkMetrics('worker', noCacheCounts);
  server.ingested(report, { ms: 20, bytes: 1000 });
  worker.ingested(report, { ms: 700, bytes: 1000 });
  worker.ingested({ ...report, status: 'rejected', rows: {} }, { ms: 1, bytes: 10 });
  worker.attempted({ kind: 'probe' }, 'completed', 400);
  worker.leaseLost({ kind: 'fv' });
  const twice = async () => workText([await server.counts(), await worker.counts()]);
  await twice();
  const text = await twice();
  for (const line of [
    'runlake_ingest_run_seconds_count{process="server",family="FV",outcome="ingested"} 1',
    'runlake_ingest_run_seconds_bucket{le="0.5",process="worker",family="FV",outcome="ingested"} 0',
    'runlake_ingest_rows_total{process="worker",family="FV",table="fv_heads"} 12',
    'runlake_ingest_issues_total{process="worker",family="FV",severity="warning"} 2',
    'runlake_ingest_bytes_total{process="worker",family="FV",outcome="rejected"} 10',
    'runlake_job_attempt_seconds_count{process="worker",kind="probe",end="completed"} 1',
    'runlake_job_leases_lost_total{process="worker",kind="fv"} 1',
    'runlake_cache_requests_total{process="server",outcome="hit"} 5',
    'runlake_cache_requests_total{process="server",outcome="miss"} 2',
    'runlake_cache_fetched_bytes_total{process="server"} 300',
    'runlake_cache_evictions_total{process="server"} 1',
    'runlake_cache_evicted_bytes_total{process="server"} 100',
  ])
    expect(text).toContain(`${line}\n`);
});

test('a worker is asked for its counts, and one that does not answer properly has none', async () => {
  const worker = new WorkMetrics('worker', noCacheCounts);
  worker.leaseLost({ kind: 'fv' });
  const counts = await worker.counts();
  const child = (answer: (child: EventEmitter) => void) => {
    const emitter = new EventEmitter();
    const send = (_: unknown, sent: (error: Error | null) => void): void => {
      sent(null);
      answer(emitter);
    };
    return Object.assign(emitter, { connected: true, send }) as unknown as ChildProcess;
  };
  const good = child((process) => {
    process.emit('message', 'something else');
    process.emit('message', { counts });
  });
  expect(await askForCounts(good)).toEqual(counts);
  expect(good.listenerCount('message')).toBe(0);
  expect(
    await askForCounts(
      child(() => undefined),
      20,
    ),
  ).toBeUndefined();
});

import { createServer as createHttpServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { GetObjectCommand } from '@aws-sdk/client-s3';
import { context, ProxyTracerProvider, propagation, trace } from '@opentelemetry/api';
import { NodeTracerProvider } from '@opentelemetry/sdk-trace-node';
import type { FastifyInstance } from 'fastify';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { z } from 'zod';
import { EmbeddedQueue } from '../compute/jobs/embedded-queue.ts';
import { JobService } from '../compute/jobs/job-service.ts';
import { runWorker, type Task } from '../compute/jobs/worker.ts';
import { TASKS } from '../compute/tasks/tasks.ts';
import { createServer } from '../graphql/server.ts';
import { FAMILIES } from '../ingest/families/families.ts';
import { ingest, type RunEffort } from '../ingest/pipeline/ingest.ts';
import { temporaryTree } from '../ingest/testing.ts';
import { createS3Client } from '../lake/store/s3-client.ts';
import { inSpan, type TraceOrigin, traceOrigin } from '../lake/telemetry.ts';
import { smallRuns } from './support/small-runs.ts';
import { type TemporaryLake, temporaryLake } from './support/temporary-lake.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const CALLER = 'b7ad6b7169203331';

const attributes = z
  .array(z.object({ key: z.string(), value: z.record(z.string(), z.unknown()) }))
  .transform((list) =>
    Object.fromEntries(list.map(({ key, value }) => [key, String(Object.values(value)[0])])),
  );
const spanSchema = z.object({
  traceId: z.string(),
  spanId: z.string(),
  parentSpanId: z.string().optional(),
  name: z.string(),
  kind: z.number(),
  attributes,
  links: z.array(z.object({ traceId: z.string(), spanId: z.string() })).default([]),
  status: z.object({ code: z.number().optional() }),
});
type Span = z.infer<typeof spanSchema>;
/** What a collector is sent (OTLP over HTTP, JSON). */
const otlp = z.object({
  resourceSpans: z.array(z.object({ scopeSpans: z.array(z.object({ spans: z.array(spanSchema) })) })),
});

const launched = z.object({ data: z.object({ launchProbe: z.object({ id: z.string() }) }) });

const spans: Span[] = [];
let collector: Server;
let home: TemporaryLake;
let queue: EmbeddedQueue;
let app: FastifyInstance;
let origin: string;
/** What is kept with a job before there is an SDK. */
let untraced: TraceOrigin | undefined;
const lines: Record<string, unknown>[] = [];

beforeAll(async () => {
  collector = createHttpServer((request, response) => {
    const pieces: Buffer[] = [];
    request.on('data', (piece: Buffer) => pieces.push(piece));
    request.on('end', () => {
      const { resourceSpans } = otlp.parse(JSON.parse(Buffer.concat(pieces).toString()));
      for (const { scopeSpans } of resourceSpans) spans.push(...scopeSpans.flatMap((scope) => scope.spans));
      response.end('{}');
    });
  });
  const port = await listening(collector);
  process.env['OTEL_EXPORTER_OTLP_ENDPOINT'] = `http://127.0.0.1:${port}`;
  untraced = inSpan('launch probe', {}, traceOrigin);
  // What docs/operations.md tells people to begin with.
  await import('../examples/tracing/otel.mjs' as string);
  home = await temporaryLake();
  const logger = pino({ base: undefined }, { write: (line: string) => lines.push(JSON.parse(line)) });
  queue = new EmbeddedQueue(join(home.directory, 'queue'), { backoffMs: 1 });
  app = await createServer({
    reader: home.lake,
    jobs: new JobService(queue, home.lake.store, TASKS),
    logger,
  });
  origin = await app.listen({ host: '127.0.0.1', port: 0 });
});
afterAll(async () => {
  await app?.close();
  await queue?.close();
  await home?.remove();
  await sdk()?.shutdown();
  collector?.close();
  // Other tests may run in this process.
  delete process.env['OTEL_EXPORTER_OTLP_ENDPOINT'];
  trace.disable();
  context.disable();
  propagation.disable();
});

async function listening(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

function sdk(): NodeTracerProvider | undefined {
  const provider = trace.getTracerProvider();
  const delegate = provider instanceof ProxyTracerProvider ? provider.getDelegate() : provider;
  return delegate instanceof NodeTracerProvider ? delegate : undefined;
}

/** Spans since the last call, as the collector got them; waits for those named, which may end after the answer to a request. */
async function collected(...awaited: readonly string[]): Promise<Span[]> {
  const missing = async () => {
    await sdk()?.forceFlush();
    return awaited.filter((name) => !spans.some((span) => span.name === name));
  };
  await expect.poll(missing).toEqual([]);
  return spans.splice(0);
}

const named = (all: readonly Span[], name: string): Span => {
  const found = all.find((span) => span.name === name);
  if (found === undefined) throw new Error(`no span ${name} among ${all.map((span) => span.name)}`);
  return found;
};

async function ask(query: string, headers: Record<string, string> = {}): Promise<unknown> {
  const response = await fetch(`${origin}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ query }),
  });
  return response.json();
}

it('an ingest has a span for every run, with the statements and commits below', async () => {
  await collected();
  const runs = temporaryTree(smallRuns(1));
  const efforts: RunEffort[] = [];
  await ingest(home.writer, [runs.path], {
    families: FAMILIES,
    onRun: (_, effort) => void efforts.push(effort),
  });
  for (const { ms, bytes } of efforts) expect([ms > 0, bytes > 0]).toEqual([true, true]);
  runs.remove();
  const all = await collected();
  const root = named(all, 'ingest');
  expect(root.parentSpanId ?? '').toBe('');
  const each = all.filter(({ name }) => name === 'ingest run');
  expect(each.length).toBeGreaterThan(0);
  for (const { attributes: a, parentSpanId } of each) {
    expect(parentSpanId).toBe(root.spanId);
    expect(a).toMatchObject({
      'runlake.family': 'HALLULENS',
      'runlake.run_id': expect.stringMatching(/^main\//),
    });
  }
  expect(named(all, 'commit runs').parentSpanId).toBe(root.spanId);
  expect(new Set(all.map(({ traceId }) => traceId)).size).toBe(1);
});

it('a request continues the trace of its caller, down to the statement', async () => {
  home.lake.refresh();
  const traceparent = `00-${TRACE}-${CALLER}-01`;
  expect(await ask('query Mine { runs { nodes { id } } }', { traceparent })).toHaveProperty('data.runs');
  const all = await collected('POST /graphql');
  expect(new Set(all.map(({ traceId }) => traceId))).toEqual(new Set([TRACE]));
  const request = named(all, 'POST /graphql');
  expect(request).toMatchObject({
    parentSpanId: CALLER,
    attributes: {
      'http.request.method': 'POST',
      'http.route': '/graphql',
      'http.response.status_code': '200',
    },
  });
  const operation = named(all, 'query');
  expect(operation).toMatchObject({
    parentSpanId: request.spanId,
    attributes: {
      'graphql.operation.type': 'query',
      'graphql.operation.name': 'Mine',
      'runlake.field': 'runs',
      'runlake.outcome': 'ok',
    },
  });
  expect(named(all, 'plan').parentSpanId).toBe(operation.spanId);
  expect(named(all, 'replay log').parentSpanId).toBe(named(all, 'snapshot').spanId);
  expect(named(all, 'fetch files').attributes).toMatchObject({ 'runlake.table': 'runs' });
  const statement = named(all, 'SELECT');
  expect(statement.parentSpanId).toBe(operation.spanId);
  expect(statement.attributes).toMatchObject({
    'db.system.name': 'duckdb',
    'db.query.text': expect.stringMatching(/^\s*(SELECT|WITH)/),
    'db.response.returned_rows': expect.stringMatching(/^[1-9]\d*$/),
  });
  expect(lines.find(({ msg }) => msg === 'operation')).toMatchObject({ trace_id: TRACE });
});

it('errors tell the trace that has what led to them', async () => {
  const traceparent = `00-${TRACE}-${CALLER}-01`;
  const extensions = { traceId: TRACE };
  expect(await ask('{ sql(query: "SELECT nothing FROM runs") { rowCount } }', { traceparent })).toMatchObject(
    {
      errors: [{ extensions: { code: 'QUERY_FAILED', ...extensions } }],
    },
  );
  expect(await ask('('.repeat(1000), { traceparent })).toMatchObject({ errors: [{ extensions }] });
  const failed = (await collected('POST /graphql')).filter(
    ({ name, status }) => name === 'SELECT' && status.code === 2,
  );
  expect(failed).toMatchObject([{ attributes: { 'error.type': 'QUERY_FAILED' } }]);
});

async function drain(probe: Task): Promise<void> {
  const { signal } = new AbortController();
  await runWorker(queue, { id: 'w', drain: true, signal, beatMs: 5, tasks: { probe } });
}

it('an attempt at a job has the stages that its task tells of', async () => {
  await queue.submit({ id: 'job-1', kind: 'probe', spec: {} });
  await drain(async ({ progress }) => {
    for (const stage of ['read', 'fit 1', 'fit 2']) {
      progress({ stage, series: stage.replace(/ .*/, ''), done: 1 });
    }
    return null;
  });
  const all = await collected();
  const job = named(all, 'job probe');
  expect(job.attributes).toMatchObject({ 'runlake.job.id': 'job-1', 'runlake.job.end': 'completed' });
  const stages = all.filter(({ name }) => name === 'stage');
  expect(stages.map(({ attributes: a }) => a['runlake.job.stage'])).toEqual(['read', 'fit 1']);
  for (const { parentSpanId } of stages) expect(parentSpanId).toBe(job.spanId);
  expect(job.links).toEqual([]);
});

it('nothing is kept with a job where nothing is traced', () => {
  expect(untraced).toBeUndefined();
});

it('every attempt at a job is a trace of its own, linked to what launched it in the trace of the request', async () => {
  const traceparent = `00-${TRACE}-${CALLER}-01`;
  const headers = { traceparent, tracestate: 'vendor=7', baggage: 'user=ada' };
  const launch =
    'mutation { launchProbe(input: {runs: {modelId: "m"}, method: LAYER_SWEEP}, maxAttempts: 2) { id } }';
  const { data } = launched.parse(await ask(launch, headers));
  const { id } = data.launchProbe;
  const request = await collected('POST /graphql');
  const producer = named(request, 'launch probe');
  expect(producer).toMatchObject({ traceId: TRACE, kind: 4, attributes: { 'runlake.job.id': id } });
  expect(producer.parentSpanId).toBe(named(request, 'mutation').spanId);
  expect((await queue.get(id))?.origin).toEqual({
    traceparent: `00-${TRACE}-${producer.spanId}-01`,
    tracestate: 'vendor=7',
  });
  let attempts = 0;
  await drain(async () => {
    if (attempts++ === 0) throw new Error('no luck');
    return null;
  });
  const jobs = (await collected()).filter(({ name }) => name === 'job probe');
  expect(jobs.map(({ attributes: a }) => a['runlake.job.end'])).toEqual(['pending', 'completed']);
  const traces = new Set([TRACE, ...jobs.map(({ traceId }) => traceId)]);
  expect(traces.size).toBe(3);
  for (const job of jobs) {
    expect(job).toMatchObject({ kind: 5, attributes: { 'runlake.job.id': id } });
    expect(job.links).toEqual([{ traceId: TRACE, spanId: producer.spanId }]);
  }
});

it('requests to S3 have the names of their operations', async () => {
  const bucket = createHttpServer((_, response) => response.end('bytes'));
  const endpoint = `http://127.0.0.1:${await listening(bucket)}`;
  const credentials = { accessKeyId: 'a', secretAccessKey: 'b' };
  const client = createS3Client({ bucket: 'lake', prefix: '', endpoint, credentials }, 1);
  await client.send(new GetObjectCommand({ Bucket: 'lake', Key: 'a/b' }));
  client.destroy();
  bucket.close();
  expect(named(await collected(), 'S3/GetObject').attributes).toEqual({
    'rpc.system': 'aws-api',
    'rpc.service': 'S3',
    'rpc.method': 'GetObject',
    'aws.s3.bucket': 'lake',
    'aws.s3.key': 'a/b',
  });
});

import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { z } from 'zod';
import { CATALOG } from '../../bi/views/views.ts';
import { createServer } from '../../graphql/server.ts';
import { FAMILIES } from '../../ingest/families/families.ts';
import { ingest } from '../../ingest/pipeline/ingest.ts';
import { temporaryTree } from '../../ingest/testing.ts';
import { deleteExpiredExports, Exporter } from '../../lake/export/exporter.ts';
import type { ObjectStore } from '../../lake/store/object-store.ts';
import { S3Store } from '../../lake/store/s3-store.ts';
import { exportTo } from '../../src/export-file.ts';
import { pythonHas, runPython } from '../support/python.ts';
import { freshBucket, s3Missing, s3Server } from '../support/s3-server.ts';
import { smallRuns } from '../support/small-runs.ts';
import { type TemporaryLake, temporaryLake } from '../support/temporary-lake.ts';

const ROWS = 40_000;
const LONG = `SELECT i, repeat('x', 500) || i AS text FROM range(${ROWS}) r(i)`;
/** The last of its rows cannot be made. */
const FAILING =
  "SELECT i, CASE WHEN i = 1999999 THEN 'x' ELSE i::VARCHAR END::INT AS n FROM range(2000000) r(i)";
const VECTORS = 'SELECT activation_key, layer, vector FROM activations ORDER BY ALL';

interface Served {
  readonly lake: TemporaryLake;
  readonly app: FastifyInstance;
  readonly origin: string;
}

async function serve(store?: ObjectStore): Promise<Served> {
  const lake = await temporaryLake(store && { store });
  const tree = temporaryTree(smallRuns(1));
  await ingest(lake.writer, [tree.path], { families: FAMILIES });
  tree.remove();
  const app = await createServer({
    reader: lake.lake,
    exporter: new Exporter(lake.lake),
    catalog: CATALOG,
    config: { limits: { exportBytes: 40e6 } },
  });
  return { lake, app, origin: await app.listen({ host: '127.0.0.1', port: 0 }) };
}

const exported = z.object({
  url: z.string(),
  format: z.string(),
  rows: z.number(),
  bytes: z.number(),
  sha256: z.string(),
  snapshot: z.string(),
  expiresAt: z.string(),
});

async function exportQuery({ app, origin }: Served, input: object) {
  const query =
    'mutation ($input: ExportInput!) { exportQuery(input: $input) { url format rows bytes sha256 snapshot expiresAt } }';
  const response = await app.inject({
    method: 'POST',
    url: '/graphql',
    headers: { host: new URL(origin).host },
    payload: { query, variables: { input } },
  });
  const { data, errors } = response.json();
  if (errors !== undefined) throw Object.assign(new Error(errors[0].message), errors[0].extensions);
  return exported.parse(data.exportQuery);
}

const streamUrl = ({ origin }: Served, sql: string, format = 'arrow', asOf = '') =>
  `${origin}/export/query.${format}?${new URLSearchParams({ sql, ...(asOf && { asOf }) })}`;

let served: Served;
let directory: string;
/** The state before a second ingest. */
let oneSeed: string;
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'runlake-export-'));
  served = await serve();
});
afterAll(async () => {
  await served.app.close();
  await served.lake.remove();
  rmSync(directory, { recursive: true });
});

async function python(source: string, ...args: string[]): Promise<unknown> {
  return JSON.parse(await runPython('-c', [source, ...args]));
}

describe.skipIf(!pythonHas('pyarrow', 'polars', 'pandas', 'requests'))('notebooks', () => {
  it('read what streams, and notice when it breaks off', async () => {
    const { lake } = served.lake;
    const { rows } = await lake.query(
      `SELECT count(*), sum(list_sum(vector)) FROM ${(await lake.relation(await lake.snapshot(), 'activations')).sql}`,
    );
    const seen = await python(
      `
import io, json, sys, urllib.request, requests, pyarrow as pa, pyarrow.parquet as pq, polars as pl
arrow, parquet, failing = sys.argv[1:]
with urllib.request.urlopen(arrow) as response:
    table = pa.ipc.open_stream(response).read_all()
    snapshot = response.headers['x-runlake-snapshot']
table.validate(full=True)
frame = pl.read_ipc_stream(requests.get(arrow).content)
pandas = pa.ipc.open_stream(urllib.request.urlopen(arrow)).read_pandas()
file = pq.read_table(io.BytesIO(requests.get(parquet).content))
pframe = pl.read_parquet(io.BytesIO(requests.get(parquet).content))
noticed = []
try: requests.get(failing).content
except requests.exceptions.ChunkedEncodingError: noticed.append('requests')
try:
    with urllib.request.urlopen(failing) as response: pa.ipc.open_stream(response).read_all()
except Exception as error: noticed.append(type(error).__name__)
print(json.dumps({
    'types': [str(f.type) for f in table.schema],
    'same': [table.equals(pa.Table.from_batches(file.to_batches(), table.schema)), len(frame) == len(pframe) == len(table)],
    'parquet': str(file.schema.field('vector').type),
    'polars': [str(frame.schema['vector']), str(pframe.schema['vector'])],
    'pandas': [len(pandas) == len(table), list(pandas['vector'].iloc[0].shape)],
    'rows': len(table), 'sum': float(sum(x for v in table['vector'].to_pylist() for x in v)),
    'snapshot': snapshot, 'noticed': noticed}))`,
      streamUrl(served, VECTORS),
      streamUrl(served, VECTORS, 'parquet'),
      streamUrl(served, FAILING),
    );
    expect(seen).toMatchObject({
      types: ['string', 'int32', 'fixed_size_list<item: float>[8]'],
      same: [true, true],
      parquet: 'fixed_size_list<element: float>[8]',
      polars: ['Array(Float32, shape=(8,))', 'Array(Float32, shape=(8,))'],
      pandas: [true, [8]],
      rows: Number(rows[0]?.[0]),
      sum: expect.closeTo(Number(rows[0]?.[1]), 3),
      snapshot: (await lake.snapshot()).token,
      noticed: ['requests', 'IncompleteRead'],
    });
  });

  it('read what exportQuery wrote', async () => {
    const arrow = await exportQuery(served, { sql: VECTORS });
    const parquet = await exportQuery(served, { sql: VECTORS, format: 'PARQUET', compression: 'SNAPPY' });
    expect(arrow.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/export\/[0-9a-f-]+\.arrow$/);
    const seen = await python(
      `
import hashlib, io, json, sys, requests, polars as pl, pyarrow.feather as feather, pyarrow.parquet as pq
bodies = [requests.get(url).content for url in sys.argv[1:]]
tables = [feather.read_table(io.BytesIO(bodies[0])), pq.read_table(io.BytesIO(bodies[1]))]
print(json.dumps([[len(b), hashlib.sha256(b).hexdigest(), len(t), str(t.schema.field('vector').type)] for b, t in zip(bodies, tables)]
  + [len(pl.read_ipc(io.BytesIO(bodies[0])))]))`,
      arrow.url,
      parquet.url,
    );
    expect(seen).toEqual([
      [arrow.bytes, arrow.sha256, arrow.rows, 'fixed_size_list<item: float>[8]'],
      [parquet.bytes, parquet.sha256, parquet.rows, 'fixed_size_list<element: float>[8]'],
      arrow.rows,
    ]);
    expect(Date.parse(arrow.expiresAt)).toBeGreaterThan(Date.now() + 23 * 3_600_000);
  });
});

it('says rows, hash and snapshot of a stream, and repeats it byte by byte from that snapshot', async () => {
  const get = async (asOf = '') => {
    const request = httpRequest(
      streamUrl(served, 'SELECT * FROM generations ORDER BY ALL', 'arrow', asOf),
    ).end();
    const [response] = await once(request, 'response');
    const chunks: Buffer[] = [];
    for await (const chunk of response) chunks.push(chunk);
    return { body: Buffer.concat(chunks), headers: response.headers, trailers: response.trailers };
  };
  const { body, headers, trailers } = await get();
  expect(headers['content-type']).toBe('application/vnd.apache.arrow.stream');
  expect(trailers['x-runlake-sha256']).toBe(createHash('sha256').update(body).digest('hex'));
  expect(trailers['x-runlake-rows']).toBe('16');
  const tree = temporaryTree(smallRuns(2));
  await ingest(served.lake.writer, [tree.path], { families: FAMILIES });
  tree.remove();
  expect((await get()).trailers['x-runlake-rows']).toBe('32');
  oneSeed = String(headers['x-runlake-snapshot']);
  const old = await get(oneSeed);
  expect(old.body.equals(body)).toBe(true);
});

/** Exports without SQL as GraphQL writes them, and what they are in SQL. */
const ROWS_AND_SQL = {
  '{generations: {filter: {halu: {eq: true}, run: {method: {eq: "probe_v1"}}}, orderBy: [{field: EXAMPLE_ID, direction: DESC}], columns: ["exampleId", "prompt"]}}': `SELECT g.example_id, g.prompt FROM generations g JOIN runs USING (run_id)
     WHERE halu AND method = 'probe_v1' ORDER BY g.example_id DESC`,
  '{activations: {layer: -1, orderBy: [{field: ACTIVATION_KEY}], first: 9}}': `SELECT * FROM activations
     WHERE layer = (SELECT max(layer) FROM activations) ORDER BY activation_key, store_id, token_index LIMIT 9`,
  '{relation: {name: "run_metrics", run: {method: {eq: "probe_v2"}, seed: {eq: 1}}, columns: ["run_id", "mcc"]}}':
    "SELECT run_id, mcc FROM run_metrics WHERE method = 'probe_v2' AND seed = 1",
};

it('exports rows without SQL: the same file, stream and statement', async () => {
  const { app } = served;
  for (const [rows, sql] of Object.entries(ROWS_AND_SQL)) {
    const query = `mutation { exportQuery(input: {format: ARROW_STREAM, rows: ${rows}}) { rows sha256 } }`;
    const { data } = (await app.inject({ method: 'POST', url: '/graphql', payload: { query } })).json();
    const { rows: count, sha256 } = await exportQuery(served, { sql, format: 'ARROW_STREAM' });
    expect(count).toBeGreaterThan(0);
    expect(data.exportQuery, rows).toEqual({ rows: count, sha256 });
    const streamed = await app.inject(`/export/query.arrow?${new URLSearchParams({ rows })}`);
    expect(createHash('sha256').update(streamed.rawPayload).digest('hex'), rows).toBe(sha256);
  }
});

it('takes rows from variables too, and from an older state', async () => {
  const asOf = { snapshot: oneSeed };
  const rows = { generations: { filter: { run: { method: { in: ['probe_v1'] } } } } };
  expect([await exportQuery(served, { rows }), await exportQuery(served, { rows, asOf })]).toMatchObject([
    { rows: 16, format: 'ARROW' },
    { rows: 8 },
  ]);
  const refused = (input: object) => exportQuery(served, input).catch((error: unknown) => error);
  const named = (message: string) => ({ code: 'BAD_USER_INPUT', message });
  expect(await refused({ rows: { ...rows, runs: {} } })).toMatchObject(named('rows: names more than one'));
  expect(await refused({ rows: { runs: { columns: ['nope'] } } })).toMatchObject(
    named('rows.runs.columns: there is no column nope'),
  );
  expect(await refused({ rows: { relation: { name: 'nope' } } })).toMatchObject(
    named('rows.relation.name: there is no table or view nope'),
  );
  expect(await refused({ rows, sql: 'SELECT 1' })).toMatchObject(named('input: asks for two things'));
  expect(await refused({ rows: null })).toMatchObject(named('input: asks for nothing'));
});

it('refuses before the first byte what cannot be exported', async () => {
  const { app } = served;
  const ask = async (url: string) => (await app.inject(url)).json().errors?.[0]?.extensions?.code;
  const of = (sql: string) => `/export/query.arrow?${new URLSearchParams({ sql })}`;
  expect(await ask(of("SELECT * FROM read_text('/etc/passwd')"))).toBe('SQL_FORBIDDEN');
  expect(await ask(of('SELECT nope FROM runs'))).toBe('QUERY_FAILED');
  expect(await ask('/export/query.arrow')).toBe('BAD_USER_INPUT');
  expect((await app.inject('/export/query.xlsx?sql=SELECT%201')).statusCode).toBe(404);
  expect(await ask('/export/query.xlsx?sql=SELECT%201')).toBe('EXPORT_NOT_FOUND');
  expect((await app.inject('/export/..%2fauth%2ftokens')).statusCode).toBe(400);
  expect((await app.inject('/export/00000000-0000-0000-0000-000000000000.arrow')).statusCode).toBe(404);
  expect(await ask('/export/00000000-0000-0000-0000-000000000000.arrow')).toBe('EXPORT_NOT_FOUND');
  const posted = await app.inject({
    method: 'POST',
    url: '/export/query.arrow',
    payload: { sql: 'SELECT 1 AS one', asOf: 'zzz' },
  });
  expect(posted.json().errors[0].extensions.code).toBe('INVALID_ARGUMENT');
  await expect(
    exportQuery(served, { sql: 'SELECT 1', format: 'ARROW', compression: 'ZSTD' }),
  ).rejects.toMatchObject({
    code: 'EXPORT_FAILED',
  });
});

it('leaves nothing of an export that fails or is too large, and deletes what has expired', async () => {
  const { lake } = served.lake;
  const names = async () => {
    const keys: string[] = [];
    for await (const { key } of lake.store.list({ prefix: 'exports/' })) keys.push(key);
    return keys;
  };
  const before = await names();
  await expect(exportQuery(served, { sql: FAILING })).rejects.toMatchObject({ code: 'QUERY_FAILED' });
  const large = `SELECT repeat('z', 1000) || i AS text FROM range(100000) r(i)`;
  await expect(exportQuery(served, { sql: large })).rejects.toMatchObject({
    code: 'LIMIT_EXCEEDED',
    limit: 'exportBytes',
  });
  expect(await names()).toEqual(before);
  await exportQuery(served, { sql: 'SELECT 1 AS one' });
  await sleep(20);
  expect(await deleteExpiredExports(lake.store, { lifeMs: 10 })).toMatchObject({ files: before.length + 1 });
  expect(await names()).toEqual([]);
});

it('writes local files that appear when they are complete', async () => {
  const { lake } = served.lake;
  const snapshot = await lake.snapshot();
  for (const format of ['arrow', 'parquet'] as const) {
    const path = join(directory, `a.${format}`);
    const { rows, sha256 } = await exportTo(path, lake, { snapshot, sql: VECTORS, format }, {});
    expect(rows).toBeGreaterThan(0);
    expect(sha256).toBe(createHash('sha256').update(readFileSync(path)).digest('hex'));
    const failing = join(directory, `failing.${format}`);
    await expect(exportTo(failing, lake, { snapshot, sql: FAILING, format }, {})).rejects.toMatchObject({
      code: 'QUERY_FAILED',
    });
  }
  expect(readdirSync(directory).sort()).toEqual(['a.arrow', 'a.parquet']);
});

setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');

/** Bytes that JavaScript and DuckDB hold. */
async function heldBytes(): Promise<number> {
  collectGarbage();
  const { rows } = await served.lake.lake.query('SELECT sum(memory_usage_bytes) FROM duckdb_memory()');
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return Number(rows[0]?.[0]) + heapUsed + arrayBuffers;
}

it('holds little for a reader that pauses, and stops the query of one that leaves', async () => {
  const { hostname, port } = new URL(served.origin);
  const before = await heldBytes();
  const sql = `SELECT i, repeat('x', 1000) || i AS text FROM range(3000000) r(i)`;
  const socket = connect(Number(port), hostname);
  socket.write(
    `GET /export/query.arrow?${new URLSearchParams({ sql })} HTTP/1.1\r\nhost: ${hostname}:${port}\r\n\r\n`,
  );
  await once(socket, 'readable');
  await sleep(300);
  // 3 GB are asked for; sockets, one batch here and one there, and what DuckDB has made ahead.
  expect((await heldBytes()) - before).toBeLessThan(64e6);
  socket.destroy();
  await expect.poll(async () => (await heldBytes()) - before).toBeLessThan(16e6);
  // The connection is free again for the next one.
  expect((await fetch(streamUrl(served, 'SELECT 1 AS one'))).status).toBe(200);
});

it.skipIf(s3Missing !== undefined || !pythonHas('pyarrow', 'requests'))(
  'gives signed URLs of the bucket, which need nothing else',
  async () => {
    const settings = await freshBucket(await s3Server(inject('s3StateFolder')), 'a lake');
    const remote = await serve(new S3Store(settings));
    try {
      const stored = await exportQuery(remote, { sql: LONG, format: 'ARROW_STREAM' });
      expect(new URL(stored.url).origin).toBe(new URL(settings.endpoint ?? '').origin);
      expect(stored.bytes).toBeGreaterThan(ROWS * 500);
      expect(
        await python(
          `
import hashlib, io, json, sys, requests, pyarrow as pa
body = requests.get(sys.argv[1]).content
table = pa.ipc.open_stream(io.BytesIO(body)).read_all()
print(json.dumps([hashlib.sha256(body).hexdigest(), len(table), requests.get(sys.argv[1].replace('X-Amz-Signature=', 'X-Amz-Signature=0')).status_code]))`,
          stored.url,
        ),
      ).toEqual([stored.sha256, stored.rows, 403]);
    } finally {
      await remote.app.close();
      await remote.lake.remove();
    }
  },
);

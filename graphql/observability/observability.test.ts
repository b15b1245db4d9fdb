import { pino } from 'pino';
import { expect, test } from 'vitest';
import { createServer } from '../server.ts';
import { FakeLake } from '../test-support/fake-lake.ts';
import { FakeTokens } from '../test-support/fake-tokens.ts';
import { runRow } from '../test-support/rows.ts';
import { Metrics } from './metrics.ts';

test('operations are counted and logged: who, what, what it read, what came of it', async () => {
  const reader = await FakeLake.create({ runs: [runRow('main/a')] });
  const lines: Record<string, unknown>[] = [];
  const logger = pino(
    { level: 'info', base: undefined },
    { write: (line: string) => lines.push(JSON.parse(line)) },
  );
  const app = await createServer({ reader, authenticator: new FakeTokens(), metrics: new Metrics(), logger });
  const headers = { authorization: 'Bearer reader', 'x-request-id': 'job-7' };
  const ask = (query: string) => app.inject({ method: 'POST', url: '/graphql', payload: { query }, headers });
  await ask('query Mine { runs { nodes { id } } }');
  await ask('{ runs(first: -1) { nodes { id } } a: __typename }');
  await ask('mutation { compact { table } }');

  const logged = lines.filter(({ msg }) => msg === 'operation');
  expect(logged).toMatchObject([
    {
      reqId: 'job-7',
      principal: 'a-reader',
      type: 'query',
      field: 'runs',
      outcome: 'ok',
      rows: 1,
      files: 1,
      bytes: 1000,
      statements: 1,
      snapshot: 's0',
    },
    { field: 'several', outcome: 'BAD_USER_INPUT', rows: 0 },
    { type: 'mutation', field: 'compact', outcome: 'FORBIDDEN' },
  ]);
  expect(JSON.stringify(lines)).not.toContain('Bearer');

  const scraped = await app.inject({ url: '/metrics', headers });
  expect(scraped.headers['content-type']).toContain('text/plain');
  expect(scraped.body).toContain('runlake_operation_seconds_count{type="query",field="runs",outcome="ok"} 1');
  expect(scraped.body).toContain('runlake_read_total{door="graphql",what="bytes"} 1000');
  expect(scraped.body).toContain('runlake_table_version{table="runs"} 0');
  expect(scraped.body).toMatch(
    /runlake_http_request_seconds_count\{method="POST",route="\/graphql",status="200"\} [12]/,
  );
  expect((await app.inject('/metrics')).statusCode).toBe(401);
  await app.close();
  reader.connection.closeSync();
});

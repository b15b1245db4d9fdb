import type { FastifyInstance } from 'fastify';
import { getIntrospectionQuery } from 'graphql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DEFAULT_LIMITS } from './limits/limits.ts';
import { createServer } from './server.ts';
import { FakeLake } from './test-support/fake-lake.ts';
import { generationRow, runRow } from './test-support/rows.ts';

let lake: FakeLake;
let app: FastifyInstance;

beforeAll(async () => {
  lake = await FakeLake.create({
    runs: [runRow('main/a', { method: `x'; DROP TABLE runs_v0; --` })],
    generations: [generationRow('main/a', 'e1', { prompt: 'p' })],
  });
  app = await createServer({ reader: lake });
});
afterAll(async () => {
  await app.close();
  lake.connection.closeSync();
});

async function ask(query: string, variables?: unknown) {
  const response = await app.inject({ method: 'POST', url: '/graphql', payload: { query, variables } });
  return { status: response.statusCode, ...response.json() };
}

/** The limit that an answer names, with what was allowed. */
function exceeded(answer: { errors?: { extensions: Record<string, unknown> }[] }) {
  const found = answer.errors?.find(({ extensions }) => extensions['code'] === 'LIMIT_EXCEEDED')?.extensions;
  return found && { limit: found['limit'], allowed: found['allowed'] };
}

const allowed = (limit: keyof typeof DEFAULT_LIMITS) => ({ limit, allowed: DEFAULT_LIMITS[limit] });

describe('limits on the document', () => {
  it('depth, also through fragments', async () => {
    const deep = 'run { generations { '.repeat(10);
    expect(exceeded(await ask(`{ generations { nodes { ${deep} runId ${'} '.repeat(20)} } } }`))).toEqual(
      allowed('depth'),
    );
    const fragments = Array.from(
      { length: 16 },
      (_, i) => `fragment f${i} on Run { generations { run { ...f${i + 1} } } }`,
    );
    const query = `{ run(id: "x") { ...f0 } } ${fragments.join('\n')} fragment f16 on Run { id }`;
    expect(exceeded(await ask(query))).toEqual(allowed('depth'));
  });

  it('aliases, root fields, and fields after fragments are spread', async () => {
    const aliases = Array.from({ length: 61 }, (_, i) => `a${i}: method`).join(' ');
    expect(exceeded(await ask(`{ run(id: "x") { ${aliases} } }`))).toEqual(allowed('aliases'));
    const roots = Array.from({ length: 21 }, (_, i) => `a${i}: run(id: "x") { id }`).join(' ');
    expect(exceeded(await ask(`{ ${roots} }`))).toEqual(allowed('rootFields'));
    const lots = Array.from(
      { length: 5 },
      (_, i) =>
        `fragment g${i} on Generation { run { generations { ...g${i + 1} } predictions { generation { ...g${i + 1} } } activations { generations { ...g${i + 1} } } } }`,
    );
    const query = `{ generations { nodes { ...g0 } } } ${lots.join('\n')} fragment g5 on Generation { prompt }`;
    expect(exceeded(await ask(query))).toBeDefined();
  });

  it('joins in one root field', async () => {
    const half =
      'generations { run { metrics { value } issues { code } } prediction { scoreHalu } predictions { scoreHalu } tokens { tokenId } }';
    const parts = Array.from({ length: 9 }, (_, i) => `a${i}: ${half}`).join(' ');
    expect(exceeded(await ask(`{ run(id: "x") { ${parts} } }`))).toEqual(allowed('joins'));
  });

  it('tokens and bytes', async () => {
    expect(exceeded(await ask(`{ ${'__typename '.repeat(6000)} }`))).toEqual(allowed('documentTokens'));
    expect(exceeded(await ask('{a'.repeat(100_000)))).toEqual(allowed('brackets'));
    const large = await ask(`{ __typename # ${'x'.repeat(2 ** 20)}\n}`);
    expect(exceeded(large)).toEqual(allowed('documentBytes'));
    expect(large.status).toBe(413);
  });

  it('fragments that spread each other in a circle are refused', async () => {
    const circle =
      '{ runs { nodes { ...a } } } fragment a on Run { id ...b } fragment b on Run { id ...a generations { run { ...a } } }';
    expect((await ask(circle)).errors[0].extensions.code).toBe('GRAPHQL_VALIDATION_FAILED');
  });

  it('a document that repeats itself is answered or refused, quickly', async () => {
    const repeated = `{ ${'runs { nodes { id } } '.repeat(700)} }`;
    expect((await ask(repeated)).status).toBe(400);
    expect((await ask(`{ runs { nodes { ${'id '.repeat(200)} } } }`)).data.runs.nodes).toEqual([
      { id: 'main/a' },
    ]);
  });

  it('nesting of lists and variables that would overflow a stack', async () => {
    const nested = `${'{"not":'.repeat(100_000)}{}${'}'.repeat(100_000)}`;
    const payload = `{"query":"query ($f: RunFilter) { runs(filter: $f) { totalCount } }","variables":{"f":${nested}}}`;
    const response = await app.inject({
      method: 'POST',
      url: '/graphql',
      headers: { 'content-type': 'application/json' },
      payload,
    });
    expect(exceeded(response.json())).toEqual(allowed('inputDepth'));
    const literal = `{ runs(filter: ${'{not: '.repeat(100)}{}${'}'.repeat(100)}) { totalCount } }`;
    expect(exceeded(await ask(literal))).toEqual(allowed('inputDepth'));
  });
});

describe('limits on the answer', () => {
  it('page size, nodes and rows', async () => {
    expect(exceeded(await ask('{ runs(first: 1000000) { nodes { id } } }'))).toEqual(allowed('pageSize'));
    expect(exceeded(await ask('{ runs { nodes { generations(first: 10001) { prompt } } } }'))).toEqual(
      allowed('pageSize'),
    );
    const product =
      '{ runs(first: 10000) { nodes { generations(first: 10000) { predictions(first: 10000) { scoreHalu } } } } }';
    expect(exceeded(await ask(product))).toEqual(allowed('nodes'));
    expect(
      exceeded(
        await ask('query ($n: Int!) { runs(first: $n) { nodes { generations(first: $n) { prompt } } } }', {
          n: 2000,
        }),
      ),
    ).toEqual(allowed('nodes'));
    expect(exceeded(await ask('{ sql(query: "SELECT 1", maxRows: 1000000000) { rows } }'))).toEqual(
      allowed('rows'),
    );
    for (const first of [-1, -2147483648]) {
      const answer = await ask(`{ runs(first: ${first}) { nodes { id } } }`);
      expect(answer.errors[0]).toMatchObject({
        path: ['runs'],
        extensions: { code: 'BAD_USER_INPUT', argument: 'first' },
      });
    }
    expect(
      (await ask('{ runs(first: 0) { nodes { id } totalCount pageInfo { hasNextPage endCursor } } }')).data
        .runs,
    ).toEqual({
      nodes: [],
      totalCount: 1,
      pageInfo: { hasNextPage: true, endCursor: null },
    });
  });

  it('bytes read', async () => {
    lake.claimed = { files: 1, bytes: 2 ** 60 };
    const answer = await ask('{ runs { nodes { id } } }');
    lake.claimed = { files: 1, bytes: 1000 };
    expect(exceeded(answer)).toEqual(allowed('bytesRead'));
    expect(answer.errors[0].path).toEqual(['runs']);
  });
});

const EVIL = [
  `'`,
  `"`,
  `'; DROP TABLE runs_v0; --`,
  `' OR 1=1 --`,
  `$1`,
  `\\`,
  `\u0000`,
  `a\u0000b`,
  '\ud800',
  `"/**/OR/**/""="`,
  `read_csv('/etc/passwd')`,
  '😀'.repeat(100),
];

describe('text arguments', () => {
  const queries: readonly [string, (answer: { data?: Record<string, unknown> | null }) => unknown][] = [
    ['query ($x: ID!) { run(id: $x) { id } }', ({ data }) => data?.['run']],
    ['query ($x: String) { runs(filter: {method: {eq: $x}}) { totalCount } }', ({ data }) => data?.['runs']],
    [
      'query ($x: String) { runs(filter: {or: [{method: {eq: $x}}, {id: {gt: $x, lt: $x}}]}) { totalCount } }',
      ({ data }) => data?.['runs'],
    ],
    [
      'query ($x: String) { issues(filter: {message: {contains: $x}, run: {method: {eq: $x}}}) { totalCount } }',
      ({ data }) => data?.['issues'],
    ],
    [
      'query ($x: String) { activations(site: $x, tokenSelector: $x) { totalCount } }',
      ({ data }) => data?.['activations'],
    ],
    [
      'query ($x: String!) { aggregateMetrics(metric: $x, scope: $x, split: $x, groupBy: [METHOD]) { n } }',
      ({ data }) => data?.['aggregateMetrics'],
    ],
    [
      'query ($x: String!, $pointer: String!) { aggregateMetrics(metric: $x, groupBy: [], groupByConfig: [$pointer]) { n } }',
      ({ data }) => data?.['aggregateMetrics'],
    ],
  ];
  it('are values, never SQL', async () => {
    for (const [query, answerOf] of queries) {
      for (const x of EVIL) {
        const pointer = `/${x.replaceAll('~', '~0').replaceAll('/', '~1')}`;
        const answer = await ask(query, { x, ...(query.includes('$pointer') && { pointer }) });
        expect([query, x, answer.errors]).toEqual([query, x, undefined]);
        const value = answerOf(answer);
        expect([null, { totalCount: 0 }, []]).toContainEqual(value);
      }
    }
    const stored = await ask('query ($x: String) { runs(filter: {method: {eq: $x}}) { nodes { id } } }', {
      x: `x'; DROP TABLE runs_v0; --`,
    });
    expect(stored.data.runs.nodes).toEqual([{ id: 'main/a' }]);
  });

  it('that name states, cursors, tables and enums are refused when they are nonsense', async () => {
    for (const x of EVIL) {
      const cursor = await ask('query ($x: String) { runs(after: $x) { totalCount } }', { x });
      expect(cursor.errors[0].extensions.code).toBe('BAD_CURSOR');
      const state = await ask('query ($x: String) { runs(asOf: {snapshot: $x}) { totalCount } }', { x });
      expect(state.errors[0].extensions.code).toBe('INVALID_ARGUMENT');
      const order = await ask('query ($x: RunOrderField!) { runs(orderBy: [{field: $x}]) { totalCount } }', {
        x,
      });
      expect(order.errors[0].extensions.code).toBe('BAD_USER_INPUT');
      const time = await ask('query ($x: DateTime) { runs(asOf: {timestamp: $x}) { totalCount } }', { x });
      expect(time.errors[0].extensions.code).toBe('BAD_USER_INPUT');
    }
  });

  it('integers and times at the edges of their types', async () => {
    const count = async (filter: string) => await ask(`{ runs(filter: ${filter}) { totalCount } }`);
    expect(
      (await count('{seed: {lt: "9223372036854775807", gt: "-9223372036854775808"}}')).data.runs,
    ).toEqual({ totalCount: 0 });
    expect((await count('{seed: {eq: "9223372036854775808"}}')).errors[0].extensions.code).toBe(
      'GRAPHQL_VALIDATION_FAILED',
    );
    expect(
      (
        await count(
          '{ingestedAt: {gte: "2025-12-31T23:59:59.999999-01:00", lt: "2026-01-01T01:00:00+01:00"}}',
        )
      ).data.runs,
    ).toEqual({ totalCount: 0 });
    expect((await count('{ingestedAt: {eq: "2026-01-01T00:00Z"}}')).data.runs).toEqual({ totalCount: 1 });
    expect((await count('{runDate: {eq: "2026-02-30"}}')).errors[0].extensions.code).toBe(
      'GRAPHQL_VALIDATION_FAILED',
    );
    expect(
      (await count('{createdAt: {gt: "0001-01-01T00:00:00Z", lt: "9999-12-31T23:59:59Z"}}')).data.runs,
    ).toEqual({ totalCount: 0 });
  });
});

it('introspection is answered', async () => {
  const answer = await ask(
    getIntrospectionQuery({ inputValueDeprecation: true, schemaDescription: true, oneOf: true }),
  );
  expect(answer.errors).toBeUndefined();
  expect(answer.data.__schema.types.length).toBeGreaterThan(50);
});

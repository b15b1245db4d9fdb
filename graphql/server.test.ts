import type { FastifyInstance } from 'fastify';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { IngestedTree } from './context.ts';
import { createServer } from './server.ts';
import { FakeLake } from './test-support/fake-lake.ts';
import {
  activationRow,
  generationRow,
  issueRow,
  metricRow,
  predictionRow,
  runRow,
  storeRow,
} from './test-support/rows.ts';

let lake: FakeLake;
let app: FastifyInstance;

beforeAll(async () => {
  lake = await FakeLake.create({
    runs: [
      runRow('main/a', {
        seed: 9_007_199_254_740_993n,
        method: 'mlp',
        run_date: '2026-01-20',
        created_at: 1_767_225_600_123_456n,
        verdict_reasons: ['late', 'dirty'],
        config: '{"lr":0.1,"big":12345678901234567890,"text":"12345678901234567890"}',
        compliance: '[{"item":"seeds","passed":true,"detail":"3"},{"item":"split","passed":false}]',
      }),
      runRow('main/b', { seed: 2n, method: 'mlp' }),
    ],
    generations: [
      generationRow('main/a', 'e1', { activation_key: 'k1', prompt: 'p1', response: 'r1', halu: true }),
      generationRow('main/a', 'e2', { activation_key: 'k2', prompt: 'p2' }),
      generationRow('main/b', 'e1', { activation_key: 'k1', prompt: 'p3' }),
    ],
    predictions: [
      predictionRow('main/a', 'e1', { score_halu: 0.25, source_line: 1n }),
      predictionRow('main/a', 'e1', { score_halu: 0.75, source_line: 2n }),
      predictionRow('main/b', 'e1', { score_halu: Number.NaN }),
    ],
    metrics: [metricRow('main/a', 'auroc', 0.7), metricRow('main/b', 'auroc', Infinity)],
    issues: [issueRow('main/a', 'W1', { line: 3n }), issueRow('main/a', 'W2')],
    // Both runs refer to one store.
    run_stores: [storeRow('main/a', 'store'), storeRow('main/b', 'store')],
    activations: [
      ...[0, 1, 2].flatMap((layer) => [
        activationRow('store', 'k1', layer),
        activationRow('store', 'k2', layer),
      ]),
      activationRow('store', 'k1', 5, { site: 'attn_head', vector: new Float32Array([0.1, Number.NaN]) }),
    ],
  });
  app = await createServer({ reader: lake });
});
afterAll(async () => {
  await app.close();
  lake.connection.closeSync();
});
// Whatever a test asked for, and however it ended: no cached file stays pinned.
afterEach(() => expect(lake.held).toBe(0));

async function ask(query: string, variables?: object) {
  const response = await app.inject({ method: 'POST', url: '/graphql', payload: { query, variables } });
  return response.json();
}

async function data(query: string, variables?: object) {
  const answer = await ask(query, variables);
  expect(answer.errors).toBeUndefined();
  return answer.data;
}

describe('rows', () => {
  it('join generations with run, prediction and activations, in one statement', async () => {
    const before = lake.statements.length;
    const answer = await data(`{
      generations(first: 2, orderBy: [{field: EXAMPLE_ID}, {field: RUN_ID, direction: DESC}]) {
        totalCount
        nodes {
          exampleId prompt
          prediction { scoreHalu run { metrics { metric } } }
          predictions(orderBy: [{field: SCORE_HALU, direction: DESC}], first: 1) { scoreHalu }
          run { id seed }
          last: activations(layer: -1, site: "resid_post") { layer }
          first: activations(layer: 0, first: 1) { layer vector packed: vector(encoding: BASE64) }
        }
        pageInfo { hasNextPage }
      }
    }`);
    expect(lake.statements.length - before).toBe(1);
    const shared = {
      last: [{ layer: 2 }],
      first: [{ layer: 0, vector: [0, 0.5, -1], packed: 'AAAAAAAAAD8AAIC/' }],
    };
    expect(answer.generations).toEqual({
      totalCount: 3,
      nodes: [
        {
          exampleId: 'e1',
          prompt: 'p3',
          prediction: { scoreHalu: null, run: { metrics: [{ metric: 'auroc' }] } },
          predictions: [{ scoreHalu: null }],
          run: { id: 'main/b', seed: 2 },
          ...shared,
        },
        {
          exampleId: 'e1',
          prompt: 'p1',
          prediction: { scoreHalu: 0.25, run: { metrics: [{ metric: 'auroc' }] } },
          predictions: [{ scoreHalu: 0.75 }],
          run: { id: 'main/a', seed: '9007199254740993' },
          ...shared,
        },
      ],
      pageInfo: { hasNextPage: true },
    });
  });

  it('shape every kind of column', async () => {
    const { run } = await data(`{ run(id: "main/a") {
      __typename id runId seed runDate createdAt verdictReasons config manifest gitDirty
      compliance { item ok: passed detail }
      generationCount trueOnes: generationCount(filter: {halu: {eq: true}})
      issues(filter: {line: {isNull: false}}) { code line }
      stores { storeId format }
    } }`);
    expect(run).toEqual({
      __typename: 'Run',
      id: 'main/a',
      runId: 'main/a',
      seed: '9007199254740993',
      runDate: '2026-01-20',
      createdAt: '2026-01-01T00:00:00.123456Z',
      verdictReasons: ['late', 'dirty'],
      config: { lr: 0.1, big: '12345678901234567890', text: '12345678901234567890' },
      manifest: null,
      gitDirty: null,
      compliance: [
        { item: 'seeds', ok: true, detail: '3' },
        { item: 'split', ok: false, detail: null },
      ],
      generationCount: 2,
      trueOnes: 1,
      issues: [{ code: 'W1', line: 3 }],
      stores: [{ storeId: 'store', format: 'lmdb' }],
    });
    expect(await data('{ run(id: "main/none") { id } }')).toEqual({ run: null });
  });

  it('reach runs and generations from an activation, and activations from a run', async () => {
    const answer = await data(`{
      activations(layer: -1, filter: {activationKey: {eq: "k1"}, site: {eq: "resid_post"}}) {
        totalCount nodes { layer runs { id } generations { runId prompt } }
      }
      run(id: "main/b") { activations(layer: 1, orderBy: [{field: ACTIVATION_KEY, direction: DESC}]) { activationKey } }
    }`);
    expect(answer).toEqual({
      activations: {
        totalCount: 1,
        nodes: [
          {
            layer: 2,
            runs: [{ id: 'main/a' }, { id: 'main/b' }],
            generations: [
              { runId: 'main/a', prompt: 'p1' },
              { runId: 'main/b', prompt: 'p3' },
            ],
          },
        ],
      },
      run: { activations: [{ activationKey: 'k2' }, { activationKey: 'k1' }] },
    });
  });

  it('follow fragments, aliases, directives and variables', async () => {
    const query = `query ($deep: Boolean!, $n: Int = 1, $filter: RunFilter) {
      a: runs(first: $n, filter: $filter) { ...page }
      b: runs(orderBy: [{field: SEED, direction: DESC}]) {
        ... on RunConnection { nodes { id } } edges { node { ident: id ... @skip(if: $deep) { method } } }
      }
    }
    fragment page on RunConnection { totalCount nodes { id ...more @include(if: $deep) } }
    fragment more on Run { metrics { value source } }`;
    const variables = { filter: { not: { id: { eq: 'main/b' } } } };
    expect(await data(query, { ...variables, deep: true })).toEqual({
      a: { totalCount: 1, nodes: [{ id: 'main/a', metrics: [{ value: 0.7, source: 'reported' }] }] },
      b: {
        nodes: [{ id: 'main/a' }, { id: 'main/b' }],
        edges: [{ node: { ident: 'main/a' } }, { node: { ident: 'main/b' } }],
      },
    });
    expect((await data(query, { ...variables, deep: false })).b.edges[0].node).toEqual({
      ident: 'main/a',
      method: 'mlp',
    });
  });

  it('filter through the parent run, and count without reading rows', async () => {
    const answer = await data('{ predictions(filter: {run: {seed: {eq: 2}}}) { totalCount } }');
    expect(answer).toEqual({ predictions: { totalCount: 1 } });
    expect(lake.statements.at(-1)?.sql).not.toContain('score_halu');
  });

  it('report numbers that JSON lacks, with path and value', async () => {
    const answer = await ask(`{
      metrics(filter: {runId: {eq: "main/b"}}) { edges { node { v: value } } }
      activations(filter: {site: {eq: "attn_head"}}) { nodes { vector } }
    }`);
    expect(answer.data).toEqual({
      metrics: { edges: [{ node: { v: null } }] },
      activations: { nodes: [{ vector: [0.10000000149011612, null] }] },
    });
    expect(answer.extensions.issues).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ path: ['metrics', 'edges', 0, 'node', 'v'], value: 'Infinity' }),
        expect.objectContaining({ path: ['activations', 'nodes', 0, 'vector', 1], value: 'NaN' }),
      ]),
    );
    expect(answer.extensions.issueCount).toBe(2);
  });

  it('read only the selected columns, and prune every level by a fixed run', async () => {
    lake.relations.length = 0;
    await data(
      '{ run(id: "main/a") { method generations { prompt activations { layer } prediction { scoreHalu } } } }',
    );
    const { sql } = lake.statements.at(-1) ?? { sql: '' };
    expect(sql).not.toMatch(/vector|response|config/);
    const prune = Object.fromEntries(lake.relations.map((relation) => [relation.table, relation.prune]));
    const byRun = { column: 'run_id', in: ['main/a'] };
    expect(prune).toEqual({
      runs: [byRun],
      generations: [byRun],
      predictions: [byRun],
      run_stores: [byRun],
      activations: [byRun],
    });
  });
});

describe('snapshots', () => {
  it('one request reads one state; asOf reads an older one and gives the same bytes', async () => {
    const versions = await FakeLake.create({ runs: [runRow('one')] });
    const server = await createServer({ reader: versions });
    const post = async (query: string) =>
      (await server.inject({ method: 'POST', url: '/graphql', payload: { query } })).body;
    const first = await post('{ runs { nodes { id } } }');
    await versions.commit({ runs: [runRow('two')] });
    expect(JSON.parse(first)).toEqual({
      data: { runs: { nodes: [{ id: 'one' }] } },
      extensions: { snapshot: 's0' },
    });
    expect(JSON.parse(await post('{ runs { totalCount } }')).extensions).toEqual({ snapshot: 's1' });
    expect(await post('{ runs(asOf: {snapshot: "s0"}) { nodes { id } } }')).toBe(first);
    expect(await post('{ runs(asOf: {version: 0}) { nodes { id } } }')).toBe(first);
    expect(await post('{ runs(asOf: {timestamp: "2026-01-01T12:00:00Z"}) { nodes { id } } }')).toBe(first);
    const mixed = JSON.parse(
      await post('{ a: runs { totalCount } b: runs(asOf: {version: 0}) { totalCount } }'),
    );
    expect(mixed).toEqual({
      data: { a: { totalCount: 2 }, b: { totalCount: 1 } },
      extensions: { snapshot: 's1', snapshots: ['s1', 's0'] },
    });
    const wrong = JSON.parse(await post('{ runs(asOf: {version: 0, snapshot: "s0"}) { totalCount } }'));
    expect(wrong.errors[0].extensions).toMatchObject({ code: 'BAD_USER_INPUT', argument: 'asOf' });
    expect(JSON.parse(await post('{ __schema { queryType { name } } }')).extensions).toEqual({
      snapshot: 's1',
    });
    await server.close();
  });
});

describe('sql, lake and explainCost', () => {
  it('sql gives rows as JSON arrays', async () => {
    const answer = await ask(
      '{ sql(query: "SELECT run_id, seed, created_at FROM runs ORDER BY run_id", maxRows: 1) { columns { name type } rows rowCount truncated snapshot } }',
    );
    expect(answer.data.sql).toEqual({
      columns: [
        { name: 'run_id', type: 'VARCHAR' },
        { name: 'seed', type: 'BIGINT' },
        { name: 'created_at', type: 'TIMESTAMP WITH TIME ZONE' },
      ],
      rows: [['main/a', '9007199254740993', '2026-01-01T00:00:00.123456Z']],
      rowCount: 1,
      truncated: true,
      snapshot: 's0',
    });
    const odd = await ask(
      `{ x: sql(query: "SELECT 'NaN'::DOUBLE AS a, [1, NULL] AS b, {'c': 2::BIGINT} AS d") { rows } }`,
    );
    expect(odd.data.x.rows).toEqual([[null, [1, null], { c: 2 }]]);
    expect(odd.extensions.issues[0]).toMatchObject({ path: ['x', 'rows', 0, 0], value: 'NaN' });
  });

  it('lake lists tables with their columns', async () => {
    const { lake: info } = await data(
      '{ lake { snapshot tables { name version rows columns { name type nullable } } } }',
    );
    const runs = info.tables.find(({ name }: { name: string }) => name === 'runs');
    expect(runs).toMatchObject({ version: 0, rows: 2 });
    expect(runs.columns[0]).toEqual({ name: 'run_id', type: 'string', nullable: false });
  });

  it('explainCost prices GraphQL and SQL without running them', async () => {
    const before = lake.statements.length;
    const graphql =
      'query ($id: ID!) { run(id: $id) { generations(first: 7) { prompt } } sql(query: "select * from metrics") { rows } }';
    const answer = await data(
      `query ($q: String!, $v: JSON) {
        a: explainCost(query: $q, variables: $v) { language nodes statements files bytes allowed tables { table rows } }
        b: explainCost(query: "SELECT 'runs' FROM issues -- metrics") { language tables { table files } }
      }`,
      { q: graphql, v: { id: 'main/a' } },
    );
    expect(lake.statements.length).toBe(before);
    expect(answer).toEqual({
      a: {
        language: 'graphql',
        nodes: 9,
        statements: 2,
        files: 3,
        bytes: 3000,
        allowed: true,
        tables: [
          { table: 'generations', rows: 3 },
          { table: 'runs', rows: 2 },
          { table: 'metrics', rows: 2 },
        ],
      },
      b: { language: 'sql', tables: [{ table: 'issues', files: 1 }] },
    });
    const wrong = await ask('{ explainCost(query: "{ runs { nope } }") { files } }');
    expect(wrong.errors[0].extensions).toMatchObject({ code: 'BAD_USER_INPUT', argument: 'query' });
  });
});

describe('changes', () => {
  it('are refused without the services, and report what the services did', async () => {
    const refused = await ask('mutation { ingest(uri: "/x") { accepted } }');
    expect(refused.errors[0].extensions.code).toBe('NOT_AVAILABLE');
    const requests: unknown[] = [];
    const server = await createServer({
      reader: lake,
      ingestor: {
        async ingest(request): Promise<IngestedTree> {
          requests.push(request);
          return {
            runs: [
              { runId: 'r', family: 'HALLULENS', status: 'ingested', rows: { runs: 1 }, issues: [] },
              {
                runId: 's',
                family: 'FV',
                status: 'rejected',
                rows: {},
                issues: [{ severity: 'error', code: 'X', message: 'bad', line: 3 }],
              },
            ],
            issues: [
              { severity: 'info', code: 'UNRECOGNISED_FILES', file: 's3://b/x/y', message: '2 files' },
            ],
          };
        },
      },
      upkeep: {
        async compact(table) {
          requests.push(table);
          return [
            { table: 'runs', filesBefore: 9, filesAfter: 1, bytesBefore: 2 ** 40, bytesAfter: 5, version: 3 },
          ];
        },
        async vacuum(request) {
          requests.push(request);
          return [];
        },
      },
    });
    const response = await server.inject({
      method: 'POST',
      url: '/graphql',
      payload: {
        query: `mutation {
          ingest(uri: "s3://b/x", lenient: true) { accepted rejected issues { code file } runs { runId status rows issues { code line file } } }
          compact(table: "runs") { filesAfter bytesBefore }
          vacuum(retentionHours: 1.5, dryRun: true) { table }
        }`,
      },
    });
    expect(response.json()).toEqual({
      data: {
        ingest: {
          accepted: 1,
          rejected: 1,
          issues: [{ code: 'UNRECOGNISED_FILES', file: 's3://b/x/y' }],
          runs: [
            { runId: 'r', status: 'ingested', rows: { runs: 1 }, issues: [] },
            { runId: 's', status: 'rejected', rows: {}, issues: [{ code: 'X', line: 3, file: null }] },
          ],
        },
        compact: [{ filesAfter: 1, bytesBefore: 2 ** 40 }],
        vacuum: [],
      },
      extensions: { snapshot: 's0' },
    });
    expect(requests).toEqual([
      { uri: 's3://b/x', namespace: 'main', lenient: true, dryRun: false },
      'runs',
      { retentionHours: 1.5, dryRun: true },
    ]);
    await server.close();
  });
});

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { createServer } from '../../graphql/server.ts';
import { HALLULENS } from '../../ingest/families/hallulens/index.ts';
import { ingest } from '../../ingest/pipeline/ingest.ts';
import { Lake } from '../../lake/lake.ts';
import { LocalStore } from '../../lake/store/local-store.ts';
import { LakeWriter } from '../../lake/writer.ts';
import { sharedDir } from '../support/shared.ts';

const fixtures = `${sharedDir ?? ''}fixtures/hallulens`;

const expectedSchema = z.object({
  good: z.object({
    runs: z.record(z.string(), z.object({ n_predictions: z.number(), activation_path: z.string() })),
    stores: z.record(
      z.string(),
      z.object({ n_entries: z.number(), total_values: z.number(), total_l2: z.number() }),
    ),
    groups: z.array(
      z.object({
        benchmark: z.string(),
        split: z.string(),
        method: z.string(),
        model_id: z.string(),
        metric: z.string(),
        n_seeds: z.number(),
        values_by_seed_order: z.array(z.number()),
        mean: z.number(),
        std_ddof1: z.number(),
        sem: z.number(),
        ci95_half_width_student_t: z.number(),
      }),
    ),
  }),
});

const pageSchema = z.object({
  nodes: z.array(z.record(z.string(), z.unknown())),
  pageInfo: z.object({ hasNextPage: z.boolean(), endCursor: z.string().nullable() }),
  totalCount: z.number(),
});

describe.skipIf(sharedDir === undefined)('GraphQL over the ingested HalluLens fixtures', () => {
  const home = mkdtempSync(join(tmpdir(), 'runlake-graphql-'));
  const good =
    sharedDir === undefined
      ? { runs: {}, stores: {}, groups: [] }
      : expectedSchema.parse(JSON.parse(readFileSync(`${fixtures}/expected.json`, 'utf8'))).good;
  let lake: Lake;
  let writer: LakeWriter;
  let app: FastifyInstance;

  beforeAll(async () => {
    const store = new LocalStore(join(home, 'store'));
    lake = await Lake.open({ store, home, cacheBytes: 1e9, memory: 1e9, snapshotMaxAgeMs: 0 });
    writer = await LakeWriter.open(lake, { memory: 3e8 });
    await ingest(writer, [`${fixtures}/good/runs`], { families: [HALLULENS], namespace: 'main' });
    app = await createServer({ reader: lake });
  });
  afterAll(async () => {
    await app.close();
    await writer.close();
    await lake.close();
    rmSync(home, { recursive: true, force: true });
  });

  async function ask(
    query: string,
    variables: object = {},
  ): Promise<{ data: Record<string, unknown>; body: string }> {
    const response = await app.inject({ method: 'POST', url: '/graphql', payload: { query, variables } });
    const { data, errors } = z
      .object({ data: z.record(z.string(), z.unknown()), errors: z.unknown().optional() })
      .parse(response.json());
    expect(errors).toBeUndefined();
    return { data, body: response.body };
  }

  async function allNodes(
    field: string,
    args: string,
    selection: string,
  ): Promise<Record<string, unknown>[]> {
    const nodes: Record<string, unknown>[] = [];
    let after: string | null = null;
    do {
      const query = `query ($after: String) { ${field}(after: $after, ${args}) { totalCount nodes { ${selection} } pageInfo { hasNextPage endCursor } } }`;
      const page = pageSchema.parse((await ask(query, { after })).data[field]);
      nodes.push(...page.nodes);
      after = page.pageInfo.hasNextPage ? page.pageInfo.endCursor : null;
      if (after === null) expect(nodes.length).toBe(page.totalCount);
    } while (after !== null);
    return nodes;
  }

  it('reproduces mean, spread and interval of every group across seeds', async () => {
    const groupSchema = z.array(
      z.object({
        method: z.string(),
        modelId: z.string(),
        benchmark: z.string(),
        split: z.string(),
        n: z.number(),
        mean: z.number(),
        sd: z.number(),
        sem: z.number(),
        halfWidth: z.number(),
        ciLow: z.number(),
        values: z.array(z.number()),
        seeds: z.array(z.number()),
      }),
    );
    expect(good.groups.length).toBeGreaterThan(5);
    for (const wanted of good.groups) {
      const { data } = await ask(
        `query ($metric: String!) { aggregateMetrics(metric: $metric, groupBy: [BENCHMARK, SPLIT, METHOD, MODEL_ID]) {
           method modelId benchmark split n mean sd sem halfWidth ciLow values seeds } }`,
        { metric: wanted.metric },
      );
      const group = groupSchema
        .parse(data['aggregateMetrics'])
        .find(({ method, benchmark }) => method === wanted.method && benchmark === wanted.benchmark);
      expect(group).toMatchObject({ modelId: wanted.model_id, split: wanted.split, n: wanted.n_seeds });
      expect(group?.values).toEqual(wanted.values_by_seed_order);
      expect(group?.seeds).toEqual([0, 1, 2]);
      expect(group?.mean).toBeCloseTo(wanted.mean, 12);
      expect(group?.sd).toBeCloseTo(wanted.std_ddof1, 12);
      expect(group?.sem).toBeCloseTo(wanted.sem, 12);
      expect(group?.halfWidth).toBeCloseTo(wanted.ci95_half_width_student_t, 9);
      expect(group?.ciLow).toBeCloseTo(wanted.mean - wanted.ci95_half_width_student_t, 9);
    }
  });

  it('pages through every prediction of every run, in order of score', async () => {
    const total = Object.values(good.runs).reduce((sum, run) => sum + run.n_predictions, 0);
    const nodes = await allNodes(
      'predictions',
      'first: 97, orderBy: [{field: SCORE_HALU, direction: DESC}]',
      'scoreHalu runId exampleId generation { exampleId }',
    );
    expect(nodes.length).toBe(total);
    const scores = nodes.map((node) => Number(node['scoreHalu']));
    expect(scores).toEqual([...scores].sort((a, b) => b - a));
    expect(new Set(nodes.map((node) => `${node['runId']} ${node['exampleId']}`)).size).toBe(total);
    for (const { exampleId, generation } of nodes) expect(generation).toEqual({ exampleId });
  });

  it('gives the vectors of each store as base64, with the norm that numpy found', async () => {
    for (const [path, facts] of Object.entries(good.stores)) {
      const [runPath] = Object.entries(good.runs).find(
        ([, { activation_path }]) => activation_path === path,
      ) ?? [''];
      const id = runPath.replace(/^runs\//, 'main/hallulens/');
      const { data } = await ask('query ($id: ID!) { run(id: $id) { stores { storeId } } }', { id });
      const { stores } = z
        .object({ stores: z.array(z.object({ storeId: z.string() })).length(1) })
        .parse(data['run']);
      const nodes = await allNodes(
        'activations',
        `first: 5000, filter: {storeId: {eq: "${stores[0]?.storeId}"}, site: {eq: "resid_post"}}`,
        'activationKey vector(encoding: BASE64)',
      );
      let count = 0;
      let squares = 0;
      for (const node of nodes) {
        const bytes = Buffer.from(String(node['vector']), 'base64');
        for (let at = 0; at < bytes.length; at += 4) squares += bytes.readFloatLE(at) ** 2;
        count += bytes.length / 4;
      }
      expect(count).toBe(facts.total_values);
      expect(Math.abs(Math.sqrt(squares) / facts.total_l2 - 1)).toBeLessThan(1e-6);
      expect(new Set(nodes.map((node) => node['activationKey'])).size).toBe(facts.n_entries);
    }
  });

  it('reads fewer files for one run, and the same bytes from an older state', async () => {
    const [path = ''] = Object.keys(good.runs);
    const id = path.replace(/^runs\//, 'main/hallulens/');
    const cost = async (filter: string) => {
      const query = `{ generations(filter: ${filter}) { nodes { prompt activations { vector } } } }`;
      const { data } = await ask('query ($query: String!) { explainCost(query: $query) { files allowed } }', {
        query,
      });
      return z.object({ files: z.number(), allowed: z.literal(true) }).parse(data['explainCost']).files;
    };

    const selection =
      '{ runs(first: 3, ASOF) { nodes { id method metrics(first: 5) { metric value } } pageInfo { endCursor } totalCount } }';
    const before = await ask(selection.replace(', ASOF', ''));
    const { extensions } = z
      .object({ extensions: z.object({ snapshot: z.string() }) })
      .parse(JSON.parse(before.body));
    await ingest(writer, [`${fixtures}/good/runs`], { families: [HALLULENS], namespace: 'aaa' });
    lake.refresh();
    expect((await ask(selection.replace(', ASOF', ''))).body).not.toBe(before.body);
    const again = await ask(selection.replace('ASOF', `asOf: {snapshot: "${extensions.snapshot}"}`));
    expect(again.body).toBe(before.body);
    expect(await cost(`{runId: {eq: "${id}"}}`)).toBeLessThan(await cost('{}'));
  });
});

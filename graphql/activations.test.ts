import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PROBE_FILE, type ProbeDocument } from '../compute/tasks/probe/probe-document.ts';
import { readProbe } from '../compute/tasks/probe/stored-probe.ts';
import { createServer } from './server.ts';
import { FakeLake } from './test-support/fake-lake.ts';
import { activationRow, generationRow, runRow, storeRow } from './test-support/rows.ts';

const artifacts = mkdtempSync(join(tmpdir(), 'runlake-probes-'));
const PROBE: ProbeDocument = {
  format: 'runlake-probe',
  version: 1,
  kind: 'linear',
  model_id: 'm',
  site: 'resid_post',
  layer: 1,
  segment: 'response',
  token: 'last',
  dim: 2,
  weights: [0.5, -1],
  bias: 1,
  threshold: 0.5,
  method: 'probe',
  seed: 0,
};

let lake: FakeLake;
let app: FastifyInstance;

function vectorRow(store: string, key: string, layer: number, values: readonly number[]) {
  return activationRow(store, key, layer, {
    vector: Float32Array.from(values),
    norm: Math.hypot(...values),
    example_id: `example-of-${key}`,
  });
}

beforeAll(async () => {
  for (const [run, text] of [
    ['probe', JSON.stringify(PROBE)],
    ['broken', '{"weights": [1, '],
  ]) {
    mkdirSync(join(artifacts, run!, 'artifacts'), { recursive: true });
    writeFileSync(join(artifacts, run!, PROBE_FILE), text!);
  }
  lake = await FakeLake.create({
    runs: [
      runRow('r', { source_uri: `file:${artifacts}/broken` }),
      runRow('twin'),
      runRow('other', { source_uri: `file:${artifacts}/none` }),
      runRow('probe', { source_uri: `file:${artifacts}/probe` }),
    ],
    run_stores: [storeRow('r', 's'), storeRow('twin', 's'), storeRow('other', 'wide')],
    generations: [
      generationRow('r', 'example-of-a', { activation_key: 'a', halu: true }),
      generationRow('r', 'example-of-b', { activation_key: 'b', halu: false }),
      generationRow('r', 'example-of-zero', { activation_key: 'zero', halu: false }),
      generationRow('twin', 'example-of-a', { activation_key: 'a', halu: true }),
      generationRow('twin', 'example-of-b', { activation_key: 'b', halu: true }),
    ],
    activations: [
      vectorRow('s', 'a', 1, [3, 4]),
      vectorRow('s', 'b', 1, [1, 0]),
      vectorRow('s', 'c', 1, [-6, -8]),
      vectorRow('s', 'zero', 1, [0, 0]),
      vectorRow('s', 'nan', 1, [Number.NaN, 1]),
      vectorRow('s', 'a', 2, [0, 2]),
      vectorRow('wide', 'a', 1, [1, 2, 3]),
      { ...vectorRow('s', 'tokens', 3, [1, 0]), token_index: 0, token_selector: 'all' },
      { ...vectorRow('s', 'tokens', 3, [0, 1]), token_index: 1, token_selector: 'all', norm: null },
    ],
    fv_vectors: [
      {
        run_id: 'fv',
        ingest_id: 'i',
        kind: 'fv_global_resid',
        dtype: 'float32',
        dim: 2,
        vector: Float32Array.from([0, 2]),
        file: 'fv.npy',
      },
    ],
  });
  app = await createServer({
    reader: lake,
    probes: { read: (uri, { signal }) => readProbe(uri, { env: {}, signal }) },
  });
});
afterAll(async () => {
  await app.close();
  lake.connection.closeSync();
  rmSync(artifacts, { recursive: true });
});

async function ask(query: string) {
  const response = await app.inject({ method: 'POST', url: '/graphql', payload: { query: `{ ${query} }` } });
  return response.json();
}

const pairs = (rows: readonly { activationKey: string; value: number | null }[]) =>
  rows.map(({ activationKey, value }) => [activationKey, value]);

describe('projectActivations', () => {
  it('orders by the product and counts what has none', async () => {
    const before = lake.statements.length;
    const { data } = await ask(
      'projectActivations(against: {vector: [1, 0.5]}, runIds: ["r"], layer: 1) { dim targetNorm n nUndefined rows { activationKey exampleId layer tokenSelector tokenIndex norm halu value } }',
    );
    expect(lake.statements.length - before).toBe(1);
    const { rows, ...counts } = data.projectActivations;
    expect(counts).toEqual({ dim: 2, targetNorm: Math.hypot(1, 0.5), n: 5, nUndefined: 1 });
    expect(pairs(rows)).toEqual([
      ['a', 5],
      ['b', 1],
      ['zero', 0],
      ['c', -10],
      ['nan', null],
    ]);
    expect(rows[0]).toEqual({
      activationKey: 'a',
      exampleId: 'example-of-a',
      layer: 1,
      tokenSelector: 'last',
      tokenIndex: 0,
      norm: 5,
      halu: true,
      value: 5,
    });
    expect(rows[4]).toMatchObject({ norm: null, halu: null });
  });

  it('gives the least first, as many as are wanted', async () => {
    const { data } = await ask(
      'projectActivations(against: {vector: [1, 0.5]}, runIds: ["r"], layer: 1, first: 2, direction: ASC) { n rows { activationKey value } }',
    );
    expect(data.projectActivations.n).toBe(5);
    expect(pairs(data.projectActivations.rows)).toEqual([
      ['c', -10],
      ['zero', 0],
    ]);
  });

  it('takes a function vector and a filter', async () => {
    const { data } = await ask(
      'projectActivations(against: {fv: {runId: "fv", kind: "fv_global_resid"}}, measure: COSINE, filter: {storeId: {eq: "s"}, activationKey: {in: ["a", "zero"]}}) { n nUndefined rows { activationKey layer value } }',
    );
    expect(data.projectActivations).toEqual({
      n: 3,
      nUndefined: 1,
      rows: [
        { activationKey: 'a', layer: 2, value: 1 },
        { activationKey: 'a', layer: 1, value: 0.8 },
        { activationKey: 'zero', layer: 1, value: null },
      ],
    });
  });

  it('takes the direction of a probe from the artifacts of its run', async () => {
    const { data } = await ask(
      'projectActivations(against: {probe: {runId: "probe"}}, runIds: ["r"], layer: 1, first: 2) { rows { activationKey value } }',
    );
    expect(pairs(data.projectActivations.rows)).toEqual([
      ['c', 5],
      ['b', 0.5],
    ]);
    const cost = await ask(
      'explainCost(query: "{ nearestActivations(to: {probe: {runId: \\"probe\\"}}, layer: 1) { n } }") { tables { table } }',
    );
    expect(cost.data.explainCost.tables).toEqual([{ table: 'runs' }, { table: 'activations' }]);
  });

  it('says so where the server reads no probes', async () => {
    const bare = await createServer({ reader: lake });
    const query = '{ projectActivations(against: {probe: {runId: "probe"}}) { n } }';
    const response = await bare.inject({ method: 'POST', url: '/graphql', payload: { query } });
    expect(response.json().errors[0].extensions.code).toBe('NOT_AVAILABLE');
    await bare.close();
  });

  it('filters by labels, which runs that disagree do not give', async () => {
    const keys = async (runs: string, halu: boolean) => {
      const { data } = await ask(
        `projectActivations(against: {vector: [1, 0]}, runIds: ${runs}, halu: ${halu}, layer: 1) { rows { activationKey value } }`,
      );
      return data.projectActivations.rows.map((row: { activationKey: string }) => row.activationKey);
    };
    expect(await keys('["r"]', false)).toEqual(['b', 'zero']);
    expect(await keys('["r", "twin"]', false)).toEqual(['zero']);
    expect(await keys('["r", "twin"]', true)).toEqual(['a']);
    expect(await keys('[]', true)).toEqual([]);
  });

  it('computes a norm that is not stored', async () => {
    const { data } = await ask(
      'projectActivations(against: {vector: [0, 3]}, measure: COSINE, layer: 3) { rows { tokenIndex norm value } }',
    );
    expect(data.projectActivations.rows).toEqual([
      { tokenIndex: 1, norm: 1, value: 1 },
      { tokenIndex: 0, norm: 1, value: 0 },
    ]);
  });
});

describe('nearestActivations', () => {
  it('is exact, by layer, and leaves out the activation itself', async () => {
    const { data } = await ask(
      'nearestActivations(to: {activation: {storeId: "s", activationKey: "a", layer: 1}}, runIds: ["r"], layer: 1, k: 3) { n nUndefined rows { activationKey value } }',
    );
    expect(data.nearestActivations).toMatchObject({ n: 4, nUndefined: 2 });
    expect(pairs(data.nearestActivations.rows)).toEqual([
      ['b', 0.6],
      ['c', -1],
      ['nan', null],
    ]);
  });
});

describe('what cannot be compared', () => {
  const message = async (args: string) => {
    const { errors } = await ask(`projectActivations(${args}) { n }`);
    expect(errors?.[0].extensions.code).toBe('BAD_USER_INPUT');
    return errors[0].message;
  };

  it.each([
    ['against: {vector: [1, 2]}, runIds: ["other"]', 'has 2 numbers, the activations have 3'],
    ['against: {vector: [1, 2]}', 'has 2 numbers, the activations have 2 to 3'],
    ['against: {vector: []}', 'is empty'],
    ['against: {}', 'names 0 vectors'],
    ['against: {vector: [1], fv: {runId: "fv", kind: "k"}}', 'names 2 vectors'],
    ['against: {fv: {runId: "fv", kind: "k"}}', 'names no vector of the lake'],
    ['against: {activation: {activationKey: "tokens", layer: 3}}', 'names several vectors'],
    [
      'against: {activation: {activationKey: "nan", layer: 1}}, runIds: ["r"]',
      'infinite or undefined values',
    ],
    ['against: {vector: [0, 0]}, runIds: ["r"], measure: COSINE', 'has no direction'],
    ['against: {probe: {runId: "other"}}', 'other has no probe'],
    ['against: {probe: {runId: "r"}}', 'r has no probe'],
    ['against: {probe: {runId: "unknown"}}', 'unknown has no probe'],
    ['against: {probe: {runId: "probe"}, vector: [1, 2]}', 'names 2 vectors'],
    ['against: {vector: [1, 0]}, halu: true', 'has no runs'],
    ['against: {vector: [1, 0]}, layer: -1', '-1 is no layer'],
    ['against: {vector: [1, 0]}, first: -1', 'first: is negative'],
  ])('%s', async (args, expected) => {
    expect(await message(args)).toContain(expected);
  });

  it('is asked for within the limits', async () => {
    const negative = await ask('nearestActivations(to: {vector: [1]}, layer: 1, k: -1) { n }');
    expect(negative.errors[0].extensions.argument).toBe('k');
    const { errors } = await ask('nearestActivations(to: {vector: [1]}, layer: 1, k: 10001) { n }');
    expect(errors[0].extensions).toMatchObject({ code: 'LIMIT_EXCEEDED', limit: 'pageSize' });
  });

  it('is no activation at all', async () => {
    const { data } = await ask(
      'nearestActivations(to: {vector: [1]}, layer: 99) { n dim nUndefined rows { value } }',
    );
    expect(data.nearestActivations).toEqual({ n: 0, dim: 1, nUndefined: 0, rows: [] });
  });
});

it('the cost of a measure is known beforehand', async () => {
  const { data } = await ask(
    'explainCost(query: "{ nearestActivations(to: {fv: {runId: \\"fv\\", kind: \\"k\\"}}, runIds: [\\"r\\"], layer: 1) { n } }") { statements tables { table } }',
  );
  expect(data.explainCost.statements).toBe(1);
  expect(data.explainCost.tables.map(({ table }: { table: string }) => table).sort()).toEqual([
    'activations',
    'fv_vectors',
    'generations',
    'run_stores',
  ]);
});

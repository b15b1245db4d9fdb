import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createServer } from './server.ts';
import { FakeLake } from './test-support/fake-lake.ts';
import { metricRow, runRow } from './test-support/rows.ts';

let lake: FakeLake;
let app: FastifyInstance;

beforeAll(async () => {
  const run = (id: string, method: string, seed: bigint | null) =>
    runRow(id, { method, seed, split: 'test', run_date: '2026-01-20' });
  lake = await FakeLake.create({
    runs: [
      run('a0', 'a', 0n),
      run('a1', 'a', 1n),
      run('a2', 'a', 2n),
      run('a3', 'a', 3n),
      { ...run('b', 'b', null), git_commit: 'f00d' },
      run('c', 'c', 1n),
    ],
    metrics: [
      metricRow('a2', 'auroc', 0.9, { split: 'test' }),
      metricRow('a0', 'auroc', 0.5),
      metricRow('a1', 'auroc', 0.7),
      metricRow('a3', 'auroc', Number.NaN),
      metricRow('a0', 'auroc', 0.99, { split: 'train' }),
      metricRow('a0', 'auroc', 0.1, { scope: 'layer:1' }),
      metricRow('a0', 'auroc', 0.6, { source: 'recomputed' }),
      metricRow('b', 'auroc', 0.25),
      metricRow('c', 'auroc', null),
      metricRow('c', 'f1', 1),
      metricRow('c', 'f1', 0, { split: 'test' }),
    ],
  });
  app = await createServer({ reader: lake });
});
afterAll(async () => {
  await app.close();
  lake.connection.closeSync();
});

async function ask(field: string) {
  const response = await app.inject({ method: 'POST', url: '/graphql', payload: { query: `{ ${field} }` } });
  return response.json();
}

it('gives mean, spread and Student t interval over the runs of a group', async () => {
  const { data } = await ask(
    'aggregateMetrics(metric: "auroc", groupBy: [METHOD, RUN_DATE]) { method runDate n nMissing mean sd sem halfWidth ciLow ciHigh values seeds runIds dimensions { dimension value } interval }',
  );
  const [a, b, c] = data.aggregateMetrics;
  expect(a).toMatchObject({
    method: 'a',
    runDate: '2026-01-20',
    n: 3,
    nMissing: 1,
    values: [0.5, 0.7, 0.9],
    seeds: [0, 1, 2],
    runIds: ['a0', 'a1', 'a2'],
    dimensions: [
      { dimension: 'METHOD', value: 'a' },
      { dimension: 'RUN_DATE', value: '2026-01-20' },
    ],
    interval: 'Student t, two-sided, n-1 degrees of freedom, across seeds',
  });
  // With 2 degrees of freedom the quantile has a closed form: t = (2p - 1) / sqrt(2p(1 - p)), here p = 0.975.
  expect(a.mean).toBeCloseTo(0.7, 14);
  expect(a.sd).toBeCloseTo(0.2, 14);
  const halfWidth = ((0.95 / Math.sqrt(2 * 0.975 * 0.025)) * 0.2) / Math.sqrt(3);
  expect(a.halfWidth).toBeCloseTo(halfWidth, 12);
  expect(a.ciLow).toBeCloseTo(0.7 - halfWidth, 12);
  expect(a.ciHigh).toBeCloseTo(0.7 + halfWidth, 12);
  expect(b).toMatchObject({
    method: 'b',
    n: 1,
    mean: 0.25,
    sd: null,
    sem: null,
    halfWidth: null,
    ciLow: null,
    seeds: [null],
  });
  expect(c).toMatchObject({ method: 'c', n: 0, nMissing: 1, mean: null, values: [] });
});

it('gives the same digits whether or not the values are asked for', async () => {
  const short = await ask('aggregateMetrics(metric: "auroc", groupBy: [METHOD]) { mean sd sem halfWidth }');
  const long = await ask(
    'aggregateMetrics(metric: "auroc", groupBy: [METHOD]) { mean sd sem halfWidth values }',
  );
  for (const group of long.data.aggregateMetrics) delete group.values;
  expect(short.data).toEqual(long.data);
});

it('chooses by source, scope, split and filter', async () => {
  const one = async (args: string) =>
    (await ask(`aggregateMetrics(metric: "auroc", groupBy: [], ${args}) { n mean }`)).data.aggregateMetrics;
  expect(await one('source: RECOMPUTED')).toEqual([{ n: 1, mean: 0.6 }]);
  expect(await one('scope: "layer:1"')).toEqual([{ n: 1, mean: 0.1 }]);
  expect(await one('split: "train"')).toEqual([{ n: 1, mean: 0.99 }]);
  expect(await one('filter: {seed: {gte: 2}}')).toEqual([{ n: 1, mean: 0.9 }]);
  expect(await one('filter: {method: {eq: "none"}}')).toEqual([]);
  const { data } = await ask(
    'aggregateMetrics(metric: "auroc", groupBy: [SCOPE, SEED], filter: {id: {eq: "a0"}}) { scope seed mean }',
  );
  expect(data.aggregateMetrics).toEqual([
    { scope: 'layer:1', seed: 0, mean: 0.1 },
    { scope: 'overall', seed: 0, mean: 0.5 },
  ]);
});

it('refuses to count one run as several seeds, and confidence that is none', async () => {
  const twice = await ask('aggregateMetrics(metric: "f1", groupBy: [METHOD]) { mean }');
  expect(twice.errors[0].extensions).toMatchObject({ code: 'BAD_USER_INPUT', argument: 'groupBy' });
  for (const confidence of [0, 1, 95]) {
    const answer = await ask(
      `aggregateMetrics(metric: "auroc", groupBy: [METHOD], confidence: ${confidence}) { mean }`,
    );
    expect(answer.errors[0].extensions).toMatchObject({ code: 'BAD_USER_INPUT', argument: 'confidence' });
  }
});

it('groups by the commit of the code', async () => {
  const { data } = await ask(
    'aggregateMetrics(metric: "auroc", groupBy: [GIT_COMMIT], filter: {method: {in: ["b", "c"]}}) { gitCommit n dimensions { dimension value } }',
  );
  expect(data.aggregateMetrics).toEqual([
    { gitCommit: 'f00d', n: 1, dimensions: [{ dimension: 'GIT_COMMIT', value: 'f00d' }] },
    { gitCommit: null, n: 0, dimensions: [{ dimension: 'GIT_COMMIT', value: null }] },
  ]);
});

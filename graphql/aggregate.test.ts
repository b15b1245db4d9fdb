import fc from 'fast-check';
import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createServer } from './server.ts';
import { FakeLake } from './test-support/fake-lake.ts';
import { metricRow, runRow } from './test-support/rows.ts';
import { parseJsonExactly } from './values.ts';

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
      metricRow('a0', 'perplexity', 2),
      metricRow('a1', 'perplexity', Infinity),
      metricRow('b', 'perplexity', 3),
    ],
  });
  app = await createServer({ reader: lake });
});
afterAll(async () => {
  await app.close();
  lake.connection.closeSync();
});

async function ask(field: string, server = app) {
  const response = await server.inject({
    method: 'POST',
    url: '/graphql',
    payload: { query: `{ ${field} }` },
  });
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

it('says which numbers are infinite, and counts them', async () => {
  const { data, extensions } = await ask(
    'spread: aggregateMetrics(metric: "perplexity", groupBy: [METHOD]) { n nMissing mean sd ciLow values }',
  );
  expect(data.spread).toEqual([
    { n: 2, nMissing: 0, mean: null, sd: null, ciLow: null, values: [2, null] },
    { n: 1, nMissing: 0, mean: 3, sd: null, ciLow: null, values: [3] },
  ]);
  const issues: { path: unknown[]; value: string }[] = extensions.issues;
  const told = new Map(issues.map(({ path, value }) => [path.join(), value]));
  expect(told.get('spread,0,mean')).toBe('Infinity');
  expect(told.get('spread,0,sd')).toBe('NaN');
  expect(told.get('spread,0,values,1')).toBe('Infinity');
  expect([...told.keys()].filter((path) => path.startsWith('spread,1'))).toEqual([]);
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

describe('members of the configuration', () => {
  const configs = new Map<string, string | null>([
    ['t0', '{"gen":{"temperature":0.70,"n":1,"a/b":true},"tags":["x","y"],"id":12345678901234567890}'],
    ['t1', '{"gen":{"temperature":7e-1,"n":1.0,"a/b":true},"tags":["x","y"]}'],
    ['t2', '{"gen":{"temperature":10,"n":"1"},"tags":"x"}'],
    ['t3', '{"gen":{"temperature":9.5,"n":null}}'],
    ['t4', '{"gen":[]}'],
    ['t5', null],
    ['t6', 'no JSON'],
  ]);
  const members = new Map<string, unknown>();
  let tuned: FakeLake;
  let server: FastifyInstance;
  const aggregate = async (args: string, fields: string) => {
    const { data, errors } = await ask(`aggregateMetrics(metric: "auroc", ${args}) { ${fields} }`, server);
    return errors ?? data.aggregateMetrics;
  };

  beforeAll(async () => {
    const random = fc.sample(fc.jsonValue({ maxDepth: 2 }), { numRuns: 60, seed: 1 });
    for (const [i, value] of random.entries()) members.set(`m${i}`, value);
    const rows = new Map([
      ...configs,
      ...[...members].map(([id, value]) => [id, JSON.stringify({ 'a ~/"$.*\'': value })] as const),
    ]);
    tuned = await FakeLake.create({
      runs: [...rows].map(([id, config], i) =>
        runRow(id, { method: configs.has(id) ? 'tuned' : 'random', seed: BigInt(i), config }),
      ),
      metrics: [...rows.keys()].map((id, i) => metricRow(id, 'auroc', i / 100)),
    });
    server = await createServer({ reader: tuned });
  });
  afterAll(async () => {
    await server.close();
    tuned.connection.closeSync();
  });

  it('are dimensions: numbers by their value and size, then texts, then what is missing', async () => {
    const by = (pointer: string) =>
      aggregate(
        `groupBy: [METHOD], groupByConfig: ["${pointer}"], filter: {method: {eq: "tuned"}}`,
        'method config { pointer value } n',
      );
    const groups = (pointer: string, ...found: readonly (readonly [unknown, number])[]) =>
      found.map(([value, n]) => ({ method: 'tuned', config: [{ pointer, value }], n }));
    expect(await by('/gen/temperature')).toEqual(
      groups('/gen/temperature', [0.7, 2], [9.5, 1], [10, 1], [null, 3]),
    );
    expect(await by('/gen/n')).toEqual(groups('/gen/n', [1, 2], ['1', 1], [null, 4]));
    expect(await by('/gen/a~1b')).toEqual(groups('/gen/a~1b', [true, 2], [null, 5]));
    expect(await by('/tags')).toEqual(groups('/tags', ['x', 1], [['x', 'y'], 2], [null, 4]));
    expect(await by('/tags/1')).toEqual(groups('/tags/1', ['y', 2], [null, 5]));
    expect(await by('/id')).toEqual(groups('/id', ['12345678901234567890', 1], [null, 6]));
    expect(await by('/')).toEqual(groups('/', [null, 7]));
  });

  it('go together with each other, and without any column', async () => {
    const found = await aggregate(
      'groupBy: [], groupByConfig: ["/gen/n", "/tags/0", "/gen/n"], filter: {id: {in: ["t0", "t1", "t2"]}}',
      'config { pointer value } runIds',
    );
    const config = (n: unknown, tag: unknown) => [
      { pointer: '/gen/n', value: n },
      { pointer: '/tags/0', value: tag },
    ];
    expect(found).toEqual([
      { config: config(1, 'x'), runIds: ['t0', 't1'] },
      { config: config('1', null), runIds: ['t2'] },
    ]);
  });

  it('keep any value what it is, and every run in the group of its value', async () => {
    const pointer = '/a ~0~1\\"$.*\'';
    const found: { config: [{ value: unknown }]; runIds: string[] }[] = await aggregate(
      `groupBy: [], groupByConfig: ["${pointer}"], filter: {method: {eq: "random"}}`,
      'config { value } runIds',
    );
    const seen = found.flatMap(({ config, runIds }) => runIds.map((id) => [id, config[0].value] as const));
    const plain = (value: unknown): unknown => parseJsonExactly(JSON.stringify(value));
    expect(Object.fromEntries(seen)).toEqual(
      Object.fromEntries([...members].map(([id, value]) => [id, plain(value)])),
    );
    const texts = found.map(({ config }) => JSON.stringify(config[0].value));
    expect(new Set(texts).size).toBe(texts.length);
  });

  it('are named by a few short JSON pointers', async () => {
    const refused = async (pointers: readonly string[]) => {
      const [error] = await aggregate(`groupBy: [], groupByConfig: ${JSON.stringify(pointers)}`, 'n');
      expect(error.extensions).toMatchObject({ code: 'BAD_USER_INPUT', argument: 'groupByConfig' });
    };
    for (const pointer of ['', 'gen', '$.gen', '/a~2', '/a~', `/${'x'.repeat(500)}`])
      await refused([pointer]);
    await refused(Array.from({ length: 9 }, (_, i) => `/${i}`));
  });
});

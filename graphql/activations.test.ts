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
    segment: 'response',
  });
}

/** Entries of the store `geo`: pairs share a prompt, hallucinations lie 2 further along the second axis of layer 1. */
const GEO = Array.from({ length: 24 }, (_, i) => ({
  key: `e${String(i).padStart(2, '0')}`,
  halu: i % 3 === 0,
  prompt: `prompt ${i >> 1}`,
}));

function geoVector(i: number, layer: number): number[] {
  const shift = layer === 1 && GEO[i]!.halu ? 2 : 0;
  return [10 + Math.sin(i), shift + Math.cos(3 * i) / 4, Math.sin(7 * i) / 8, 1];
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
      runRow('geo'),
      runRow('probe', { source_uri: `file:${artifacts}/probe` }),
    ],
    run_stores: [
      storeRow('r', 's'),
      storeRow('twin', 's'),
      storeRow('other', 'wide'),
      storeRow('geo', 'geo'),
    ],
    generations: [
      generationRow('r', 'example-of-a', { activation_key: 'a', halu: true }),
      generationRow('r', 'example-of-b', { activation_key: 'b', halu: false }),
      generationRow('r', 'example-of-zero', { activation_key: 'zero', halu: false }),
      generationRow('twin', 'example-of-a', { activation_key: 'a', halu: true }),
      generationRow('twin', 'example-of-b', { activation_key: 'b', halu: true }),
      ...GEO.map(({ key, halu, prompt }) =>
        generationRow('geo', `example-of-${key}`, { activation_key: key, halu, prompt }),
      ),
    ],
    activations: [
      vectorRow('s', 'a', 1, [3, 4]),
      vectorRow('s', 'b', 1, [1, 0]),
      vectorRow('s', 'c', 1, [-6, -8]),
      vectorRow('s', 'zero', 1, [0, 0]),
      vectorRow('s', 'nan', 1, [Number.NaN, 1]),
      vectorRow('s', 'a', 2, [0, 2]),
      vectorRow('wide', 'a', 1, [1, 2, 3]),
      ...[2, 1].flatMap((layer) =>
        GEO.map(({ key }, i) => vectorRow('geo', key, layer, geoVector(i, layer))),
      ),
      ...[3, 5].map((token) => ({
        ...vectorRow('tokens', 'a', 1, [token - 4, 0]),
        token_index: token,
        token_selector: 'all',
      })),
      { ...vectorRow('unknown', 'a', 1, [1, 0]), segment: null },
      vectorRow('geo', 'nan', 1, [Number.NaN, 0, 0, 0]),
      { ...vectorRow('geo', 'e00', 4, [0, 0, 0, Number.POSITIVE_INFINITY]), norm: null },
      { ...vectorRow('geo', 'e01', 4, [1, 2, 3, 4]), norm: null },
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
    const elsewhere = await ask(
      'projectActivations(against: {probe: {runId: "probe", elsewhere: true}}, runIds: ["r"]) { n }',
    );
    expect(elsewhere.data.projectActivations.n).toBe(8);
    const cost = await ask(
      'explainCost(query: "{ nearestActivations(to: {probe: {runId: \\"probe\\"}}, layer: 1) { n } }") { tables { table } }',
    );
    expect(cost.data.explainCost.tables).toEqual([{ table: 'runs' }, { table: 'activations' }]);
  });

  it.each([
    ['layer: 2', 'resid_post of layer 2, last of response'],
    ['layer: 3, token: LAST', 'resid_post of layer 3, all of response'],
    ['filter: {storeId: {eq: "tokens"}}', 'resid_post of layer 1, all of response'],
    ['filter: {storeId: {eq: "tokens"}}, token: FIRST', 'resid_post of layer 1, all of response'],
    ['filter: {storeId: {eq: "unknown"}}', 'resid_post of layer 1, last of an unknown segment'],
  ])('compares a probe with nothing that it was not trained on: %s', async (choice, other) => {
    const { errors } = await ask(
      `projectActivations(against: {probe: {runId: "probe"}}, ${choice}, first: 1) { n }`,
    );
    expect(errors[0].message).toContain('probe was trained on resid_post of layer 1, last of response;');
    expect(errors[0].message).toContain(`such as ${other}`);
    expect(errors[0].extensions.code).toBe('BAD_USER_INPUT');
  });

  it('picks one of the stored tokens, of which the last is where a probe of last tokens belongs', async () => {
    const choice = 'filter: {storeId: {eq: "tokens"}}';
    const { data } = await ask(
      `first: projectActivations(against: {vector: [1, 0]}, ${choice}, token: FIRST) { rows { tokenIndex } } last: projectActivations(against: {probe: {runId: "probe"}}, ${choice}, token: LAST) { rows { tokenIndex value } }`,
    );
    expect(data).toEqual({
      first: { rows: [{ tokenIndex: 3 }] },
      last: { rows: [{ tokenIndex: 5, value: 0.5 }] },
    });
  });

  it('goes on where a page ended, in the same state of the lake', async () => {
    const page = async (rest: string) => {
      const answer = await ask(
        `projectActivations(against: {vector: [1, 0.5]}, runIds: ["r"], layer: 1${rest}) { rows { activationKey } endCursor }`,
      );
      return answer.data?.projectActivations ?? answer.errors[0].extensions;
    };
    const keys: string[] = [];
    let after = '';
    for (;;) {
      const { rows, endCursor } = await page(`, first: 2${after}`);
      keys.push(...rows.map(({ activationKey }: { activationKey: string }) => activationKey));
      if (endCursor === null) break;
      after = `, after: "${endCursor}"`;
    }
    expect(keys).toEqual(['a', 'b', 'zero', 'c', 'nan']);
    expect((await page(', first: 5')).endCursor).toBeNull();
    expect((await page(', first: 4')).endCursor).not.toBeNull();
    expect((await page(`, first: 2, direction: ASC${after}`)).code).toBe('BAD_CURSOR');
    expect((await page(', after: "x"')).code).toBe('BAD_CURSOR');
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
      'nearestActivations(to: {activation: {storeId: "s", activationKey: "a", layer: 1}}, runIds: ["r"], layer: 1, k: 3) { n nUndefined rows { activationKey value } endCursor }',
    );
    expect(data.nearestActivations).toMatchObject({ n: 4, nUndefined: 2, endCursor: null });
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
    ['against: {vector: [1, 2]}', 'has 2 numbers, the activations have 2 to 4'],
    ['against: {vector: []}', 'is empty'],
    ['against: {}', 'names 0 vectors'],
    ['against: {vector: [1], fv: {runId: "fv", kind: "k"}}', 'names 2 vectors'],
    ['against: {fv: {runId: "fv", kind: "k"}}', 'names no vector of the lake'],
    ['against: {activation: {activationKey: "tokens", layer: 3}}', 'names several vectors'],
    [
      'against: {activation: {activationKey: "nan", layer: 1, storeId: "s"}}, runIds: ["r"]',
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

describe('activations of a layer together', () => {
  const geo = (field: string) => ask(field.replace('(', '(runIds: ["geo"], '));

  it('difference of means by label, a direction to project on', async () => {
    const { data } = await geo(
      'differenceOfMeans(layers: [1, 2]) { layer dim nPositive nNegative nUndefined positiveNorm negativeNorm cosine norm vector base64: vector(encoding: BASE64) }',
    );
    const [first, second] = data.differenceOfMeans;
    expect(first).toMatchObject({ layer: 1, dim: 4, nPositive: 8, nNegative: 16, nUndefined: 0 });
    const mean = (halu: boolean) => {
      const rows = GEO.flatMap((entry, i) =>
        entry.halu === halu ? [Float32Array.from(geoVector(i, 1))] : [],
      );
      return [0, 1, 2, 3].map((j) => rows.reduce((sum, row) => sum + row[j]!, 0) / rows.length);
    };
    const expected = mean(true).map((value, j) => value - mean(false)[j]!);
    expect(first.vector).toEqual(expected.map((value) => expect.closeTo(value, 12)));
    expect([...new Float32Array(new Uint8Array(Buffer.from(first.base64, 'base64')).buffer)]).toEqual(
      first.vector.map(Math.fround),
    );
    expect(first.norm).toBeCloseTo(Math.hypot(...expected), 12);
    expect(first.positiveNorm).toBeCloseTo(Math.hypot(...mean(true)), 12);
    expect(first.norm ** 2).toBeCloseTo(
      first.positiveNorm ** 2 +
        first.negativeNorm ** 2 -
        2 * first.cosine * first.positiveNorm * first.negativeNorm,
      8,
    );
    expect(second.norm).toBeLessThan(0.5 * first.norm);
    const projected = await geo(
      `projectActivations(against: {vector: ${JSON.stringify(first.vector)}}, layer: 1, first: 8) { rows { halu } }`,
    );
    expect(projected.data.projectActivations.rows.every(({ halu }: { halu: boolean }) => halu)).toBe(true);
  });

  it('difference of means by filters', async () => {
    const { data } = await ask(
      'differenceOfMeans(layers: [1], positive: {storeId: {eq: "s"}, activationKey: {eq: "a"}}, negative: {activationKey: {in: ["b", "nan"]}, storeId: {eq: "s"}}) { nPositive nNegative nUndefined vector }',
    );
    expect(data.differenceOfMeans).toEqual([{ nPositive: 1, nNegative: 1, nUndefined: 1, vector: [2, 4] }]);
  });

  it('class separation by layer', async () => {
    const { data } = await geo(
      'classSeparation(layers: [2, 1]) { layer nPositive nNegative nGroups folds auroc { value low high } cohensD fisherRatio silhouette }',
    );
    const [apart, mixed] = data.classSeparation;
    expect(apart).toMatchObject({ layer: 1, nPositive: 8, nNegative: 16, nGroups: 12, folds: 5 });
    expect(apart.auroc).toEqual({ value: 1, low: 1, high: 1 });
    expect(mixed.layer).toBe(2);
    expect(mixed.auroc.value).toBeLessThan(0.9);
    for (const name of ['cohensD', 'fisherRatio', 'silhouette'])
      expect(apart[name]).toBeGreaterThan(mixed[name]);
  });

  it('principal components and points to plot', async () => {
    const fields =
      'n nUndefined dim totalVariance residual components { explainedVariance explainedVarianceRatio vector } points { activationKey exampleId halu tokenIndex scores }';
    const { data } = await geo(`pcaActivations(layers: [1], k: 10, points: 6) { ${fields} }`);
    const [{ n, nUndefined, components, points, totalVariance }] = data.pcaActivations;
    // One activation has NaN; it has no label either, which does not matter here.
    expect([n, nUndefined, components.length]).toEqual([24, 1, 3]);
    const variances = components.map(
      (component: { explainedVariance: number }) => component.explainedVariance,
    );
    expect(variances.reduce((sum: number, value: number) => sum + value)).toBeCloseTo(totalVariance, 10);
    expect(points.map(({ activationKey }: { activationKey: string }) => activationKey)).toEqual([
      'e00',
      'e04',
      'e08',
      'e12',
      'e16',
      'e20',
    ]);
    expect(points[0]).toMatchObject({ exampleId: 'example-of-e00', halu: true, tokenIndex: 0 });
    const again = await geo(`pcaActivations(layers: [1], k: 10, points: 6) { ${fields} }`);
    expect(again).toEqual({ data, extensions: expect.anything() });
    const one = await geo('pcaActivations(layers: [1], halu: true) { n points { halu } }');
    expect(one.data.pcaActivations[0].n).toBe(8);
  });

  it('looks at the values where no norm is stored', async () => {
    const { data } = await geo(
      'pcaActivations(layers: [4]) { n nUndefined components { explainedVariance } }',
    );
    expect(data.pcaActivations).toEqual([{ n: 1, nUndefined: 1, components: [] }]);
  });

  it('is nothing without activations', async () => {
    expect((await geo('classSeparation(layers: [9]) { layer }')).data.classSeparation).toEqual([]);
    expect((await ask('differenceOfMeans(runIds: []) { layer }')).data.differenceOfMeans).toEqual([]);
    const { data } = await ask('classSeparation(runIds: ["other"]) { nPositive auroc { value } folds }');
    expect(data.classSeparation).toEqual([{ nPositive: 0, auroc: null, folds: 0 }]);
  });

  it.each([
    ['differenceOfMeans { layer }', 'runIds: is missing'],
    ['differenceOfMeans(positive: {layer: {eq: 1}}) { layer }', 'negative: is missing'],
    ['differenceOfMeans(positive: {dim: {eq: 3}}, negative: {layer: {eq: 1}}) { layer }', 'in both classes'],
    ['pcaActivations(layers: [1]) { layer }', 'activations of layer 1 have 2, 3, 4 numbers'],
    ['pcaActivations(layers: [-1]) { layer }', 'layers: -1 is no layer'],
    ['pcaActivations(k: 0) { layer }', 'k: is 0'],
    ['pcaActivations(k: 11) { layer }', 'k: is 11'],
    ['pcaActivations(points: -1) { layer }', 'points: is -1'],
    ['pcaActivations(halu: true) { layer }', 'has no runs'],
    ['classSeparation(runIds: ["geo"], folds: 1) { layer }', 'folds: is 1'],
    ['classSeparation(runIds: ["geo"], confidence: 1) { layer }', 'confidence: 1 is no confidence'],
  ])('%s', async (query, message) => {
    const { errors } = await ask(query);
    expect(errors[0].message).toContain(message);
    expect(errors[0].extensions.code).toBe('BAD_USER_INPUT');
  });

  it('has limits', async () => {
    const { errors } = await ask('pcaActivations(points: 10001) { layer }');
    expect(errors[0].extensions).toMatchObject({ code: 'LIMIT_EXCEEDED', limit: 'pageSize' });
    const small = await createServer({ reader: lake, config: { limits: { rows: 5 } } });
    const query = '{ pcaActivations(runIds: ["geo"]) { layer } }';
    const response = await small.inject({ method: 'POST', url: '/graphql', payload: { query } });
    expect(response.json().errors[0].extensions).toMatchObject({ code: 'LIMIT_EXCEEDED', limit: 'rows' });
    await small.close();
    expect(lake.held).toBe(0);
  });

  it('costs what it reads', async () => {
    const { data } = await ask(
      'explainCost(query: "{ classSeparation(runIds: [\\"geo\\"]) { layer } }") { tables { table } }',
    );
    expect(data.explainCost.tables.map(({ table }: { table: string }) => table).sort()).toEqual([
      'activations',
      'generations',
      'run_stores',
    ]);
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

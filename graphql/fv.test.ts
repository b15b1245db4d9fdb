import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Row } from '../lake/tables/schema.ts';
import { createServer } from './server.ts';
import { FakeLake } from './test-support/fake-lake.ts';
import { runRow } from './test-support/rows.ts';

let lake: FakeLake;
let app: FastifyInstance;

function headRow(run: string, layer: number, head: number, score: number | null, more: Row = {}): Row {
  return {
    run_id: run,
    ingest_id: 'i',
    q_id: 'Q1',
    layer,
    head,
    mean_delta_p: score,
    partial: false,
    ...more,
  };
}

function injectionRow(run: string, qId: string, layer: number, delta: number | null, more: Row = {}): Row {
  const base = 0.25;
  const with_ = delta === null ? null : base + delta;
  return {
    run_id: run,
    ingest_id: 'i',
    q_id: qId,
    layer,
    n_eval: 10n,
    mean_p_base: base,
    mean_p_with: with_,
    mean_delta_p: delta,
    std_delta_p: 0.125,
    acc_base: 0,
    acc_with: 0.5,
    delta_acc: 0.5,
    ...more,
  };
}

beforeAll(async () => {
  const manifest = JSON.stringify({ runlake: { n_layers: 3, n_heads: 2, topk: 3 } });
  lake = await FakeLake.create({
    runs: [
      runRow('r', { family: 'FV', manifest }),
      runRow('two', { family: 'FV', manifest: '{}' }),
      runRow('vast', { family: 'FV', manifest: '{}' }),
      runRow('none', { family: 'HALLULENS' }),
    ],
    fv_heads: [
      headRow('r', 0, 0, 0.5, { selected: true, dla: -2 }),
      headRow('r', 0, 1, -1, { selected: false }),
      headRow('r', 1, 1, 0.75, { selected: true }),
      headRow('r', 1, 0, 0.5, { selected: true }),
      headRow('r', 2, 0, Number.NaN),
      headRow('two', 0, 0, 1),
      headRow('two', 0, 0, 2, { q_id: 'Q2' }),
      headRow('vast', 2_000_000_000, 2_000_000_000, 1),
    ],
    fv_injection_trials: [
      { run_id: 'r', ingest_id: 'i', q_id: 'Q1', layer: 0, idx: 0 },
      {
        run_id: 'r',
        ingest_id: 'i',
        q_id: 'Q1',
        layer: 0,
        idx: 1,
        vector_kind: 'random_vector',
        query_set: 'extraction',
        draw: 0,
      },
    ],
    fv_injections: [
      injectionRow('r', 'Q1', 0, 0.125),
      injectionRow('r', 'Q1', 1, 0.25),
      injectionRow('r', 'Q1', 2, 0.25),
      injectionRow('r', 'Q1', 4, Number.NaN),
      injectionRow('two', 'Q1', 0, 0.5),
      injectionRow('two', 'Q2', 0, null),
      injectionRow('r', 'Q1', 0, 0, { vector_kind: 'random_vector', query_set: 'extraction', draw: 0 }),
      injectionRow('r', 'Q1', 1, 0.125, { vector_kind: 'random_vector', query_set: 'extraction', draw: 0 }),
      injectionRow('r', 'Q1', 0, 0.5, { vector_kind: 'random_vector', query_set: 'extraction', draw: 1 }),
      injectionRow('r', 'Q1', 0, 0.75, { vector_kind: 'function_vector', query_set: 'held_out' }),
    ],
  });
  app = await createServer({ reader: lake });
});
afterAll(async () => {
  await app.close();
  lake.connection.closeSync();
});

async function ask(query: string) {
  const response = await app.inject({ method: 'POST', url: '/graphql', payload: { query: `{ ${query} }` } });
  return response.json();
}

const ALL =
  'runId scoreKey layers heads matrix missing min max k boundaryGap smallestGap topHeads { rank layer head score selected tied }';

describe('fvHeatmap', () => {
  it('is a matrix over the whole model with the top heads in rank order', async () => {
    const { data } = await ask(`fvHeatmap(runId: "r") { ${ALL} }`);
    expect(data.fvHeatmap).toEqual({
      runId: 'r',
      scoreKey: 'mean_delta_p',
      layers: 3,
      heads: 2,
      matrix: [
        [0.5, -1],
        [0.5, 0.75],
        [null, null],
      ],
      missing: 2,
      min: -1,
      max: 0.75,
      k: 3,
      boundaryGap: 1.5,
      smallestGap: 0,
      topHeads: [
        { rank: 1, layer: 1, head: 1, score: 0.75, selected: true, tied: false },
        { rank: 2, layer: 0, head: 0, score: 0.5, selected: true, tied: true },
        { rank: 3, layer: 1, head: 0, score: 0.5, selected: true, tied: true },
      ],
    });
  });

  it('tells a tie at the boundary, and that there is no boundary', async () => {
    const { data } = await ask(
      'two: fvHeatmap(runId: "r", k: 2) { k boundaryGap topHeads { head } } all: fvHeatmap(runId: "r", k: 99) { k boundaryGap } none: fvHeatmap(runId: "r", k: 0) { k boundaryGap smallestGap topHeads { head } }',
    );
    expect(data).toEqual({
      two: { k: 2, boundaryGap: 0, topHeads: [{ head: 1 }, { head: 0 }] },
      all: { k: 4, boundaryGap: null },
      none: { k: 0, boundaryGap: null, smallestGap: null, topHeads: [] },
    });
  });

  it('is the mean over relation queries, or one of them', async () => {
    const { data } = await ask(
      'mean: fvHeatmap(runId: "two") { matrix layers heads } q2: fvHeatmap(runId: "two", qId: "Q2") { matrix } none: fvHeatmap(runId: "two", qId: "Q3") { matrix }',
    );
    expect(data).toEqual({
      mean: { matrix: [[1.5]], layers: 1, heads: 1 },
      q2: { matrix: [[2]] },
      none: null,
    });
  });

  it('is null for runs without head scores', async () => {
    const { data } = await ask('a: fvHeatmap(runId: "none") { k } b: fvHeatmap(runId: "absent") { k }');
    expect(data).toEqual({ a: null, b: null });
  });

  it('has no scores of a column that nothing was written to', async () => {
    const { data } = await ask(
      'fvHeatmap(runId: "r", scoreKey: "mean_delta_logit") { matrix missing min topHeads { rank } }',
    );
    expect(data.fvHeatmap).toEqual({
      matrix: [
        [null, null],
        [null, null],
        [null, null],
      ],
      missing: 6,
      min: null,
      topHeads: [],
    });
  });

  it('is of any score, such as direct logit attribution', async () => {
    const { data } = await ask('fvHeatmap(runId: "r", scoreKey: "dla") { matrix topHeads { head score } }');
    expect(data.fvHeatmap).toEqual({
      matrix: [
        [-2, null],
        [null, null],
        [null, null],
      ],
      topHeads: [{ head: 0, score: -2 }],
    });
  });

  it('refuses what is no score, and a model that nobody has', async () => {
    for (const key of ['rank', 'mean_delta', '"; DROP TABLE x', 'constructor']) {
      const { errors } = await ask(`fvHeatmap(runId: "r", scoreKey: ${JSON.stringify(key)}) { k }`);
      expect(errors[0].extensions.code).toBe('BAD_USER_INPUT');
      expect(errors[0].message).toContain('scoreKey');
    }
    expect((await ask('fvHeatmap(runId: "r", k: -1) { k }')).errors[0].extensions.code).toBe(
      'BAD_USER_INPUT',
    );
    expect((await ask('fvHeatmap(runId: "vast") { k }')).errors[0].extensions).toMatchObject({
      code: 'LIMIT_EXCEEDED',
      limit: 'rows',
    });
  });

  it('is one statement, and its cost is known', async () => {
    const before = lake.statements.length;
    await ask('fvHeatmap(runId: "r") { k }');
    expect(lake.statements.length - before).toBe(1);
    const { data } = await ask(
      'explainCost(query: "{ fvHeatmap(runId: \\"r\\") { k } fvLayerCurve(runId: \\"r\\") { layer } }") { statements tables { table } }',
    );
    expect(data.explainCost).toEqual({
      statements: 2,
      tables: [{ table: 'runs' }, { table: 'fv_heads' }, { table: 'fv_injections' }],
    });
  });
});

describe('fvLayerCurve', () => {
  it('has a point a layer, and the first of the greatest changes is the best', async () => {
    const { data, extensions } = await ask(
      'fvLayerCurve(runId: "r") { qId layer baseline with delta n std best }',
    );
    const point = { qId: 'Q1', baseline: 0.25, n: 10, std: 0.125, best: false };
    expect(data.fvLayerCurve).toEqual([
      { ...point, layer: 0, with: 0.375, delta: 0.125 },
      { ...point, layer: 1, with: 0.5, delta: 0.25, best: true },
      { ...point, layer: 2, with: 0.5, delta: 0.25 },
      { ...point, layer: 4, with: null, delta: null },
    ]);
    expect(extensions.issues).toMatchObject([
      { path: ['fvLayerCurve', 3, 'with'], value: 'NaN' },
      { path: ['fvLayerCurve', 3, 'delta'], value: 'NaN' },
    ]);
  });

  it('has a curve for each relation query, and one for accuracy', async () => {
    const { data } = await ask(
      'all: fvLayerCurve(runId: "two", metric: "delta_acc") { qId delta with std best } q1: fvLayerCurve(runId: "two", qId: "Q1") { qId delta } none: fvLayerCurve(runId: "absent") { layer }',
    );
    expect(data).toEqual({
      all: [
        { qId: 'Q1', delta: 0.5, with: 0.5, std: null, best: true },
        { qId: 'Q2', delta: 0.5, with: 0.5, std: null, best: true },
      ],
      q1: [{ qId: 'Q1', delta: 0.5 }],
      none: [],
    });
  });

  it('has curves of controls, one a draw, and of held-out examples', async () => {
    const { data } = await ask(
      'random: fvLayerCurve(runId: "r", vector: RANDOM_VECTOR) { draw layer delta best } held: fvLayerCurve(runId: "r", querySet: HELD_OUT) { draw layer delta } none: fvLayerCurve(runId: "r", vector: OTHER_QUERY, qId: "Q1") { layer }',
    );
    expect(data).toEqual({
      random: [
        { draw: 0, layer: 0, delta: 0, best: false },
        { draw: 0, layer: 1, delta: 0.125, best: true },
        { draw: 1, layer: 0, delta: 0.5, best: true },
      ],
      held: [{ draw: null, layer: 0, delta: 0.75 }],
      none: [],
    });
  });

  it('keeps the examples of an injection apart from those of other vectors', async () => {
    const { data } = await ask(
      'fvInjections(filter: {runId: {eq: "r"}, layer: {eq: 0}}) { nodes { vectorKind draw trials { idx } } }',
    );
    expect(data.fvInjections.nodes).toEqual([
      { vectorKind: 'random_vector', draw: 0, trials: [{ idx: 1 }] },
      { vectorKind: 'random_vector', draw: 1, trials: [] },
      { vectorKind: 'function_vector', draw: null, trials: [] },
      { vectorKind: null, draw: null, trials: [{ idx: 0 }] },
    ]);
  });

  it('refuses what is no change', async () => {
    for (const metric of ['mean_p_with', 'toString', '']) {
      const { errors } = await ask(`fvLayerCurve(runId: "r", metric: ${JSON.stringify(metric)}) { layer }`);
      expect(errors[0].message).toContain('metric');
      expect(errors[0].extensions.code).toBe('BAD_USER_INPUT');
    }
  });
});

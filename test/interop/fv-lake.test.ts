import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { createServer } from '../../graphql/server.ts';
import { FAMILIES } from '../../ingest/families/families.ts';
import { ingest } from '../../ingest/pipeline/ingest.ts';
import { sharedDir } from '../support/shared.ts';
import { type TemporaryLake, temporaryLake } from '../support/temporary-lake.ts';

const fixtures = `${sharedDir}fixtures/fv`;
const ID = 'main/fv/relationA_ex/Q3/tiny-llama-a/run_full_llama_a';

const matrix = z.array(z.array(z.number()));
const expectedSchema = z.object({
  runs: z.looseObject({
    'run_full_llama_a/Q3': z.object({
      aie_mean_delta_p: matrix,
      aie_mean_delta_logit: matrix,
      k: z.number(),
      top_heads: matrix,
      fv_global: z.object({ norm: z.number(), first8: z.array(z.number()) }),
      step6: z.object({
        best_layer: z.number(),
        layers: z.record(z.string(), z.record(z.string(), z.number())),
      }),
      min_work_check: z.object({ margin_k_k1: z.number(), min_gap_in_topk: z.number() }),
    }),
  }),
});

describe.skipIf(sharedDir === undefined)('function-vector runs in a lake', () => {
  const want =
    sharedDir === undefined
      ? undefined
      : expectedSchema.parse(JSON.parse(readFileSync(`${fixtures}/expected.json`, 'utf8'))).runs[
          'run_full_llama_a/Q3'
        ];
  const copies = mkdtempSync(join(tmpdir(), 'runlake-fv-'));
  let lake: TemporaryLake;
  let app: FastifyInstance;

  beforeAll(async () => {
    lake = await temporaryLake();
    const report = await ingest(
      lake.writer,
      ['run_full_llama_a', 'run_small_llama_a', 'interrupted_llama_a'].map((name) => `${fixtures}/${name}`),
      { families: FAMILIES },
    );
    expect(report.runs.map(({ runId, status }) => [runId, status]).sort()).toEqual([
      ['main/fv/relationA_ex/Q14/tiny-llama-a/run_full_llama_a', 'ingested'],
      ['main/fv/relationA_ex/Q3/tiny-llama-a/interrupted_llama_a', 'ingested'],
      ['main/fv/relationA_ex/Q3/tiny-llama-a/run_full_llama_a', 'ingested'],
      ['main/fv/relationA_ex/Q3/tiny-llama-a/run_small_llama_a', 'ingested'],
    ]);
    app = await createServer({ reader: lake.lake });
  });
  afterAll(async () => {
    await app.close();
    await lake.remove();
    rmSync(copies, { recursive: true });
  });

  async function ask(query: string) {
    const response = await app.inject({
      method: 'POST',
      url: '/graphql',
      payload: { query: `{ ${query} }` },
    });
    const { data, errors } = response.json();
    expect(errors).toBeUndefined();
    return data;
  }

  it('gives the predictions of all layers for an example, each on one page', async () => {
    const found: string[] = [];
    for (let after = ''; ; ) {
      const { predictions } = await ask(
        `predictions(filter: {runId: {eq: "${ID}"}}, orderBy: [{field: CORRECT}], first: 3${after}) { totalCount nodes { exampleId editLayer } pageInfo { hasNextPage endCursor } }`,
      );
      for (const { exampleId, editLayer } of predictions.nodes) found.push(`${exampleId} ${editLayer}`);
      expect(predictions.totalCount).toBe(40);
      if (!predictions.pageInfo.hasNextPage) break;
      after = `, after: "${predictions.pageInfo.endCursor}"`;
    }
    expect(found.length).toBe(40);
    expect(new Set(found).size).toBe(40);
  });

  it('gives the heatmap with the top heads and the gaps that decide them', async () => {
    const { fvHeatmap, logits } = await ask(
      `fvHeatmap(runId: "${ID}") { layers heads missing matrix k boundaryGap smallestGap topHeads { layer head score selected tied } } logits: fvHeatmap(runId: "${ID}", scoreKey: "mean_delta_logit") { matrix }`,
    );
    expect(fvHeatmap).toMatchObject({
      layers: 4,
      heads: 8,
      missing: 0,
      k: want?.k,
      matrix: want?.aie_mean_delta_p,
    });
    expect(logits.matrix).toEqual(want?.aie_mean_delta_logit);
    expect(fvHeatmap.topHeads).toEqual(
      want?.top_heads.map(([layer, head, score]) => ({ layer, head, score, selected: true, tied: false })),
    );
    expect(fvHeatmap.boundaryGap).toBeCloseTo(want?.min_work_check.margin_k_k1 ?? 0, 15);
    expect(fvHeatmap.smallestGap).toBeCloseTo(want?.min_work_check.min_gap_in_topk ?? 0, 15);
  });

  it('gives the heads of an interrupted run, and counts those that are missing', async () => {
    const { fvHeatmap } = await ask(
      'fvHeatmap(runId: "main/fv/relationA_ex/Q3/tiny-llama-a/interrupted_llama_a") { layers heads missing k matrix topHeads { selected } }',
    );
    expect(fvHeatmap).toMatchObject({ layers: 3, heads: 8, missing: 4, k: 5 });
    expect(fvHeatmap.matrix[2].slice(4)).toEqual([null, null, null, null]);
    expect(fvHeatmap.topHeads[0].selected).toBeNull();
  });

  it('gives the curve over the layers with its best one', async () => {
    const { fvLayerCurve } = await ask(
      `fvLayerCurve(runId: "${ID}") { layer baseline with delta n std best qId }`,
    );
    expect(fvLayerCurve).toEqual(
      Object.entries(want?.step6.layers ?? {}).map(([layer, numbers]) => ({
        qId: 'Q3',
        layer: Number(layer),
        baseline: numbers['mean_p_base'],
        with: numbers['mean_p_with'],
        delta: numbers['mean_delta_p'],
        n: numbers['n_eval'],
        std: numbers['std_delta_p'],
        best: Number(layer) === want?.step6.best_layer,
      })),
    );
  });

  it('answers from heads to trials to prompts, and with the vector itself', async () => {
    const { fvHeads, fvVectors, fvInjectionTrials } = await ask(
      `fvHeads(filter: {runId: {eq: "${ID}"}, rank: {eq: 1}}) { nodes { layer head qId trials(first: 2, orderBy: [{field: TRIAL_IDX}]) { trialIdx deltaP generation { prompt reference } } run { status benchmark } } }
       fvVectors(filter: {runId: {eq: "${ID}"}, kind: {eq: "fv_global_resid"}}) { nodes { layer dim norm vector } totalCount }
       fvInjectionTrials(filter: {runId: {eq: "${ID}"}}, first: 1) { totalCount nodes { exampleId predIdBase predIdWith generation { prompt predictions { correct method } } } }`,
    );
    const [best] = want?.top_heads ?? [];
    expect(fvHeads.nodes).toHaveLength(1);
    expect(fvHeads.nodes[0]).toMatchObject({
      layer: best?.[0],
      head: best?.[1],
      qId: 'Q3',
      run: { status: 'completed', benchmark: 'relationA_ex' },
      trials: [{ trialIdx: 0 }, { trialIdx: 1 }],
    });
    expect(fvHeads.nodes[0].trials[0].generation.prompt).toMatch(/Q: rabbit\nA:$/);
    expect(fvHeads.nodes[0].trials[0].generation.reference).toMatchObject({ answer: ' burrow' });
    const [vector] = fvVectors.nodes;
    expect(fvVectors.totalCount).toBe(1);
    expect(vector).toMatchObject({ layer: null, dim: 128 });
    expect(vector.vector.slice(0, 8)).toEqual(want?.fv_global.first8);
    expect(vector.norm).toBeCloseTo(want?.fv_global.norm ?? 0, 5);
    expect(fvInjectionTrials.totalCount).toBe(40);
    expect(fvInjectionTrials.nodes[0].generation.predictions).toHaveLength(4);
  });

  it('aggregates across runs with the vocabulary of every family', async () => {
    const { aggregateMetrics, recomputed } = await ask(
      `aggregateMetrics(metric: "mean_delta_p", groupBy: [FAMILY, BENCHMARK, SPLIT], filter: {status: {eq: "completed"}}) { family benchmark split n values runIds }
       recomputed: aggregateMetrics(metric: "acc_with", groupBy: [SCOPE], source: RECOMPUTED, filter: {runId: {eq: "${ID}"}}) { scope n }`,
    );
    expect(aggregateMetrics).toHaveLength(1);
    expect(aggregateMetrics[0]).toMatchObject({ family: 'FV', benchmark: 'relationA_ex', split: 'Q3', n: 2 });
    expect(aggregateMetrics[0].values).toContain(
      want?.step6.layers[String(want.step6.best_layer)]?.['mean_delta_p'],
    );
    expect(recomputed.map(({ scope }: { scope: string }) => scope)).toEqual([
      'layer:0',
      'layer:1',
      'layer:2',
      'layer:3',
      'overall',
    ]);
  });

  it('knows a run again that has moved, and does nothing', async () => {
    cpSync(`${fixtures}/run_full_llama_a`, join(copies, 'elsewhere/run_full_llama_a'), { recursive: true });
    const { runs } = await ingest(lake.writer, [copies], { families: FAMILIES });
    expect(runs.map(({ status }) => status)).toEqual(['unchanged', 'unchanged']);
  });
});

import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { Model, openCheckpoint, readOutputProjection } from '../../compute/model/index.ts';
import { Tokenizer } from '../../compute/model/tokenizer/tokenizer.ts';
import { readRelation } from '../../compute/tasks/fv/relation/relation.ts';
import { headScores } from '../../compute/tasks/fv/scores/head-scores.ts';
import { injectionScores } from '../../compute/tasks/fv/scores/injection-scores.ts';
import { cleanMeans, norm } from '../../compute/tasks/fv/sweep/clean-means.ts';
import { headsOf, sweepTrials } from '../../compute/tasks/fv/sweep/head-sweep.ts';
import type { FvModel, RunOptions, TrialSweep } from '../../compute/tasks/fv/sweep/readings.ts';
import { modelHere } from '../../compute/tasks/fv/testing.ts';
import { checkpointTokenizer } from '../../compute/tasks/fv/trials/checkpoint-tokenizer.ts';
import { cleanPrompt, corruptedPrompt } from '../../compute/tasks/fv/trials/prompts.ts';
import { sampleTrials } from '../../compute/tasks/fv/trials/sample.ts';
import { type PromptTokenizer, promptTokens } from '../../compute/tasks/fv/trials/targets.ts';
import { zeroShotExamples } from '../../compute/tasks/fv/trials/zero-shot.ts';
import { functionVector, vectorsByLayer } from '../../compute/tasks/fv/vectors/function-vector.ts';
import { inject } from '../../compute/tasks/fv/vectors/inject.ts';
import { rankHeads } from '../../ingest/families/fv/ranking.ts';
import { sharedDir } from '../support/shared.ts';

const fixtures = `${sharedDir}fixtures/fv/`;
const checkpoint = `${fixtures}model_tiny-llama-a`;

const runSchema = z.object({
  k: z.int(),
  aie_mean_delta_p: z.array(z.array(z.number())),
  top_heads: z.array(z.tuple([z.int(), z.int(), z.number()])),
  fv_global: z.object({ norm: z.number(), first8: z.array(z.number()) }),
  fv_by_layer_norms: z.record(z.string(), z.number()),
  clean_mean: z.object({ norm: z.number() }),
});
const trialSchema = z.object({
  trial_idx: z.int(),
  layer: z.int(),
  head: z.int(),
  p_base: z.number(),
  delta_p: z.number(),
  logit_patch: z.number(),
  logprob_patch: z.number(),
});
const evaluatedSchema = z.object({ pred_id_base: z.int(), pred_id_with: z.int(), delta_p: z.number() });
const summarySchema = z.record(z.string(), z.number());
const layersSchema = z.object({ best_layer: z.int(), best_score: z.number() });

const json = (path: string): unknown => JSON.parse(readFileSync(path, 'utf8'));
const lines = (path: string) =>
  readFileSync(path, 'utf8')
    .trim()
    .split('\n')
    .map((line): unknown => JSON.parse(line));

describe.skipIf(sharedDir === undefined)('function-vector experiments beside the reference', () => {
  let loaded: Model;
  let model: FvModel;
  let tokenizer: PromptTokenizer;
  const fast: RunOptions = { limits: { memoryBytes: 2 ** 28 } };

  beforeAll(async () => {
    loaded = await Model.load({ path: checkpoint, provider: 'cpu', taps: { residual: [] } });
    model = modelHere(loaded);
    tokenizer = checkpointTokenizer(await Tokenizer.load(checkpoint), true);
  });
  afterAll(() => loaded.close());

  async function sweep(count: number, options: RunOptions) {
    const relation = await readRelation([readFileSync(`${fixtures}relationA_ex.csv`)]);
    const trials = sampleTrials(relation, ['Q3'], {
      seed: 0,
      trials: count,
      demos: 9,
      corruption: 'shuffled',
    });
    const means = await cleanMeans(
      model,
      trials.map((trial) => tokenizer.encode(cleanPrompt(trial))),
      options,
    );
    const heads = headsOf(model.info);
    const prompts = trials.map((trial) =>
      promptTokens(tokenizer, corruptedPrompt(trial), trial.query.output),
    );
    const sweeps = await sweepTrials(model, prompts, means, heads, options);
    const scored = headScores(heads, sweeps, means, model.info);
    const ranked = rankHeads(scored, ({ scores }) => scores.mean_delta_p);
    return { trials, prompts, means, heads, sweeps, scored, ranked };
  }

  it.each([
    ['run_small_llama_a', 5],
    ['run_full_llama_a', 25],
  ])('%s: effects, ranking, vectors and injections', async (name, count) => {
    const artifacts = `${fixtures}${name}/relationA_ex/Q3/artifacts`;
    const expected = runSchema.parse(
      z.object({ runs: z.record(z.string(), z.unknown()) }).parse(json(`${fixtures}expected.json`)).runs[
        `${name}/Q3`
      ],
    );
    const { trials, means, heads, sweeps, scored, ranked } = await sweep(count, fast);

    const rows = lines(`${artifacts}/trial_metrics.jsonl`).map((line) => trialSchema.parse(line));
    expect(sweeps.flatMap(({ patched }) => patched)).toHaveLength(rows.length);
    for (const row of rows) {
      const trial = sweeps[row.trial_idx]!;
      const patched = trial.patched[heads.findIndex((h) => h.layer === row.layer && h.head === row.head)]!;
      expect(Math.abs(trial.base.p - row.p_base)).toBeLessThan(1e-6);
      expect(Math.abs(patched.p - trial.base.p - row.delta_p)).toBeLessThan(1e-6);
      expect(Math.abs(patched.logit - row.logit_patch)).toBeLessThan(1e-4);
      expect(Math.abs(patched.logprob - row.logprob_patch)).toBeLessThan(1e-4);
    }
    for (const { layer, head, scores } of scored) {
      expect(Math.abs(scores.mean_delta_p - expected.aie_mean_delta_p[layer]![head]!)).toBeLessThan(2e-7);
    }
    const order = readFileSync(`${artifacts}/aie_scores.csv`, 'utf8').trim().split('\n').slice(1);
    expect(ranked.map(({ layer, head }) => `${layer},${head}`)).toEqual(
      order.map((line) => line.split(',').slice(0, 2).join(',')),
    );

    const top = ranked.slice(0, expected.k);
    expect(top.map(({ layer, head }) => [layer, head])).toEqual(
      expected.top_heads.map((head) => head.slice(0, 2)),
    );
    const opened = await openCheckpoint(checkpoint);
    const vector = await functionVector(means, model.info, top, (layer) =>
      readOutputProjection(opened, layer),
    );
    expect(Math.abs(norm(vector) / expected.fv_global.norm - 1)).toBeLessThan(1e-5);
    for (const [i, value] of expected.fv_global.first8.entries()) {
      expect(Math.abs(vector[i]! - value)).toBeLessThan(1e-5);
    }
    const layers = Array.from({ length: model.info.layers }, (_, layer) => layer);
    for (const [layer, values] of vectorsByLayer(means, model.info, top, layers)) {
      expect(norm(values)).toBeCloseTo(expected.fv_by_layer_norms[layer]!, 5);
    }
    expect(norm(means)).toBeCloseTo(expected.clean_mean.norm, 4);

    const examples = zeroShotExamples(trials, { seed: 0, count: 50 }).map(({ prompt, output }) =>
      promptTokens(tokenizer, prompt, output),
    );
    const injections = await inject(model, examples, layers, [() => vector], 1, fast);
    const byLayer = layers.map((layer) => {
      const evaluated = lines(`${artifacts}/step6/layer_${layer}/eval_trials.jsonl`).map((line) =>
        evaluatedSchema.parse(line),
      );
      const found = injections.map(({ base, patched }, i) => ({
        target: examples[i]!.target,
        base,
        with: patched[layer]!,
      }));
      expect(found.map((one) => ({ pred_id_base: one.base.best, pred_id_with: one.with.best }))).toEqual(
        evaluated.map(({ delta_p: _, ...predicted }) => predicted),
      );
      for (const [i, { delta_p }] of evaluated.entries()) {
        expect(Math.abs(found[i]!.with.p - found[i]!.base.p - delta_p)).toBeLessThan(1e-6);
      }
      const summary = summarySchema.parse(json(`${artifacts}/step6/layer_${layer}/eval_summary.json`));
      const scores = injectionScores(found);
      expect(Object.keys(scores)).toEqual(Object.keys(summary));
      for (const [key, value] of Object.entries(scores)) {
        const tolerance = /logit|logprob/.test(key) ? 1e-4 : 1e-6;
        expect(Math.abs(value - summary[key]!), key).toBeLessThan(tolerance);
      }
      return scores.mean_delta_p;
    });
    const all = layersSchema.parse(json(`${artifacts}/step6/step6_all_layers_summary.json`));
    expect(byLayer.indexOf(Math.max(...byLayer))).toBe(all.best_layer);
  });

  it('the reference algorithm gives the same in this engine, and so does a sweep that is taken up again', async () => {
    const a = await sweep(2, fast);
    const b = await sweep(2, { ...fast, reference: true });
    expect(b.ranked.map(({ layer, head }) => [layer, head])).toEqual(
      a.ranked.map(({ layer, head }) => [layer, head]),
    );
    for (const [t, { patched }] of a.sweeps.entries()) {
      for (const [i, { p }] of patched.entries()) {
        expect(Math.abs(p - b.sweeps[t]!.patched[i]!.p)).toBeLessThan(1e-6);
      }
    }
    // Between two batches it gives the same bits: the batches after it are those of an undisturbed sweep.
    const sweepUnder = (options: RunOptions, known: readonly (TrialSweep | undefined)[] = []) =>
      sweepTrials(model, a.prompts, a.means, a.heads, options, { known });
    const small: RunOptions = { limits: { ...fast.limits, maxRows: 4 } };
    const undisturbed = await sweepUnder(small);
    const [first] = undisturbed;
    const begun = [{ base: first!.base, patched: first!.patched.slice(0, 7) }, undefined];
    expect(await sweepUnder(small, begun)).toEqual(undisturbed);
    // Of prompts that are read together, all are read again when one is not complete.
    expect(await sweepUnder(fast, [undefined, a.sweeps[1]])).toEqual(a.sweeps);
    const nothing = { ...model, readTargets: () => Promise.reject(new Error('read again')) };
    expect(await sweepTrials(nothing, a.prompts, a.means, a.heads, fast, { known: a.sweeps })).toEqual(
      a.sweeps,
    );
  });
});

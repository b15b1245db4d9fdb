import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { Tokenizer } from '../../compute/model/tokenizer/tokenizer.ts';
import { aieScores, cieScores, trialMetrics } from '../../compute/tasks/fv/artifacts/score-tables.ts';
import { readRelation } from '../../compute/tasks/fv/relation/relation.ts';
import { headScores } from '../../compute/tasks/fv/scores/head-scores.ts';
import { headsOf } from '../../compute/tasks/fv/sweep/head-sweep.ts';
import type { Reading, TrialSweep } from '../../compute/tasks/fv/sweep/readings.ts';
import { checkpointTokenizer } from '../../compute/tasks/fv/trials/checkpoint-tokenizer.ts';
import { corruptedPrompt, slotPrompt } from '../../compute/tasks/fv/trials/prompts.ts';
import { sampleTrials } from '../../compute/tasks/fv/trials/sample.ts';
import { promptTokens } from '../../compute/tasks/fv/trials/targets.ts';
import { sharedDir } from '../support/shared.ts';

const fixtures = `${sharedDir}fixtures/fv/`;
const sizes = { layers: 4, heads: 8, headDim: 1 };

const lineSchema = z.object({
  p_base: z.number(),
  logit_base: z.number(),
  logprob_base: z.number(),
  p_patch: z.number(),
  logit_patch: z.number(),
  logprob_patch: z.number(),
});

describe.skipIf(sharedDir === undefined)('tables of a head sweep', () => {
  it.each([
    ['run_small_llama_a', 5],
    ['run_full_llama_a', 25],
  ])('of the readings of %s are the same bytes', async (run, count) => {
    const text = (name: string) =>
      readFileSync(`${fixtures}${run}/relationA_ex/Q3/artifacts/${name}`, 'utf8');
    const lines = text('trial_metrics.jsonl')
      .trim()
      .split('\n')
      .map((line) => lineSchema.parse(JSON.parse(line)));
    const reading = (p: number, logit: number, logprob: number): Reading => ({ p, logit, logprob, best: 0 });
    const sweeps = Array.from({ length: count }, (_, trial): TrialSweep => {
      // Head by head, trials within.
      const own = lines.filter((_, i) => i % count === trial);
      return {
        base: reading(own[0]!.p_base, own[0]!.logit_base, own[0]!.logprob_base),
        patched: own.map((one) => reading(one.p_patch, one.logit_patch, one.logprob_patch)),
      };
    });
    const rows = text('cie_scores.csv').trim().split('\r\n').slice(1);
    const norms = Float32Array.from(rows, (row) => Number(row.split(',').at(-2)));
    const heads = headsOf(sizes);
    const scores = headScores(heads, sweeps, norms, sizes);
    expect(cieScores('Q3', scores)).toBe(text('cie_scores.csv'));
    expect(aieScores(scores, 'mean_delta_p')).toBe(text('aie_scores.csv'));

    const relation = await readRelation([readFileSync(`${fixtures}relationA_ex.csv`)]);
    const tokenizer = checkpointTokenizer(await Tokenizer.load(`${fixtures}model_tiny-llama-a`), true);
    const options = { seed: 0, trials: count, demos: 9, corruption: 'shuffled' } as const;
    const trials = sampleTrials(relation, ['Q3'], options).map((trial) => {
      const prompt = promptTokens(tokenizer, corruptedPrompt(trial), trial.query.output);
      return { trial, prompt, targetToken: tokenizer.tokenName(prompt.target) };
    });
    const slot = tokenizer.encode(slotPrompt(9)).length - 1;
    const written = [...trialMetrics({ qId: 'Q3', seed: 0, heads, trials, sweeps, slot })].join('');
    expect(written).toBe(text('trial_metrics.jsonl'));
  });
});

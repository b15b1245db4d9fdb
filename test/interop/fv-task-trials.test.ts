import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { Tokenizer } from '../../compute/model/tokenizer/tokenizer.ts';
import { readRelation } from '../../compute/tasks/fv/relation/relation.ts';
import { checkpointTokenizer } from '../../compute/tasks/fv/trials/checkpoint-tokenizer.ts';
import { cleanPrompt, corruptedDemos, corruptedPrompt } from '../../compute/tasks/fv/trials/prompts.ts';
import { sampleTrials } from '../../compute/tasks/fv/trials/sample.ts';
import { promptTokens } from '../../compute/tasks/fv/trials/targets.ts';
import { zeroShotExamples } from '../../compute/tasks/fv/trials/zero-shot.ts';
import { sharedDir } from '../support/shared.ts';

const fixtures = `${sharedDir}fixtures/fv/`;
const json = (path: string): unknown => JSON.parse(readFileSync(`${fixtures}${path}`, 'utf8'));
const relation = (path: string) => readRelation([readFileSync(`${fixtures}${path}`)]);

const paritySchema = z.object({
  meta: z.object({ q_list: z.array(z.string()) }),
  trials: z.array(z.array(z.unknown())),
});

const pair = z.object({ input: z.string(), output: z.string() });
const sampledSchema = z.object({
  trials: z.array(
    z.object({
      clean_prompt_str: z.string(),
      corrupted_prompt_str: z.string(),
      demos_clean: z.array(pair),
      demos_corrupted: z.array(pair),
      query: pair,
      target_first_token_id: z.int(),
      target_token: z.string(),
    }),
  ),
});

const evaluatedSchema = z.object({ q_id: z.string(), prompt: z.string(), target_id: z.int() });

describe.skipIf(sharedDir === undefined)('trials of function-vector experiments', () => {
  it("are the author's 800 trials", async () => {
    const { meta, trials } = paritySchema.parse(json('real/sampler_parity_relationB_800.json'));
    const drawn = sampleTrials(await relation('real/relationB_ex@0af09d0.csv'), meta.q_list, {
      seed: 0,
      trials: 50,
      demos: 9,
      corruption: 'shuffled',
    });
    const digest = (text: string) => createHash('sha256').update(text).digest('hex').slice(0, 16);
    const rows = drawn.map((trial) => [
      trial.qId,
      trial.queryIndex,
      trial.demoIndices,
      trial.corrupted,
      ` ${trial.query.output}`,
      digest(corruptedPrompt(trial)),
    ]);
    expect(rows).toEqual(trials.map((row) => [...row.slice(0, 5), row[7]]));
  });

  it.each([
    ['run_small_llama_a', 5],
    ['run_full_llama_a', 25],
  ])('are those of %s, and so are its zero-shot examples', async (run, count) => {
    const drawn = sampleTrials(await relation('relationA_ex.csv'), ['Q3'], {
      seed: 0,
      trials: count,
      demos: 9,
      corruption: 'shuffled',
    });
    const tokenizer = checkpointTokenizer(await Tokenizer.load(`${fixtures}model_tiny-llama-a`), true);
    const targetOf = (prompt: string, output: string) => {
      const { target } = promptTokens(tokenizer, prompt, output);
      return { target_first_token_id: target, target_token: tokenizer.tokenName(target) };
    };
    const artifacts = `${run}/relationA_ex/Q3/artifacts`;
    const { trials } = sampledSchema.parse(json(`${artifacts}/sampled_trials.json`));
    expect(
      drawn.map((trial) => ({
        clean_prompt_str: cleanPrompt(trial),
        corrupted_prompt_str: corruptedPrompt(trial),
        demos_clean: trial.demos,
        demos_corrupted: corruptedDemos(trial),
        query: trial.query,
        ...targetOf(corruptedPrompt(trial), trial.query.output),
      })),
    ).toEqual(trials);

    const evaluated = readFileSync(`${fixtures}${artifacts}/step6/layer_1/eval_trials.jsonl`, 'utf8')
      .trim()
      .split('\n')
      .map((line) => evaluatedSchema.parse(JSON.parse(line)));
    const examples = zeroShotExamples(drawn, { seed: 0, count: 50 });
    expect(
      examples.map(({ qId, prompt, output }) => ({
        q_id: qId,
        prompt,
        target_id: promptTokens(tokenizer, prompt, output).target,
      })),
    ).toEqual(evaluated);
  });
});

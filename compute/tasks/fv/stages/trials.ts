import type { TokenizedTrial } from '../artifacts/experiment.ts';
import { sampledTrials } from '../artifacts/trial-documents.ts';
import { corruptedPrompt } from '../trials/prompts.ts';
import { sampleTrials } from '../trials/sample.ts';
import { promptTokens } from '../trials/targets.ts';
import { put, type StageContext } from './context.ts';

/** Draws the trials of the relation query; they are the same in every attempt. */
export async function trialStage(context: StageContext): Promise<TokenizedTrial[]> {
  const { experiment, relation } = context;
  const { tokenizer } = context.examined;
  const trials = sampleTrials(relation, [experiment.qId], experiment).map((trial) => {
    const prompt = promptTokens(tokenizer, corruptedPrompt(trial), trial.query.output);
    return { trial, prompt, targetToken: tokenizer.tokenName(prompt.target) };
  });
  await put(context, 'sampled_trials.json', sampledTrials(experiment, trials));
  return trials;
}

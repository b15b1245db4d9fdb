import type { Experiment, TokenizedTrial } from '../artifacts/experiment.ts';
import { sampledTrials } from '../artifacts/trial-documents.ts';
import { reservedRows } from '../relation/held-out.ts';
import type { Relation } from '../relation/relation.ts';
import { corruptedPrompt } from '../trials/prompts.ts';
import { sampleTrials, type Trial } from '../trials/sample.ts';
import { promptTokens } from '../trials/targets.ts';
import { put, type StageContext } from './context.ts';

/** Draws the trials of the relation query; they are the same in every attempt. */
export async function trialStage(context: StageContext): Promise<TokenizedTrial[]> {
  const { experiment, relation } = context;
  const { tokenizer } = context.examined;
  const trials = drawTrials(relation, experiment.qId, experiment).map((trial) => {
    const prompt = promptTokens(tokenizer, corruptedPrompt(trial), trial.query.output);
    return { trial, prompt, targetToken: tokenizer.tokenName(prompt.target) };
  });
  await put(context, 'sampled_trials.json', sampledTrials(experiment, trials));
  return trials;
}

/** The trials of a relation query, as its own run draws them. */
export function drawTrials(relation: Relation, qId: string, experiment: Experiment): Trial[] {
  const { seed, additions } = experiment;
  const reserved = reservedRows(relation, qId, { seed, heldOut: additions.heldOut });
  return sampleTrials(relation, [qId], { ...experiment, reserved });
}

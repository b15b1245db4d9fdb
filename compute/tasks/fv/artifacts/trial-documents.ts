import { type PythonValue, pythonJson } from '../../python/json.ts';
import {
  answerText,
  cleanPrompt,
  corruptedDemos,
  corruptedPrompt,
  zeroShotPrompt,
} from '../trials/prompts.ts';
import { type Experiment, location, samplingOf, type TokenizedTrial } from './experiment.ts';

/** Where a trial's rows stand in the relation file; the reference implementation loses them on the way. */
function sources({ trial }: TokenizedTrial): Record<string, PythonValue> {
  return {
    query_source_index: trial.queryIndex,
    demo_source_indices: trial.demoIndices,
    demo_order: trial.demoIndices.map((_, place) => place),
  };
}

/** `sampled_trials.json` */
export function sampledTrials(experiment: Experiment, trials: readonly TokenizedTrial[]): string {
  const { relationPath, seed, demos, root } = experiment;
  return pythonJson(
    {
      meta: {
        source: 'relation_csv',
        relation_csv_path: relationPath,
        fixed_trials_path: null,
        seed,
        n_trials: trials.length,
        n_shots: demos,
        n_demos: demos,
        ...location(root),
        ...samplingOf(experiment),
      },
      trials: trials.map((one, index) => {
        const { trial, prompt, targetToken } = one;
        const target = answerText(trial.query.output);
        const corrupted = corruptedPrompt(trial);
        return {
          q_id: trial.qId,
          trial_idx: index,
          clean_prompt_str: cleanPrompt(trial),
          corrupted_prompt_str: corrupted,
          corrupted_full_str: corrupted + target,
          target_str: target,
          target_first_token_id: prompt.target,
          target_token: targetToken,
          demos_clean: trial.demos.map((pair) => ({ ...pair })),
          demos_corrupted: corruptedDemos(trial).map((pair) => ({ ...pair })),
          query: { ...trial.query },
          ...sources(one),
        };
      }),
    },
    2,
  );
}

/** `sampled_trials_zeroshot.json`: the same trials without demonstrations, one a trial. */
export function zeroShotTrials(experiment: Experiment, trials: readonly TokenizedTrial[]): string {
  const { model, modelType, specialTokens, createdAt, root } = experiment;
  return pythonJson(
    {
      meta: {
        source_sampled_trials_path: `${root}/sampled_trials.json`,
        zero_shot: true,
        prompt_format: 'Q: <query>\\nA:',
        model,
        model_spec: modelType,
        tok_add_special: specialTokens,
        n_trials: trials.length,
        generated_at: createdAt,
        ...samplingOf(experiment),
      },
      trials: trials.map((one, index) => {
        const { trial, prompt } = one;
        const zeroShot = zeroShotPrompt(trial.query.input);
        const target = answerText(trial.query.output);
        return {
          q_id: trial.qId,
          trial_idx: index,
          query: { ...trial.query },
          target_str: target,
          target_first_token_id: prompt.target,
          corrupted_prompt_str: zeroShot,
          corrupted_full_str: zeroShot + target,
          ...sources(one),
        };
      }),
    },
    2,
  );
}

import { z } from 'zod';
import type { TextOptions, TextPrompt, TextSample } from '../text-model.ts';

/** A request of the OpenAI interface: which of its two calls, and its body. */
export interface CompletionCall {
  readonly path: '/chat/completions' | '/completions';
  readonly body: Readonly<Record<string, unknown>>;
}

/** The call that asks for one sample; `seed` is that of the sample. */
export function completionCall(
  model: string,
  prompt: TextPrompt,
  options: TextOptions,
  seed: number,
): CompletionCall {
  const { temperature, topP, topK, maxTokens, stop, logProbabilities, topLogProbabilities } = options;
  const common = {
    model,
    max_tokens: maxTokens,
    seed,
    ...(temperature !== undefined && { temperature }),
    ...(topP !== undefined && topP < 1 && { top_p: topP }),
    // No part of OpenAI's interface, but of vLLM's and llama.cpp's.
    ...(topK !== undefined && topK > 0 && { top_k: topK }),
    ...(stop.length > 0 && { stop }),
  };
  if ('messages' in prompt) {
    const logs = logProbabilities && {
      logprobs: true,
      ...(topLogProbabilities > 0 && { top_logprobs: topLogProbabilities }),
    };
    return { path: '/chat/completions', body: { ...common, messages: prompt.messages, ...logs } };
  }
  const logs = logProbabilities && { logprobs: Math.max(1, topLogProbabilities) };
  return { path: '/completions', body: { ...common, prompt: prompt.text, ...logs } };
}

const chatLogProbabilities = z.looseObject({
  content: z.array(z.looseObject({ token: z.string(), logprob: z.number() })).nullish(),
});
const textLogProbabilities = z.looseObject({ token_logprobs: z.array(z.number().nullable()).nullish() });
const usage = z
  .looseObject({ prompt_tokens: z.number().nullish(), completion_tokens: z.number().nullish() })
  .nullish();

const chatAnswer = z.looseObject({
  choices: z
    .array(
      z.looseObject({
        message: z.looseObject({ content: z.string() }),
        finish_reason: z.string().nullish(),
        logprobs: chatLogProbabilities.nullish().catch(null),
      }),
    )
    .min(1),
  usage: usage.catch(null),
});

const textAnswer = z.looseObject({
  choices: z
    .array(
      z.looseObject({
        text: z.string(),
        finish_reason: z.string().nullish(),
        logprobs: textLogProbabilities.nullish().catch(null),
      }),
    )
    .min(1),
  usage: usage.catch(null),
});

export interface Completion {
  readonly sample: Omit<TextSample, 'seconds'>;
  readonly promptTokens: number | null;
}

/**
 * What an answer says. A text that is missing is no empty text: such an answer is an error.
 * @throws z.ZodError
 */
export function parseCompletion(path: CompletionCall['path'], document: unknown): Completion {
  if (path === '/chat/completions') {
    const { choices, usage } = chatAnswer.parse(document);
    const { message, finish_reason, logprobs } = choices[0]!;
    return completion(
      message.content,
      finish_reason,
      logprobs?.content?.map(({ logprob }) => logprob),
      usage,
    );
  }
  const { choices, usage } = textAnswer.parse(document);
  const { text, finish_reason, logprobs } = choices[0]!;
  return completion(text, finish_reason, logprobs?.token_logprobs ?? undefined, usage);
}

function completion(
  text: string,
  finish: string | null | undefined,
  logProbabilities: readonly (number | null)[] | undefined,
  counts: z.infer<typeof usage>,
): Completion {
  const known = logProbabilities?.filter((value) => value !== null);
  const hasAll = known !== undefined && known.length > 0 && known.length === logProbabilities?.length;
  return {
    sample: {
      text,
      finish: finish ?? null,
      tokenCount: counts?.completion_tokens ?? known?.length ?? null,
      ...(hasAll && { logProbabilities: known }),
    },
    promptTokens: counts?.prompt_tokens ?? null,
  };
}

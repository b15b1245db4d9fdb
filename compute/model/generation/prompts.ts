import { InvalidArgumentError } from '../../../lake/errors.ts';
import type { ModelInfo } from '../engine/model.ts';
import { runBytes } from '../engine/planner.ts';
import { ModelMemoryError } from '../errors.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import type { GenerationOptions, Prompt, ResolvedOptions } from './generation.ts';
import { promptKey } from './random.ts';
import type { SampleSource } from './sample.ts';
import { batchBytes, type Demand } from './schedule.ts';
import { StopTexts } from './stop-texts.ts';

/** A prompt that has not been read. */
export interface WaitingPrompt extends SampleSource {
  readonly tokens: readonly number[];
  readonly demand: Demand;
}

/** The tokens of a prompt. @throws what the tokenizer or the chat template throws */
export function promptTokens(
  tokenizer: Tokenizer,
  prompt: Prompt,
  variables: GenerationOptions['templateVariables'],
): readonly number[] {
  if ('tokens' in prompt) return prompt.tokens;
  if ('messages' in prompt) {
    return tokenizer.encodeChat(prompt.messages, variables === undefined ? {} : { variables });
  }
  const tokens = tokenizer.encode(prompt.text);
  // A text that was rendered by a chat template elsewhere begins with BOS itself.
  const { bosToken } = tokenizer;
  return bosToken !== undefined && tokens[0] === bosToken && tokens[1] === bosToken
    ? tokens.slice(1)
    : tokens;
}

/** What decides whether a prompt can be answered. */
export interface PromptLimits {
  readonly info: ModelInfo;
  readonly options: ResolvedOptions;
  /** What the batch may take, and reading as much again. */
  readonly memoryBytes: number;
}

/**
 * A prompt that the model can read and answer.
 * @param index of the prompt among those of the request
 * @throws InvalidArgumentError | ModelMemoryError
 */
export function waitingPrompt(
  index: number,
  { answers = [] }: Prompt,
  tokens: readonly number[],
  { info, options, memoryBytes }: PromptLimits,
): WaitingPrompt {
  const { length } = tokens;
  checkTokens(tokens, info);
  const maxTokens = Math.min(options.maxNewTokens, info.contextLength - length);
  const demand = { tokens: length + maxTokens, captured: capturedBytes(maxTokens, info, options) };
  const bytes = Math.max(
    batchBytes(info, [demand]),
    runBytes(info, { rows: 1, tokens: length, before: 0, read: 1 }) * readingFactor(options),
  );
  if (bytes > memoryBytes) {
    throw new ModelMemoryError(`a prompt of ${length} tokens may need about ${2 * bytes} bytes`, {
      expected: `at most ${2 * memoryBytes}`,
      remedy: 'allow more memory or fewer new tokens, or shorten the prompt',
    });
  }
  return { prompt: index, tokens, key: promptKey(tokens), answers, maxTokens, demand };
}

/** @throws InvalidArgumentError */
function checkTokens(tokens: readonly number[], info: ModelInfo): void {
  const { length } = tokens;
  if (length === 0) {
    throw new InvalidArgumentError('the prompt has no tokens', {
      expected: 'at least one',
      remedy: 'this tokenizer adds none: begin the prompt with a token or a text',
    });
  }
  const strange = tokens.find((token) => !Number.isInteger(token) || token < 0 || token >= info.vocabulary);
  if (strange !== undefined) {
    throw new InvalidArgumentError(`the prompt has the token ${strange}`, {
      expected: `0 to ${info.vocabulary - 1}`,
    });
  }
  if (length >= info.contextLength) {
    throw new InvalidArgumentError(`the prompt has ${length} tokens and leaves no room for a response`, {
      expected: `less than ${info.contextLength}, the model's context`,
      remedy: 'shorten the prompt',
    });
  }
}

/** Bytes of vectors that a response of so many tokens can hold, and once more to hand them over. */
function capturedBytes(tokens: number, info: ModelInfo, { capture, stop }: ResolvedOptions): number {
  if (capture?.response === undefined) return 0;
  const keepsAll = capture.response === 'all' || capture.response === 'answer';
  // One for every character that may yet turn out to be a stop text's, the sum of a mean and what is in hand.
  const held = keepsAll ? tokens : Math.min(tokens, new StopTexts(stop).longest + 4);
  return 2 * held * capture.layers.length * info.hidden * 4;
}

/** How often the values of a run are in memory while a prompt is read: its vectors are taken out, ordered and sent. */
export function readingFactor({ capture }: ResolvedOptions): number {
  const selector = capture?.prompt;
  return selector === undefined || selector === 'last' ? 1 : 4;
}

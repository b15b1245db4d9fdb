import { PromptTokensError } from '../errors.ts';
import { answerText } from './prompts.ts';

/** What of a tokenizer prompts need. */
export interface PromptTokenizer {
  /** Token ids of a text, with the special tokens that the run puts around it. */
  encode(text: string): readonly number[];
  /** The text of tokens. */
  decode(tokens: readonly number[]): string;
  /** A token as the vocabulary has it, such as `Ġhot`. */
  tokenName(token: number): string;
}

/** A prompt as tokens with the token that it should be continued by. */
export interface PromptTokens {
  readonly tokens: readonly number[];
  /** First token of the answer at the boundary. */
  readonly target: number;
}

/**
 * Tokens of a prompt and the first token of its answer.
 * @throws PromptTokensError the prompt does not end in a token `:` of its own, or the answer adds no token
 */
export function promptTokens(tokenizer: PromptTokenizer, prompt: string, output: string): PromptTokens {
  const tokens = tokenizer.encode(prompt);
  const last = tokens.at(-1);
  const ending = last === undefined ? '' : tokenizer.decode([last]);
  if (ending !== ':') {
    throw new PromptTokensError(
      `the last token of ${JSON.stringify(prompt.slice(-20))} is ${JSON.stringify(ending)}`,
      {
        expected: 'the colon alone: vectors are read and written at its position',
      },
    );
  }
  const target = tokenizer.encode(prompt + answerText(output))[tokens.length];
  if (target === undefined) {
    throw new PromptTokensError(
      `the answer ${JSON.stringify(output)} adds no token to ${JSON.stringify(prompt.slice(-20))}`,
      {
        expected: 'a prompt whose tokens become more with its answer',
      },
    );
  }
  return { tokens, target };
}

import type { Tokenizer } from '../../../model/tokenizer/tokenizer.ts';
import type { PromptTokenizer } from './targets.ts';

/**
 * A checkpoint's tokenizer as prompts need it.
 * @param specialTokens whether prompts have BOS and the like; the reference runs GPT-2 without
 */
export function checkpointTokenizer(tokenizer: Tokenizer, specialTokens: boolean): PromptTokenizer {
  return {
    encode: (text) => tokenizer.encode(text, { specialTokens }),
    decode: (tokens) => tokenizer.decode(tokens, { skipSpecialTokens: false }),
    tokenName: (token) => tokenizer.tokenName(token) ?? `[${token}]`,
  };
}

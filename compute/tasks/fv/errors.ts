import { RunlakeError } from '../../../lake/errors.ts';

/** A relation file is not what trials can be drawn from. Nothing was computed. */
export class RelationError extends RunlakeError {
  readonly code = 'RELATION_INVALID';
}

/** A tokenizer divides prompts in a way that gives no token to predict. Nothing was computed. */
export class PromptTokensError extends RunlakeError {
  readonly code = 'PROMPT_TOKENS';
}

import { type ErrorDetails, RunlakeError } from '../../lake/errors.ts';

/** A checkpoint directory is incomplete, inconsistent or damaged. Thrown when a checkpoint is opened. */
export class CheckpointError extends RunlakeError {
  readonly code = 'CHECKPOINT_INVALID';
}

/** A sound checkpoint asks for something the engine does not build: another architecture, rope type, activation. */
export class UnsupportedModelError extends RunlakeError {
  readonly code = 'MODEL_UNSUPPORTED';
}

/** An execution provider does not load on this machine. The CPU provider always does. */
export class ProviderUnavailableError extends RunlakeError {
  readonly code = 'PROVIDER_UNAVAILABLE';
}

/** ONNX Runtime refused the graph or failed while it ran; `cause` keeps its own message. */
export class RuntimeFailedError extends RunlakeError {
  readonly code = 'MODEL_RUN_FAILED';
}

/** The model's process ended while it had work. The work may be tried again: a new process starts by itself. */
export class ModelProcessError extends RunlakeError {
  readonly code = 'MODEL_PROCESS_ENDED';
  /** What the process wrote to its standard error last. */
  readonly output: string;
  constructor(message: string, output: string, details: ErrorDetails = {}) {
    super(output === '' ? message : `${message}: ${output}`, details);
    this.output = output;
  }
}

/** One row alone needs more memory than the limit allows. Raise the limit, shorten the prompt or capture less. */
export class ModelMemoryError extends RunlakeError {
  readonly code = 'MODEL_MEMORY';
}

/** A chat template is missing, broken, or refuses the messages. Give the prompt as text instead. */
export class ChatTemplateError extends RunlakeError {
  readonly code = 'CHAT_TEMPLATE';
}

/** It cannot be told which part of a text a token stands for. Select tokens by other means than the text. */
export class TokenSpansError extends RunlakeError {
  readonly code = 'TOKEN_SPANS_UNKNOWN';
}

import {
  CancelledError,
  type ErrorDetails,
  InvalidArgumentError,
  messageOf,
  RunlakeError,
} from '../../../lake/errors.ts';
import {
  ChatTemplateError,
  CheckpointError,
  ModelMemoryError,
  ProviderUnavailableError,
  RuntimeFailedError,
  TokenSpansError,
  UnsupportedModelError,
} from '../errors.ts';
import type { ModelInfo, ModelOptions } from './model.ts';
import type { OperationName } from './operations.ts';

/** From the server to the model's process. One call is under way at a time. */
export type ToModel =
  | { readonly kind: 'load'; readonly options: ModelOptions }
  | { readonly kind: 'call'; readonly operation: OperationName; readonly request: unknown }
  /** The last event was taken. */
  | { readonly kind: 'taken' }
  | { readonly kind: 'cancel' };

/** From the model's process to the server. */
export type FromModel =
  | { readonly kind: 'loaded'; readonly info: ModelInfo; readonly residentBytes: number }
  | { readonly kind: 'event'; readonly event: unknown }
  | { readonly kind: 'result'; readonly result: unknown; readonly residentBytes: number }
  | { readonly kind: 'error'; readonly error: TransportedError; readonly residentBytes: number };

/** An error as plain data: structured clones of errors lose their class and fields. */
export interface TransportedError {
  readonly code: string | undefined;
  readonly message: string;
  readonly details: Pick<ErrorDetails, 'expected' | 'where' | 'remedy'>;
  readonly stack: string | undefined;
}

/** An error as plain data, for the other side of the process; `code` is undefined for what is none of ours. */
export function packError(error: unknown): TransportedError {
  const known = error instanceof RunlakeError ? error : undefined;
  const details = {
    ...(known?.expected === undefined ? {} : { expected: known.expected }),
    ...(known?.where === undefined ? {} : { where: known.where }),
    ...(known?.remedy === undefined ? {} : { remedy: known.remedy }),
  };
  return {
    code: known?.code ?? (isAbort(error) ? 'CANCELLED' : undefined),
    message: messageOf(error),
    details,
    stack: error instanceof Error ? error.stack : undefined,
  };
}

function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError';
}

const classes = {
  CHECKPOINT_INVALID: CheckpointError,
  MODEL_UNSUPPORTED: UnsupportedModelError,
  PROVIDER_UNAVAILABLE: ProviderUnavailableError,
  MODEL_RUN_FAILED: RuntimeFailedError,
  MODEL_MEMORY: ModelMemoryError,
  CHAT_TEMPLATE: ChatTemplateError,
  TOKEN_SPANS_UNKNOWN: TokenSpansError,
  INVALID_ARGUMENT: InvalidArgumentError,
} as const;

/** The error again, of its class; one that no class is known for is a failed run. */
export function unpackError({ code, message, details, stack }: TransportedError): RunlakeError {
  // The stack of the other process is worth more than this one's.
  const cause = stack === undefined ? undefined : new Error(`in the model's process: ${stack}`);
  if (code === 'CANCELLED') return new CancelledError('the work of the model', cause);
  const known = Object.entries(classes).find(([name]) => name === code);
  const type = known?.[1] ?? RuntimeFailedError;
  return new type(message, { ...details, cause });
}

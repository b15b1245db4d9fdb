import type { ModelCheck } from '../../../ingest/contracts/model-check.ts';
import type {
  CapturedVectors,
  ResolvedCapture,
  TokenLogProbability,
} from '../../model/generation/generation.ts';
import type { ChatMessage } from '../../model/tokenizer/chat-template.ts';

/** A text that goes to a model, or a conversation for its chat template. */
export type TextPrompt = { readonly text: string } | { readonly messages: readonly ChatMessage[] };

/** One prompt to be answered. */
export interface TextRequest {
  /** The asker's own number. */
  readonly id: number;
  readonly prompt: TextPrompt;
  /** Texts whose tokens are captured, where the answer's tokens are asked for. */
  readonly answers?: readonly string[];
}

/** How texts are generated; what is absent is left to the model's own defaults. */
export interface TextOptions {
  readonly temperature?: number;
  readonly topP?: number;
  readonly topK?: number;
  readonly seed: number;
  readonly n: number;
  readonly maxTokens: number;
  readonly stop: readonly string[];
  readonly logProbabilities: boolean;
  /** Alternatives that are told for every token. */
  readonly topLogProbabilities: number;
  /** For the chat template of a checkpoint. */
  readonly templateVariables?: Readonly<Record<string, string | number | boolean>>;
}

/** One answer of a model. */
export interface TextSample {
  readonly text: string;
  /** As the model says: `eos`, `stop`, `length`, …; null where it does not say. */
  readonly finish: string | null;
  /** Tokens generated, the end-of-sequence token included; null where unknown. */
  readonly tokenCount: number | null;
  readonly tokenIds?: readonly number[];
  /** Natural, one a token; absent where the model offers none. */
  readonly logProbabilities?: readonly number[];
  readonly top?: readonly (readonly TokenLogProbability[])[];
  readonly vectors?: CapturedVectors;
  readonly seconds: number;
}

/** All samples of one prompt. */
export interface TextAnswer {
  readonly id: number;
  readonly samples: readonly TextSample[];
  readonly promptTokens: number | null;
  readonly promptVectors?: CapturedVectors;
}

/** A prompt that could not be answered: never the same as an empty answer. */
export interface TextFailure {
  readonly id: number;
  readonly code: string;
  readonly message: string;
}

/** Takes answers one at a time, in any order; while its promise is pending, few more are made. */
export interface TextSink {
  answer(answer: TextAnswer): void | Promise<void>;
  failure(failure: TextFailure): void | Promise<void>;
  /** So many tokens were generated since the last call. */
  tokens?(count: number): void;
}

/** What answered, for provenance. The same on every machine that may go on with a job, but for `engine` and `check`. */
export interface TextModelInfo {
  readonly id: string;
  readonly backend: 'onnx' | 'openai' | 'mock';
  readonly dtype: string | null;
  /** SHA-256 of configuration and weights; null for an endpoint, which cannot tell. */
  readonly revision: string | null;
  /** What computed: provider, type of arithmetic, runtime; or the address of the endpoint. */
  readonly engine: Readonly<Record<string, string | number | boolean | null>>;
  /** Whether what computed may be relied on; null for an endpoint, which nobody here can check. */
  readonly check: ModelCheck | null;
  readonly capture: (ResolvedCapture & { readonly hidden: number; readonly layerCount: number }) | null;
}

/** Something that answers prompts: a checkpoint in a process of this machine, or an endpoint. */
export interface TextModel {
  readonly info: TextModelInfo;
  /**
   * Answers all requests or says why not, each once.
   * @throws CancelledError; what makes all further requests useless
   */
  answer(
    requests: readonly TextRequest[],
    options: TextOptions,
    sink: TextSink,
    signal: AbortSignal,
  ): Promise<void>;
  close(): Promise<void>;
}

import type { ChatMessage } from '../tokenizer/chat-template.ts';

/**
 * What is asked of the generator and what it tells. Everything here is plain data that travels between processes.
 *
 * Identity of a sample: the same checkpoint, prompt tokens, options and sample index give the same text, whatever else
 * is generated beside it, in whatever order and batch size. The random number for a token depends on the seed, the
 * prompt's tokens, the sample's index and the token's position only (random.ts).
 */

/** A prompt in one of three forms. */
export type PromptInput =
  /** Tokenized with the tokens that the tokenizer puts around a text, such as BOS. */
  | { readonly text: string }
  /** Rendered by the checkpoint's chat template, ready for the answer. */
  | { readonly messages: readonly ChatMessage[] }
  /** Taken as it is. */
  | { readonly tokens: readonly number[] };

export type Prompt = PromptInput & {
  /** Texts that the `answer` selector looks for in the response; the one that occurs first counts. */
  readonly answers?: readonly string[];
};

/** How tokens are chosen. What is left out comes from the checkpoint's generation_config.json, as in transformers. */
export interface SamplingOptions {
  /** 0: the most probable token. Default: generation_config.json's if it says `do_sample`, else 0. */
  readonly temperature?: number;
  /** Only the most probable tokens that together have this probability. 1: all. */
  readonly topP?: number;
  /** Only so many of the most probable tokens, and those as probable as the last of them. 0: all. */
  readonly topK?: number;
  /** Default 0. Without meaning at temperature 0. */
  readonly seed?: number;
}

/** What ends a response. */
export interface StopOptions {
  /** Default: generation_config.json's, else 20 as in transformers. A response also ends where the model's context does. */
  readonly maxNewTokens?: number;
  /** A response ends before the first of these texts. Default none. */
  readonly stop?: readonly string[];
  /** Tokens that end a response. Default: those of generation_config.json, else config.json, else the tokenizer's. */
  readonly eosTokens?: readonly number[];
}

/** Which tokens' vectors are kept: the last one's, the mean over all (one vector), or every one's. */
export type TokenSelector = 'last' | 'mean' | 'all';

/**
 * Activations captured while generating. Layers are counted as in transformers' `hidden_states`: 0 is the embedding,
 * i the output of block i - 1; the last is taken after the final norm, as transformers does.
 *
 * A token's vector is the model's state at that token, when it was read; it predicts the token after it. Every token of
 * a response has one, except an end-of-sequence token, which is never read.
 */
export interface CaptureOptions {
  readonly layers: readonly number[] | 'all';
  /** `residual`: the last layer before the final norm. Default `normed`. */
  readonly lastLayer?: 'normed' | 'residual';
  /** Default: nothing of the prompt. */
  readonly prompt?: TokenSelector;
  /** `answer`: every token that spells a part of the prompt's answer. Default: nothing of the response. */
  readonly response?: TokenSelector | 'answer';
}

/** How much is done at once. Has no influence on what is generated. */
export interface LoadOptions {
  /** Sequences generated side by side, at most; default 8. */
  readonly maxRows?: number;
  /** Bytes for keys and values, vectors kept and the largest run, beyond the model itself; default 1 GiB. */
  readonly memoryBytes?: number;
}

export interface GenerationOptions extends SamplingOptions, StopOptions, LoadOptions {
  /** Samples a prompt; default 1. */
  readonly n?: number;
  /** So many of the most probable tokens are told for every token of a response; default 0. */
  readonly topLogProbabilities?: number;
  readonly capture?: CaptureOptions;
  /** What the chat template asks for beside messages, such as `enable_thinking` or `date_string`. */
  readonly templateVariables?: Readonly<Record<string, string | number | boolean>>;
}

export interface GenerationRequest {
  readonly prompts: readonly Prompt[];
  readonly options: GenerationOptions;
}

/** The options in force, none left to a default: what a record of the generation is to say. */
export interface ResolvedOptions {
  readonly temperature: number;
  readonly topP: number;
  readonly topK: number;
  readonly seed: number;
  readonly n: number;
  readonly maxNewTokens: number;
  readonly stop: readonly string[];
  readonly eosTokens: readonly number[];
  readonly topLogProbabilities: number;
  readonly capture: ResolvedCapture | undefined;
  /** Settings of generation_config.json that would change the text in transformers and are not applied here. */
  readonly ignored: readonly string[];
}

export interface ResolvedCapture {
  readonly layers: readonly number[];
  readonly lastLayer: 'normed' | 'residual';
  readonly prompt: TokenSelector | undefined;
  readonly response: TokenSelector | 'answer' | undefined;
}

/** Vectors of some tokens of one prompt or of one response. */
export interface CapturedVectors {
  /** In the order of `data`. */
  readonly layers: readonly number[];
  /** Indices of the tokens within the prompt or response; empty for a mean, which is one vector. */
  readonly tokens: readonly number[];
  /** `[layers, vectors, hidden]`; `vectors` is 1 for a mean (0 of no tokens), else the number of `tokens`. */
  readonly data: Float32Array;
  readonly hidden: number;
}

/** A prompt has been read. Comes before its samples. */
export interface PromptEvent {
  readonly kind: 'prompt';
  /** Index in the request. */
  readonly prompt: number;
  readonly tokens: Int32Array;
  readonly vectors: CapturedVectors | undefined;
}

/** `eos`: an end-of-sequence token; `stop`: a stop text; `length`: as many tokens as allowed or possible. */
export type FinishReason = 'eos' | 'stop' | 'length';

/** A probable token at one position. Log-probabilities are natural and of the model itself: before temperature and cuts. */
export interface TokenLogProbability {
  readonly token: number;
  readonly logProbability: number;
}

/** A response is complete. */
export interface SampleEvent {
  readonly kind: 'sample';
  readonly prompt: number;
  readonly sample: number;
  /** Without special tokens, and without the stop text and what follows it. */
  readonly text: string;
  /** Everything that was generated, with the end-of-sequence token and the tokens of the stop text. */
  readonly tokens: Int32Array;
  readonly finish: FinishReason;
  /** One for each of `tokens`. */
  readonly logProbabilities: Float32Array;
  /** For each of `tokens` the most probable ones, most probable first; absent unless asked for. */
  readonly top: readonly (readonly TokenLogProbability[])[] | undefined;
  /** Where in `text` the answer is, in UTF-16 units; absent where none was looked for or found. */
  readonly answer: AnswerSpan | undefined;
  readonly vectors: CapturedVectors | undefined;
  /** From the prompt's reading to the end. Rows that run side by side share their time. */
  readonly seconds: number;
}

export interface AnswerSpan {
  /** Index in `Prompt.answers`. */
  readonly answer: number;
  readonly start: number;
  readonly end: number;
}

/** A prompt cannot be generated from: no tokens, longer than the context, no chat template. The others go on. */
export interface RefusedEvent {
  readonly kind: 'refused';
  readonly prompt: number;
  readonly message: string;
  readonly expected: string | undefined;
  readonly remedy: string | undefined;
}

/** About once a second while generating. */
export interface ProgressEvent {
  readonly kind: 'progress';
  readonly samplesDone: number;
  readonly samplesTotal: number;
  readonly promptTokens: number;
  readonly generatedTokens: number;
  /** Generated tokens a second since the progress before. */
  readonly tokensPerSecond: number;
}

export type GenerationEvent = PromptEvent | SampleEvent | RefusedEvent | ProgressEvent;

/** How it went as a whole. */
export interface GenerationSummary {
  readonly options: ResolvedOptions;
  readonly samples: number;
  readonly refused: number;
  readonly promptTokens: number;
  readonly generatedTokens: number;
  readonly seconds: number;
}

/**
 * Takes what is generated, one event at a time: while a method's promise is pending, at most one more event is
 * computed. Prompts and samples come in the order in which they are done, not that of the request.
 */
export interface GenerationSink {
  prompt?(event: PromptEvent): void | Promise<void>;
  sample(event: SampleEvent): void | Promise<void>;
  refused(event: RefusedEvent): void | Promise<void>;
  progress?(event: ProgressEvent): void | Promise<void>;
}

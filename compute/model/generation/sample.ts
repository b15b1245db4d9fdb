import { RuntimeFailedError } from '../errors.ts';
import type { TokenText } from '../tokenizer/token-text.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import { findAnswer } from './answer.ts';
import type { FinishReason, ResolvedOptions, SampleEvent, TokenLogProbability } from './generation.ts';
import { type StreamKey, uniform } from './random.ts';
import { chooseToken, largestTokens } from './sampling.ts';
import { StopTexts } from './stop-texts.ts';
import { VectorCollector } from './vectors.ts';

/** What all samples of a prompt have in common. */
export interface SampleSource {
  /** Index in the request. */
  readonly prompt: number;
  /** `promptKey` of the tokens. */
  readonly key: string;
  readonly answers: readonly string[];
  /** Tokens that the prompt leaves room for, or as many as are wanted. */
  readonly maxTokens: number;
}

/** One response while it is generated: chooses tokens, notices the end, gathers what is told of it. */
export class Sample {
  readonly #source: SampleSource;
  readonly #index: number;
  readonly #options: ResolvedOptions;
  readonly #tokenizer: Tokenizer;
  readonly #stream: StreamKey;
  readonly #started = performance.now();
  readonly #text: TokenText;
  readonly #stops: StopTexts;
  readonly #vectors: VectorCollector | undefined;
  readonly #tokens: number[] = [];
  readonly #logProbabilities: number[] = [];
  readonly #top: TokenLogProbability[][] = [];
  #finish: FinishReason | undefined;
  /** Where the text ends, known when a stop text has been found. */
  #cut: number | undefined;
  /** Tokens that the model has read and whose vectors were taken. */
  #read = 0;
  /** Those of them that no stop text can cut off any more. */
  #settled = 0;

  constructor(
    source: SampleSource,
    index: number,
    options: ResolvedOptions,
    tokenizer: Tokenizer,
    hidden: number,
  ) {
    this.#source = source;
    this.#index = index;
    this.#options = options;
    this.#tokenizer = tokenizer;
    this.#stream = { seed: options.seed, prompt: source.key, sample: index };
    this.#text = tokenizer.tokenText();
    this.#stops = new StopTexts(options.stop);
    const { capture } = options;
    if (capture?.response !== undefined) {
      const selector = capture.response === 'answer' ? 'all' : capture.response;
      this.#vectors = new VectorCollector(capture.layers, hidden, selector);
    }
  }

  /** The token that the model is to read next. */
  get lastToken(): number {
    return this.#tokens.at(-1)!;
  }

  /** Whether no more tokens are to be chosen. */
  get ended(): boolean {
    return this.#finish !== undefined;
  }

  /** Whether the model has to read the last token all the same, because its vector is wanted. */
  get wantsReading(): boolean {
    return this.#vectors !== undefined && this.#read < this.#spelled();
  }

  /**
   * Chooses the next token by the logits after the last one; `norm` is the logarithm of the sum of their exponentials.
   * @throws RuntimeFailedError logits are no numbers: half precision overflows, or the weights are damaged
   */
  choose(logits: Float32Array, norm: number): void {
    if (!Number.isFinite(norm)) {
      throw new RuntimeFailedError(`the model gives logits whose sum is ${norm}`, {
        remedy: 'load it with compute float32, or check its weights',
      });
    }
    const { eosTokens, topLogProbabilities } = this.#options;
    const position = this.#tokens.length;
    const token = chooseToken(logits, this.#options, () => uniform(this.#stream, position));
    this.#tokens.push(token);
    this.#logProbabilities.push(logits[token]! - norm);
    if (topLogProbabilities > 0) {
      const best = largestTokens(logits, topLogProbabilities);
      this.#top.push(best.map((one) => ({ token: one, logProbability: logits[one]! - norm })));
    }
    if (eosTokens.includes(token)) {
      this.#finish = 'eos';
      return;
    }
    this.#tokenizer.appendTo(this.#text, token);
    this.#cut = this.#stops.find(this.#text.text);
    if (this.#cut !== undefined) this.#finish = 'stop';
    else if (this.#tokens.length === this.#source.maxTokens) this.#finish = 'length';
  }

  /** Takes the vectors of the last token, `[layers, hidden]`. */
  takeVector(vector: Float32Array): void {
    this.#vectors?.add(this.#read++, vector);
    // A stop text still to come begins after what is certain.
    const certain = this.#text.text.length - Math.max(0, this.#stops.longest - 1);
    const { spans } = this.#text;
    while (this.#settled < this.#read && spans[this.#settled]!.start < certain) this.#settled++;
    this.#vectors?.settle(this.#settled);
  }

  result(): SampleEvent {
    const { capture, topLogProbabilities } = this.#options;
    const text = this.#text.finish().slice(0, this.#cut);
    const answer = findAnswer(text, this.#source.answers);
    const spans = this.#text.spans;
    const inAnswer = (token: number) => {
      const span = spans[token];
      return answer !== undefined && span !== undefined && span.start < answer.end && span.end > answer.start;
    };
    return {
      kind: 'sample',
      prompt: this.#source.prompt,
      sample: this.#index,
      text,
      tokens: Int32Array.from(this.#tokens),
      finish: this.#finish ?? 'length',
      logProbabilities: Float32Array.from(this.#logProbabilities),
      top: topLogProbabilities > 0 ? this.#top : undefined,
      answer,
      vectors: this.#vectors?.finish(this.#spelled(), capture?.response === 'answer' ? inAnswer : undefined),
      seconds: (performance.now() - this.#started) / 1000,
    };
  }

  /** How many tokens are of the response: none of the end-of-sequence, none of only what follows the cut. */
  #spelled(): number {
    if (this.#finish === 'eos') return this.#tokens.length - 1;
    const cut = this.#cut;
    if (cut === undefined) return this.#tokens.length;
    return this.#text.spans.findLastIndex(({ start }) => start < cut) + 1;
  }
}

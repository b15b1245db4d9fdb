import { setImmediate } from 'node:timers/promises';
import { messageOf, RunlakeError } from '../../../lake/errors.ts';
import type { BatchResult } from '../engine/batch.ts';
import { RowKeyValues } from '../engine/key-values.ts';
import type { Model } from '../engine/model.ts';
import type { Operation } from '../engine/operations.ts';
import { planRuns } from '../engine/planner.ts';
import { Tokenizer } from '../tokenizer/tokenizer.ts';
import type {
  GenerationEvent,
  GenerationOptions,
  GenerationRequest,
  GenerationSummary,
  ProgressEvent,
  Prompt,
  ResolvedOptions,
} from './generation.ts';
import { type Load, resolveLoad, resolveOptions } from './options.ts';
import { promptTokens, readingFactor, type WaitingPrompt, waitingPrompt } from './prompts.ts';
import { Sample } from './sample.ts';
import { logSumExp } from './sampling.ts';
import { admissible, type Demand } from './schedule.ts';
import { captureOf, layerTensors, promptVectors, vectorAt } from './vectors.ts';

type TemplateVariables = GenerationOptions['templateVariables'];

const PROGRESS_MS = 1_000;

/** A prompt that has been read and of which samples are still to begin. */
interface Opened {
  readonly source: WaitingPrompt;
  readonly keyValues: RowKeyValues;
  readonly row: number;
  /** Scores after the prompt, from which every sample begins. */
  readonly scores: Scores;
  next: number;
}

/** A sample that is being generated, and where its keys and values are. */
interface Running {
  readonly sample: Sample;
  readonly demand: Demand;
  readonly from: RowKeyValues;
  readonly row: number;
}

/**
 * Generates for many prompts with one batch that is never drained: a row that has ended leaves, another takes its place.
 * A new prompt is read apart from the rows that run (beside them its length would be padding for all), together with
 * prompts of like length, and once for all its samples.
 */
class Generator {
  readonly #model: Model;
  readonly #tokenizer: Tokenizer;
  readonly #options: ResolvedOptions;
  readonly #limits: Load;
  readonly #emit: (event: GenerationEvent) => Promise<void>;
  readonly #prompts: WaitingPrompt[] = [];
  /** Prompts before this one have been read. */
  #next = 0;
  readonly #opened: Opened[] = [];
  #running: Running[] = [];

  readonly #started = performance.now();
  #promptTokens = 0;
  #generatedTokens = 0;
  #samples = 0;
  #refused = 0;
  #told = { at: performance.now(), generatedTokens: 0 };

  constructor(
    model: Model,
    tokenizer: Tokenizer,
    options: ResolvedOptions,
    load: Load,
    emit: (event: GenerationEvent) => Promise<void>,
  ) {
    this.#model = model;
    this.#tokenizer = tokenizer;
    this.#options = options;
    // Half for the batch, half for reading prompts.
    this.#limits = { ...load, memoryBytes: load.memoryBytes / 2 };
    this.#emit = emit;
  }

  async run(
    prompts: readonly Prompt[],
    variables: TemplateVariables,
    signal: AbortSignal,
  ): Promise<GenerationSummary> {
    for (const [i, prompt] of prompts.entries()) {
      // A turn of the event loop now and then, in which a cancellation is heard.
      if (i % 256 === 0) await setImmediate();
      signal.throwIfAborted();
      await this.#accept(i, prompt, variables);
    }
    // Longest first: neighbours are of like length, and what asks for too much does so at once.
    this.#prompts.sort((a, b) => b.tokens.length - a.tokens.length || a.prompt - b.prompt);
    const total = this.#prompts.length * this.#options.n;
    while (this.#next < this.#prompts.length || this.#opened.length > 0 || this.#running.length > 0) {
      signal.throwIfAborted();
      await this.#admit();
      if (this.#running.length > 0) await this.#step();
      await this.#tellProgress(total);
    }
    return {
      options: this.#options,
      samples: this.#samples,
      refused: this.#refused,
      promptTokens: this.#promptTokens,
      generatedTokens: this.#generatedTokens,
      seconds: (performance.now() - this.#started) / 1000,
    };
  }

  /** Takes a prompt into the queue, or refuses it. */
  async #accept(index: number, prompt: Prompt, variables: TemplateVariables): Promise<void> {
    try {
      const tokens = promptTokens(this.#tokenizer, prompt, variables);
      const limits = {
        info: this.#model.info,
        options: this.#options,
        memoryBytes: this.#limits.memoryBytes,
      };
      this.#prompts.push(waitingPrompt(index, prompt, tokens, limits));
    } catch (error) {
      // Anything else is no fault of this prompt.
      if (!(error instanceof RunlakeError)) throw error;
      this.#refused++;
      const { expected, remedy } = error;
      await this.#emit({ kind: 'refused', prompt: index, message: messageOf(error), expected, remedy });
    }
  }

  /** Fills the batch: with samples of prompts that have been read, then with prompts that wait. */
  async #admit(): Promise<void> {
    for (;;) {
      await this.#begin();
      if (this.#opened.length > 0) return;
      const count = this.#admissible(this.#prompts.slice(this.#next, this.#next + this.#limits.maxRows));
      if (count === 0) return;
      const group = this.#prompts.slice(this.#next, this.#next + count);
      this.#next += count;
      await this.#read(group);
    }
  }

  /** Begins samples of the prompts read, as many as there is room for. */
  async #begin(): Promise<void> {
    for (
      let opened = this.#opened[0];
      opened !== undefined && this.#admissible([opened.source]) > 0;
      opened = this.#opened[0]
    ) {
      const { source, scores, keyValues, row } = opened;
      const { hidden } = this.#model.info;
      const sample = new Sample(source, opened.next++, this.#options, this.#tokenizer, hidden);
      if (opened.next === this.#options.n) this.#opened.shift();
      this.#choose(sample, scores);
      if (sample.ended && !sample.wantsReading) await this.#finish(sample);
      else this.#running.push({ sample, demand: source.demand, from: keyValues, row });
    }
  }

  /** How many of these prompts, in order, have room for a sample beside those that run, when each takes room for all. */
  #admissible(sources: readonly WaitingPrompt[]): number {
    const beside = this.#running.map(({ demand }) => demand);
    const rows = Math.max(0, this.#limits.maxRows - beside.length);
    const samples = Math.min(this.#options.n, rows);
    const demands = sources.flatMap(({ demand }) => new Array<Demand>(samples).fill(demand)).slice(0, rows);
    const count = admissible(this.#model.info, beside, demands, this.#limits);
    return count === 0 ? 0 : Math.ceil(count / samples);
  }

  /** Reads prompts, in runs of like length. */
  async #read(group: readonly WaitingPrompt[]): Promise<void> {
    const { info } = this.#model;
    const rows = group.map(({ tokens }) => ({ tokens: tokens.length }));
    const limits = { memoryBytes: this.#limits.memoryBytes / readingFactor(this.#options) };
    const { capture } = this.#options;
    const wanted = capture?.prompt === undefined ? undefined : { ...capture, prompt: capture.prompt };
    for (const run of planRuns(info, { rows }, limits)) {
      const sources = run.map((i) => group[i]!);
      const keyValues = new RowKeyValues(this.#model.keyValueSizes, run.length);
      const result = await this.#model.forward(
        {
          rows: sources.map(({ tokens }) => ({ tokens, targets: NORM_TARGET })),
          capture: {
            ...(wanted === undefined ? {} : captureOf(wanted, info)),
            positions: wanted?.prompt === 'last' ? 'last' : 'all',
            logits: true,
          },
        },
        { past: keyValues },
      );
      for (const [row, source] of sources.entries()) {
        const { tokens } = source;
        this.#promptTokens += tokens.length;
        const vectors =
          wanted === undefined
            ? undefined
            : promptVectors(wanted, layerTensors(wanted, result), info.hidden, row, tokens.length);
        await this.#emit({ kind: 'prompt', prompt: source.prompt, tokens: Int32Array.from(tokens), vectors });
        const { logits, norm } = scoresOf(result, row);
        // Its own copy: the scores of the others are not to be kept until its last sample has begun.
        this.#opened.push({ source, keyValues, row, scores: { logits: logits.slice(), norm }, next: 0 });
      }
    }
  }

  /** Keys and values of the rows that run, in their order; copied only when rows have come or gone. */
  #keyValues(): RowKeyValues {
    const { from: first } = this.#running[0]!;
    const inPlace =
      first.lengths.length === this.#running.length &&
      this.#running.every(({ from, row }, i) => from === first && row === i) &&
      // What is still to be sampled from must stay as it is.
      !this.#opened.some(({ keyValues }) => keyValues === first);
    if (inPlace) return first;
    const gathered = RowKeyValues.gather(this.#running.map(({ from, row }) => ({ from, rows: [row] })));
    this.#running = this.#running.map((one, row) => ({ ...one, from: gathered, row }));
    return gathered;
  }

  /** The model reads the last token of every row; rows that have not ended get another. */
  async #step(): Promise<void> {
    const { info } = this.#model;
    const { capture } = this.#options;
    const wanted = capture?.response === undefined ? undefined : capture;
    const result = await this.#model.forward(
      {
        rows: this.#running.map(({ sample }) => ({
          tokens: [sample.lastToken],
          targets: NORM_TARGET,
        })),
        capture: { ...(wanted === undefined ? {} : captureOf(wanted, info)), logits: true },
      },
      { past: this.#keyValues() },
    );
    const tensors = wanted === undefined ? [] : layerTensors(wanted, result);
    const staying: Running[] = [];
    for (const [row, running] of this.#running.entries()) {
      const { sample } = running;
      if (wanted !== undefined) sample.takeVector(vectorAt(tensors, info.hidden, row));
      if (!sample.ended) this.#choose(sample, scoresOf(result, row));
      if (!sample.ended || sample.wantsReading) staying.push(running);
      else await this.#finish(sample);
    }
    this.#running = staying;
  }

  #choose(sample: Sample, { logits, norm }: Scores): void {
    sample.choose(logits, norm);
    this.#generatedTokens++;
  }

  async #finish(sample: Sample): Promise<void> {
    this.#samples++;
    await this.#emit(sample.result());
  }

  async #tellProgress(samplesTotal: number): Promise<void> {
    const now = performance.now();
    const elapsed = now - this.#told.at;
    if (elapsed < PROGRESS_MS) return;
    const event: ProgressEvent = {
      kind: 'progress',
      samplesDone: this.#samples,
      samplesTotal,
      promptTokens: this.#promptTokens,
      generatedTokens: this.#generatedTokens,
      tokensPerSecond: ((this.#generatedTokens - this.#told.generatedTokens) / elapsed) * 1000,
    };
    this.#told = { at: now, generatedTokens: this.#generatedTokens };
    await this.#emit(event);
  }
}

/** Logits at a position and the logarithm of the sum of their exponentials. */
interface Scores {
  readonly logits: Float32Array;
  readonly norm: number;
}

/** Any token will do: the graph's log-probability of it, which is vectorised, tells the norm of all. */
const NORM_TARGET: readonly number[] = [0];
/** Beyond, the difference of the two would have lost too many digits. */
const NORM_RANGE = 64;

/** What a run read at a row's last position; a view of its tensors. */
function scoresOf({ logits, logProbabilities }: BatchResult, row: number): Scores {
  const vocabulary = logits!.shape[1]!;
  const own = logits!.data.subarray(row * vocabulary, (row + 1) * vocabulary);
  const target = logProbabilities!.data[row]!;
  const exact = Math.abs(own[0]!) < NORM_RANGE && target > -NORM_RANGE;
  return { logits: own, norm: exact ? own[0]! - target : logSumExp(own) };
}

/** Tokenizers of loaded models. */
const tokenizers = new WeakMap<Model, Tokenizer>();

async function tokenizerOf(model: Model): Promise<Tokenizer> {
  const tokenizer = tokenizers.get(model) ?? (await Tokenizer.load(model.checkpoint.directory));
  tokenizers.set(model, tokenizer);
  return tokenizer;
}

/** Generates responses to prompts; an event for every prompt, sample and refusal, and one a second for the progress. */
export const generateOperation: Operation<GenerationRequest, GenerationEvent, GenerationSummary> = {
  async run({ prompts, options }, { model, emit, signal }) {
    const tokenizer = await tokenizerOf(model);
    const resolved = await resolveOptions(options, model.checkpoint, model.info, tokenizer);
    const generator = new Generator(model, tokenizer, resolved, resolveLoad(options), emit);
    return generator.run(prompts, options.templateVariables, signal);
  },
};

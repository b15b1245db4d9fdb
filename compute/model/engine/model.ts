import { env } from 'onnxruntime-node';
import { InvalidArgumentError } from '../../../lake/errors.ts';
import { describeDecoder } from '../architectures/architectures.ts';
import type { DecoderSpec } from '../architectures/decoder.ts';
import { type Checkpoint, hashCheckpoint, openCheckpoint } from '../checkpoint/checkpoint.ts';
import { buildDecoderGraph, GRAPH_VERSION } from '../components/decoder-graph.ts';
import { outputNames } from '../components/interface.ts';
import type { ComputeType } from '../components/weights.ts';
import { compileGraph } from '../graph/compile.ts';
import { keepOutputs } from '../graph/passes.ts';
import type { Batch, BatchResult, Capture } from './batch.ts';
import { type Before, feedsOf } from './feeds.ts';
import {
  emptyPrefix,
  type KeyValueSizes,
  type LayerKeyValues,
  type Prefix,
  type RowKeyValues,
} from './key-values.ts';
import { lastPositions } from './last-positions.ts';
import type { ProviderName } from './providers.ts';
import { type FloatTensor, openSession, type Session } from './session.ts';

export interface ModelOptions {
  /** Checkpoint directory. */
  readonly path: string;
  /** Default `auto`. */
  readonly provider?: ProviderName | 'auto';
  /** Type of the arithmetic; default: what the provider prefers. */
  readonly compute?: ComputeType;
  /** Threads of one operation; default: one for a small model, else ONNX Runtime's (the physical cores). */
  readonly threads?: number;
  /**
   * Values that batches may ask for; default: all. ONNX Runtime keeps every output of a graph until its end, so a job
   * that wants few layers of long texts saves most of a run's memory by saying so.
   */
  readonly taps?: Partial<Taps>;
}

/** Points of the residual stream and layers of heads that a loaded model gives. */
export interface Taps {
  readonly residual: readonly number[];
  readonly heads: readonly number[];
}

/** What a loaded model is, as plain data. */
export interface ModelInfo {
  readonly modelType: string;
  readonly provider: ProviderName;
  readonly compute: ComputeType;
  readonly graphVersion: number;
  readonly layers: number;
  readonly heads: number;
  readonly keyValueHeads: number;
  readonly headDim: number;
  readonly hidden: number;
  /** Inner width of the widest feed-forward part. */
  readonly mlpWidth: number;
  readonly vocabulary: number;
  readonly contextLength: number;
  readonly taps: Taps;
}

/** What a model's numbers depend on: the same model on another machine has the same identity. */
export interface ModelIdentity {
  /** SHA-256 of config.json and the weights. */
  readonly modelHash: string;
  readonly graphVersion: number;
  readonly provider: ProviderName;
  readonly compute: ComputeType;
  /** Version of ONNX Runtime. */
  readonly runtime: string;
  /** Values that the graph gives: cutting some lets ONNX Runtime fuse other operators. */
  readonly taps: Taps;
}

export interface ForwardOptions {
  /** Tokens before every row. */
  readonly prefix?: Prefix;
  /** The rows' own earlier tokens; what the run computes is appended. */
  readonly past?: RowKeyValues;
}

/**
 * A checkpoint with its session, in this thread. `forward` blocks the thread while it computes, so a server uses it
 * through `ModelProcess`.
 */
export class Model {
  readonly checkpoint: Checkpoint;
  readonly decoder: DecoderSpec;
  readonly info: ModelInfo;
  readonly #session: Session;
  #hash: string | undefined;

  private constructor(checkpoint: Checkpoint, decoder: DecoderSpec, session: Session, taps: Taps) {
    this.checkpoint = checkpoint;
    this.decoder = decoder;
    this.#session = session;
    const { heads, keyValueHeads, headDim, hidden, vocabulary, contextLength } = decoder;
    this.info = Object.freeze({
      modelType: checkpoint.config.model_type,
      provider: session.provider.name,
      compute: session.compute,
      graphVersion: GRAPH_VERSION,
      layers: decoder.blocks.length,
      heads,
      keyValueHeads,
      headDim,
      hidden,
      mlpWidth: Math.max(...decoder.blocks.map((block) => block.mlp.width)),
      vocabulary,
      contextLength,
      taps,
    });
  }

  /** @throws CheckpointError | UnsupportedModelError | ProviderUnavailableError | RuntimeFailedError */
  static async load(options: ModelOptions): Promise<Model> {
    const checkpoint = await openCheckpoint(options.path);
    const { architecture, decoder } = describeDecoder(checkpoint);
    const taps = tapsOf(decoder.blocks.length, options.taps);
    const wanted = new Set([
      ...taps.residual.map(outputNames.residual),
      ...taps.heads.map(outputNames.heads),
      ...keyValueNames(decoder.blocks.length),
      outputNames.final,
      outputNames.logits,
      outputNames.targetLogits,
      outputNames.logProbabilities,
      outputNames.best,
    ]);
    const threads = options.threads ?? usefulThreads(checkpoint);
    const session = await openSession(
      (compute) => {
        const graph = buildDecoderGraph(checkpoint, architecture, decoder, compute);
        return compileGraph(keepOutputs(graph, (name) => wanted.has(name)));
      },
      {
        provider: options.provider ?? 'auto',
        ...(options.compute === undefined ? {} : { compute: options.compute }),
        folder: checkpoint.folder,
        ...(threads === undefined ? {} : { threads }),
      },
    );
    return new Model(checkpoint, decoder, session, taps);
  }

  /** Reads all weights, once. @throws CheckpointError */
  async identity(signal?: AbortSignal): Promise<ModelIdentity> {
    this.#hash ??= await hashCheckpoint(this.checkpoint, signal);
    const { graphVersion, provider, compute, taps } = this.info;
    return { modelHash: this.#hash, graphVersion, provider, compute, runtime: env.versions.common, taps };
  }

  /** Sizes of this model's keys and values, for `new RowKeyValues`. */
  get keyValueSizes(): KeyValueSizes {
    const { layers, keyValueHeads, headDim } = this.info;
    return { layers, keyValueHeads, headDim };
  }

  /**
   * Runs a batch.
   * @throws InvalidArgumentError a row asks for what the model does not have; RuntimeFailedError
   */
  async forward(batch: Batch, { prefix, past }: ForwardOptions = {}): Promise<BatchResult> {
    const before: Before = { prefix: prefix ?? emptyPrefix(this.keyValueSizes), past };
    checkCapture(batch.capture, this.info.taps);
    checkWholeRows(batch);
    const feeds = feedsOf(this.decoder, batch, before);
    const wanted = wantedOutputs(batch);
    if (past !== undefined) wanted.push(...keyValueNames(this.info.layers));
    const outputs =
      wanted.length === 0 ? new Map<string, FloatTensor>() : await this.#session.run(feeds, wanted);
    const lengths = batch.rows.map((row) => row.tokens.length);
    past?.append(keyValues(outputs, this.info.layers), lengths);
    return resultOf(batch, lengths, outputs);
  }

  /**
   * Runs tokens once so that later batches can have them before all rows, or each of several before as many rows.
   * @throws InvalidArgumentError
   */
  async prefill(...prefixes: readonly (readonly number[])[]): Promise<Prefix> {
    const lengths = prefixes.map((tokens) => tokens.length);
    const none = emptyPrefix(this.keyValueSizes);
    if (lengths.length === 1 && lengths[0] === 0) return none;
    // A row has a token; behind a prefix without any, no query sees it.
    const rows = prefixes.map((tokens) => ({ tokens: tokens.length === 0 ? [0] : tokens }));
    const outputs = await this.#session.run(
      feedsOf(this.decoder, { rows, capture: {} }, { prefix: none }),
      keyValueNames(this.info.layers),
    );
    return { lengths, layers: keyValues(outputs, this.info.layers) };
  }

  /** Frees the session. ONNX Runtime keeps part of its memory until the process ends. */
  async close(): Promise<void> {
    await this.#session.release();
  }
}

function tapsOf(layers: number, wanted: Partial<Taps> = {}): Taps {
  const every = Array.from({ length: layers + 1 }, (_, i) => i);
  const taps = { residual: wanted.residual ?? every, heads: wanted.heads ?? every.slice(0, -1) };
  checkCapture(taps, { residual: every, heads: every.slice(0, -1) });
  return taps;
}

/** @throws InvalidArgumentError */
function checkCapture(capture: Capture, { residual, heads }: Taps): void {
  const missing = (wanted: readonly number[] = [], there: readonly number[], what: string) => {
    const absent = wanted.find((one) => !there.includes(one));
    if (absent === undefined) return;
    throw new InvalidArgumentError(`the model was not loaded with ${what} ${absent}`, {
      expected: there.length === 0 ? 'none' : `one of ${there.join(', ')}`,
    });
  };
  missing(capture.residual, residual, 'the residual stream at point');
  missing(capture.heads, heads, 'the heads of layer');
}

/** @throws InvalidArgumentError values are wanted that rows that begin late have none of */
function checkWholeRows({ rows, capture }: Batch): void {
  const within = (capture.residual?.length ?? 0) + (capture.heads?.length ?? 0) > 0;
  if (!within || rows.every(({ from }) => from === undefined)) return;
  throw new InvalidArgumentError('a row begins from another, and values of blocks are to be captured', {
    expected: 'rows that begin at point 0, or what comes after the last block',
  });
}

function wantedOutputs({ rows, capture }: Batch): string[] {
  return [
    ...new Set((capture.residual ?? []).map(outputNames.residual)),
    ...new Set((capture.heads ?? []).map(outputNames.heads)),
    ...(capture.final ? [outputNames.final] : []),
    ...(capture.logits ? [outputNames.logits] : []),
    ...(capture.best ? [outputNames.best] : []),
    ...((rows[0]?.targets?.length ?? 0) > 0 ? [outputNames.targetLogits, outputNames.logProbabilities] : []),
  ];
}

function keyValueNames(layers: number): string[] {
  return Array.from({ length: layers }, (_, l) => [outputNames.keys(l), outputNames.values(l)]).flat();
}

function keyValues(outputs: ReadonlyMap<string, FloatTensor>, layers: number): LayerKeyValues[] {
  return Array.from({ length: layers }, (_, l) => ({
    keys: outputs.get(outputNames.keys(l))!,
    values: outputs.get(outputNames.values(l))!,
  }));
}

function resultOf(
  { capture }: Batch,
  lengths: readonly number[],
  outputs: ReadonlyMap<string, FloatTensor>,
): BatchResult {
  const longest = Math.max(...lengths);
  const picked = (tensor: FloatTensor) =>
    capture.positions === 'all' ? tensor : lastPositions(tensor, lengths);
  const tapped = (name: string) => picked(perRow(outputs.get(name)!, longest));
  const read = (name: string) => {
    const tensor = outputs.get(name);
    return tensor === undefined || capture.read !== 'all' ? tensor : perRow(tensor, longest);
  };
  const logits = read(outputNames.logits);
  const targetLogits = read(outputNames.targetLogits);
  const logProbabilities = read(outputNames.logProbabilities);
  const best = read(outputNames.best);
  return {
    residual: new Map((capture.residual ?? []).map((point) => [point, tapped(outputNames.residual(point))])),
    heads: new Map(
      (capture.heads ?? []).map((layer) => [layer, picked(outputs.get(outputNames.heads(layer))!)]),
    ),
    ...(capture.final ? { final: tapped(outputNames.final) } : {}),
    ...(logits === undefined ? {} : { logits }),
    ...(targetLogits === undefined ? {} : { targetLogits }),
    ...(logProbabilities === undefined ? {} : { logProbabilities }),
    ...(best === undefined ? {} : { best }),
  };
}

/** `[B · S, …]` as `[B, S, …]`. */
function perRow({ data, shape: [all = 0, ...rest] }: FloatTensor, tokens: number): FloatTensor {
  return { data, shape: [all / tokens, tokens, ...rest] };
}

/** Below so many parameters the operations are too short to share: the demo model's take as long with two threads. */
const SMALL_MODEL = 5_000_000;

/** Threads of a small model, whose others would only spin while they wait for work; undefined: ONNX Runtime's choice. */
function usefulThreads({ weights }: Checkpoint): number | undefined {
  let parameters = 0;
  for (const { shape } of weights.values()) parameters += shape.reduce((product, size) => product * size, 1);
  return parameters < SMALL_MODEL ? 1 : undefined;
}

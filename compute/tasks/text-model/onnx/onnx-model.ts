import { messageOf, RunlakeError } from '../../../../lake/errors.ts';
import { PermanentTaskError } from '../../../jobs/worker.ts';
import { generate } from '../../../model/generation/generate.ts';
import type {
  CaptureOptions,
  GenerationSink,
  PromptEvent,
  SampleEvent,
} from '../../../model/generation/generation.ts';
import { describeDecoder, ModelProcess, openCheckpoint } from '../../../model/index.ts';
import { checkedModel } from '../../model-check/model-check.ts';
import type { TaskServices } from '../../task.ts';
import { type ModelSpec, modelIdOf } from '../model-spec.ts';
import type {
  TextModel,
  TextModelInfo,
  TextOptions,
  TextRequest,
  TextSample,
  TextSink,
} from '../text-model.ts';
import { type CheckpointFiles, checkpointFiles } from './checkpoint-files.ts';

/** Codes of the model engine that another attempt would only repeat. */
const PERMANENT = new Set([
  'CHECKPOINT_INVALID',
  'MODEL_UNSUPPORTED',
  'PROVIDER_UNAVAILABLE',
  'INVALID_ARGUMENT',
]);

/** Prompts that are told to the model's process together: they are copied there. */
const REQUESTS_AT_ONCE = 4096;

/** What is captured; layers as in `hidden_states`, negative ones from the end. */
export interface CaptureWish extends Omit<CaptureOptions, 'layers'> {
  readonly layers: 'all' | readonly number[];
}

/** A checkpoint in a process of this machine. */
export class OnnxModel implements TextModel {
  readonly info: TextModelInfo;
  readonly #process: ModelProcess;
  readonly #files: CheckpointFiles;
  readonly #spec: ModelSpec;
  readonly #capture: CaptureOptions | undefined;

  private constructor(
    info: TextModelInfo,
    process: ModelProcess,
    files: CheckpointFiles,
    spec: ModelSpec,
    capture: CaptureOptions | undefined,
  ) {
    this.info = info;
    this.#process = process;
    this.#files = files;
    this.#spec = spec;
    this.#capture = capture;
  }

  /** Loads the checkpoint and checks it. @throws PermanentTaskError for one that cannot be used; ModelProcessError */
  static async open(
    spec: ModelSpec,
    wish: CaptureWish | undefined,
    services: TaskServices,
    signal: AbortSignal,
  ): Promise<OnnxModel> {
    const { path = '', provider, compute, threads } = spec;
    const files = await checkpointFiles(path, services, signal);
    let process: ModelProcess | undefined;
    try {
      const { decoder } = describeDecoder(await openCheckpoint(files.path, signal));
      const layerCount = decoder.blocks.length + 1;
      const layers = wish === undefined ? [] : layerNumbers(wish.layers, layerCount);
      process = new ModelProcess({
        path: files.path,
        provider,
        ...(compute !== undefined && { compute }),
        ...(threads !== undefined && { threads }),
        taps: { residual: layers, heads: [] },
        ...(services.modelHost !== undefined && { script: services.modelHost }),
      });
      const { hidden, compute: dtype, provider: used, graphVersion } = await process.info(signal);
      const { identity, check } = await checkedModel(process, modelIdOf(spec), services.store, signal);
      const capture = wish === undefined ? undefined : { ...wish, layers };
      const info: TextModelInfo = {
        id: modelIdOf(spec),
        backend: 'onnx',
        dtype,
        revision: identity.modelHash,
        engine: {
          provider: used,
          compute: dtype,
          graph_version: graphVersion,
          runtime: `onnxruntime ${identity.runtime}`,
        },
        check,
        capture:
          capture === undefined
            ? null
            : {
                layers,
                lastLayer: wish?.lastLayer ?? 'normed',
                prompt: wish?.prompt,
                response: wish?.response,
                hidden,
                layerCount,
              },
      };
      return new OnnxModel(info, process, files, spec, capture);
    } catch (error) {
      await process?.close();
      await files.release();
      throw permanentOr(error);
    }
  }

  async answer(
    requests: readonly TextRequest[],
    options: TextOptions,
    sink: TextSink,
    signal: AbortSignal,
  ): Promise<void> {
    try {
      for (let at = 0; at < requests.length; at += REQUESTS_AT_ONCE)
        await this.#generate(requests.slice(at, at + REQUESTS_AT_ONCE), options, sink, signal);
    } catch (error) {
      throw permanentOr(error);
    }
  }

  async close(): Promise<void> {
    await this.#process.close();
    await this.#files.release();
  }

  async #generate(
    requests: readonly TextRequest[],
    options: TextOptions,
    sink: TextSink,
    signal: AbortSignal,
  ): Promise<void> {
    const { temperature, topP, topK, seed, n, maxTokens, stop, topLogProbabilities, templateVariables } =
      options;
    const { batchSize, memoryBytes } = this.#spec;
    await generate(
      this.#process,
      {
        prompts: requests.map(({ prompt, answers }) => ({ ...prompt, ...(answers && { answers }) })),
        options: {
          seed,
          n,
          maxNewTokens: maxTokens,
          stop,
          topLogProbabilities,
          maxRows: batchSize,
          ...(temperature !== undefined && { temperature }),
          ...(topP !== undefined && { topP }),
          ...(topK !== undefined && { topK }),
          ...(memoryBytes !== undefined && { memoryBytes }),
          ...(templateVariables !== undefined && { templateVariables }),
          ...(this.#capture !== undefined && { capture: this.#capture }),
        },
      },
      new Gather(requests, options, sink),
      signal,
    );
  }
}

/** Puts the samples of each prompt together. */
class Gather implements GenerationSink {
  readonly #requests: readonly TextRequest[];
  readonly #options: TextOptions;
  readonly #sink: TextSink;
  readonly #open = new Map<
    number,
    { prompt: PromptEvent; samples: (TextSample | undefined)[]; left: number }
  >();
  #generated = 0;

  constructor(requests: readonly TextRequest[], options: TextOptions, sink: TextSink) {
    this.#requests = requests;
    this.#options = options;
    this.#sink = sink;
  }

  prompt(event: PromptEvent): void {
    const { n } = this.#options;
    this.#open.set(event.prompt, { prompt: event, samples: new Array(n).fill(undefined), left: n });
  }

  async sample(event: SampleEvent): Promise<void> {
    const open = this.#open.get(event.prompt);
    if (open === undefined) throw new Error(`a sample of prompt ${event.prompt} before the prompt itself`);
    open.samples[event.sample] = sampleOf(event, this.#options);
    open.left--;
    if (open.left > 0) return;
    this.#open.delete(event.prompt);
    const { tokens, vectors } = open.prompt;
    await this.#sink.answer({
      id: this.#requests[event.prompt]!.id,
      samples: open.samples.filter((sample) => sample !== undefined),
      promptTokens: tokens.length,
      ...(vectors !== undefined && { promptVectors: vectors }),
    });
  }

  async refused(event: { prompt: number; message: string; expected: string | undefined }): Promise<void> {
    const message =
      event.expected === undefined ? event.message : `${event.message}; expected ${event.expected}`;
    await this.#sink.failure({ id: this.#requests[event.prompt]!.id, code: 'PROMPT_REFUSED', message });
  }

  progress({ generatedTokens }: { generatedTokens: number }): void {
    this.#sink.tokens?.(generatedTokens - this.#generated);
    this.#generated = generatedTokens;
  }
}

function sampleOf(event: SampleEvent, { logProbabilities }: TextOptions): TextSample {
  const { text, finish, tokens, top, vectors, seconds } = event;
  return {
    text,
    finish,
    tokenCount: tokens.length,
    tokenIds: [...tokens],
    ...(logProbabilities && { logProbabilities: [...event.logProbabilities] }),
    ...(top !== undefined && { top }),
    ...(vectors !== undefined && { vectors }),
    seconds,
  };
}

/** @throws PermanentTaskError */
function layerNumbers(wish: 'all' | readonly number[], count: number): number[] {
  if (wish === 'all') return Array.from({ length: count }, (_, layer) => layer);
  const wrong = wish.find((layer) => layer < -count || layer >= count);
  if (wrong !== undefined) {
    throw new PermanentTaskError(
      'NO_SUCH_LAYER',
      `the model has no layer ${wrong}; expected 0 (the embedding) to ${count - 1}, or -1 for the last`,
    );
  }
  return [...new Set(wish.map((layer) => (layer < 0 ? layer + count : layer)))].sort((a, b) => a - b);
}

function permanentOr(error: unknown): unknown {
  if (error instanceof PermanentTaskError || !(error instanceof RunlakeError)) return error;
  if (!PERMANENT.has(error.code)) return error;
  const { expected, remedy } = error;
  const message = [messageOf(error), expected && `expected ${expected}`, remedy].filter(Boolean).join('; ');
  return new PermanentTaskError(error.code, message, error);
}

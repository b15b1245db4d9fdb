import { PermanentTaskError } from '../../../jobs/worker.ts';
import { EndpointUnavailableError } from '../errors.ts';
import { type ModelSpec, modelIdOf } from '../model-spec.ts';
import type {
  TextAnswer,
  TextModel,
  TextModelInfo,
  TextOptions,
  TextRequest,
  TextSink,
} from '../text-model.ts';
import { completionCall, parseCompletion } from './completion.ts';
import { JsonClient, RequestFailedError } from './http.ts';

/** Failed examples in a row, for each request under way, after which the endpoint counts as gone. */
const OUTAGE_ROUNDS = 3;

/** A model behind any server of the OpenAI interface (vLLM, llama.cpp, Ollama, …). */
export class OpenAiModel implements TextModel {
  readonly info: TextModelInfo;
  readonly #name: string;
  readonly #concurrency: number;
  readonly #client: JsonClient;

  /** @throws PermanentTaskError when the variable of the key is not set */
  constructor(spec: ModelSpec, env: NodeJS.ProcessEnv) {
    const baseUrl = spec.baseUrl ?? '';
    this.#name = spec.name ?? '';
    this.#concurrency = spec.concurrency;
    const apiKey = spec.apiKeyEnv === undefined ? undefined : env[spec.apiKeyEnv];
    if (spec.apiKeyEnv !== undefined && (apiKey === undefined || apiKey === '')) {
      throw new PermanentTaskError(
        'API_KEY_MISSING',
        `the worker's environment has no variable ${spec.apiKeyEnv}`,
      );
    }
    this.#client = new JsonClient({
      baseUrl,
      apiKey,
      timeoutMs: spec.timeoutSeconds * 1000,
      retries: spec.retries,
      retryDelayMs: spec.retryDelaySeconds * 1000,
    });
    this.info = {
      id: modelIdOf(spec),
      backend: 'openai',
      dtype: null,
      revision: null,
      engine: { endpoint: baseUrl, model: this.#name },
      check: null,
      capture: null,
    };
  }

  async answer(
    requests: readonly TextRequest[],
    options: TextOptions,
    sink: TextSink,
    signal: AbortSignal,
  ): Promise<void> {
    const stop = new AbortController();
    const together = AbortSignal.any([signal, stop.signal]);
    const queue = requests.values();
    let outages = 0;
    const lane = async (): Promise<void> => {
      for (const request of queue) {
        const { id } = request;
        let answer: TextAnswer;
        try {
          answer = await this.#ask(request, options, together);
        } catch (error) {
          if (!(error instanceof RequestFailedError)) throw error;
          const { code, message, isOutage } = error;
          outages = isOutage ? outages + 1 : 0;
          await sink.failure({ id, code, message });
          if (outages < OUTAGE_ROUNDS * this.#concurrency) continue;
          throw new EndpointUnavailableError(`${outages} examples failed one after the other: ${message}`, {
            remedy: 'see whether the endpoint is there; the next attempt goes on from here',
            cause: error,
          });
        }
        outages = 0;
        sink.tokens?.(answer.samples.reduce((sum, { tokenCount }) => sum + (tokenCount ?? 0), 0));
        await sink.answer(answer);
      }
    };
    const lanes = Array.from({ length: this.#concurrency }, () =>
      lane().catch((error: unknown) => {
        // What ends one lane ends them all, with that reason.
        stop.abort(error);
        throw error;
      }),
    );
    const ended = await Promise.allSettled(lanes);
    signal.throwIfAborted();
    if (stop.signal.aborted) throw stop.signal.reason;
    for (const lane of ended) if (lane.status === 'rejected') throw lane.reason;
  }

  async close(): Promise<void> {}

  /** Samples one after the other, each with a seed of its own: many servers ignore `n`. */
  async #ask(request: TextRequest, options: TextOptions, signal: AbortSignal): Promise<TextAnswer> {
    const samples = [];
    let promptTokens: number | null = null;
    for (let sample = 0; sample < options.n; sample++) {
      const { path, body } = completionCall(this.#name, request.prompt, options, options.seed + sample);
      const began = performance.now();
      const completion = await this.#client.post(
        path,
        body,
        (document) => parseCompletion(path, document),
        signal,
      );
      promptTokens ??= completion.promptTokens;
      samples.push({ ...completion.sample, seconds: (performance.now() - began) / 1000 });
    }
    return { id: request.id, samples, promptTokens };
  }
}

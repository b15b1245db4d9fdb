import { createHash } from 'node:crypto';
import { setTimeout as sleep, setImmediate as yieldToOthers } from 'node:timers/promises';
import { CancelledError } from '../../../../lake/errors.ts';
import type {
  TextModel,
  TextModelInfo,
  TextOptions,
  TextRequest,
  TextSink,
} from '../../text-model/text-model.ts';
import type { MockSpec } from './evaluation-spec.ts';
import type { Answer } from './record.ts';

/** What is answered to a request; undefined where there is nothing. */
export type Respond = (request: TextRequest) => Answer | undefined;

/** After so many answers others have a turn, heartbeats among them. */
const YIELD_EVERY = 64;

/** Answers without a model, always the same. */
export class MockModel implements TextModel {
  readonly info: TextModelInfo;
  readonly #respond: Respond;
  readonly #workers: number;
  readonly #delayMs: number;

  /** @param answers what it goes by: another makes it another model */
  constructor({ mode, delaySeconds }: MockSpec, answers: unknown, respond: Respond, workers: number) {
    this.#respond = respond;
    this.#workers = workers;
    this.#delayMs = delaySeconds * 1000;
    this.info = {
      id: 'mock',
      backend: 'mock',
      dtype: null,
      revision: createHash('sha256')
        .update(JSON.stringify([mode, answers]))
        .digest('hex'),
      engine: { mode },
      check: null,
      capture: null,
    };
  }

  async answer(
    requests: readonly TextRequest[],
    _options: TextOptions,
    sink: TextSink,
    signal: AbortSignal,
  ): Promise<void> {
    const queue = requests.values();
    let asked = 0;
    const lane = async (): Promise<void> => {
      for (const request of queue) {
        if (this.#delayMs > 0) await sleep(this.#delayMs, undefined, { signal }).catch(() => undefined);
        else if (++asked % YIELD_EVERY === 0) await yieldToOthers();
        if (signal.aborted) throw new CancelledError('answering', signal.reason);
        const { id } = request;
        const answer = this.#respond(request);
        if (answer === undefined) {
          await sink.failure({ id, code: 'NOT_RECORDED', message: 'there is no recorded answer' });
          continue;
        }
        const { text, seconds } = answer;
        const sample = { text, seconds, finish: null, tokenCount: null };
        await sink.answer({ id, samples: [sample], promptTokens: null });
      }
    };
    await Promise.all(Array.from({ length: this.#workers }, lane));
  }

  async close(): Promise<void> {}
}

/** A model of any mode but `recorded`. */
export function inventingModel(spec: MockSpec, workers: number): MockModel {
  const { mode, texts, seed, delaySeconds } = spec;
  const pick = (request: TextRequest): number => {
    if (mode === 'alternating') return request.id;
    return mode === 'random' ? drawn(seed, request) : 0;
  };
  const respond: Respond = (request) => ({
    text: texts[pick(request) % texts.length]!,
    seconds: delaySeconds,
  });
  return new MockModel(spec, [seed, texts], respond, workers);
}

/** A number that depends on seed and prompt alone. */
function drawn(seed: number, { prompt }: TextRequest): number {
  return createHash('sha256')
    .update(JSON.stringify([seed, prompt]))
    .digest()
    .readUInt32LE(0);
}

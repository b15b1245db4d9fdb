import type { TaskServices } from '../../task.ts';
import { openTextModel } from '../../text-model/open-model.ts';
import type { TextModel, TextRequest } from '../../text-model/text-model.ts';
import { type ChaosEvalSpec, mockSpec } from './evaluation-spec.ts';
import type { Item } from './item.ts';
import { inventingModel, MockModel } from './mock-model.ts';
import type { Answer } from './record.ts';
import { recordedAnswers } from './recorded.ts';

/** The two requests for an item: the second is made after an invalid answer to the first. */
export const ROUNDS = ['first', 'again'] as const;
export type Round = (typeof ROUNDS)[number];

/** Who is asked, and what about. */
interface Questioning {
  readonly spec: ChaosEvalSpec;
  readonly items: readonly Item[];
  readonly workers: number;
}

/** What answers in the two rounds: one model for both, as loading it takes long; recorded answers are others in each. */
export class Models {
  readonly #asked: Questioning;
  readonly #services: TaskServices;
  readonly #signal: AbortSignal;
  readonly #opened = new Map<Round, TextModel>();

  constructor(asked: Questioning, services: TaskServices, signal: AbortSignal) {
    this.#asked = asked;
    this.#services = services;
    this.#signal = signal;
  }

  /** The model of a round. Closing it does nothing: another round may come. */
  async open(round: Round): Promise<TextModel> {
    const isRecorded = this.#asked.spec.model.mock?.mode === 'recorded';
    const place = isRecorded ? round : 'first';
    let model = this.#opened.get(place);
    if (model === undefined) {
      model = await this.#load(round);
      this.#opened.set(place, model);
    }
    const { info } = model;
    return { info, answer: model.answer.bind(model), close: async () => undefined };
  }

  async close(): Promise<void> {
    for (const model of this.#opened.values()) await model.close();
  }

  async #load(round: Round): Promise<TextModel> {
    const { spec, items, workers } = this.#asked;
    const { backend, mock, ...model } = spec.model;
    const [services, signal] = [this.#services, this.#signal];
    if (backend !== 'mock')
      return openTextModel({ ...model, backend, concurrency: workers }, undefined, services, signal);
    const settings = mockSpec.parse(mock ?? {});
    if (settings.file === undefined) return inventingModel(settings, workers);
    const answers = await recordedAnswers(settings.file, services, signal);
    const respond = ({ id }: TextRequest): Answer | undefined => answers.get(items[id]!.id)?.[round];
    return new MockModel(settings, [...answers], respond, workers);
  }
}

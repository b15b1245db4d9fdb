import type { Row } from '../../../lake/tables/schema.ts';
import { jsonText } from '../../run-files/json-text.ts';
import type { RunIdentity } from './trials.ts';

/** The zero-shot examples of a run: every layer has the same ones, each is one generation. */
export class Examples {
  readonly #identity: RunIdentity;
  readonly #ids = new Map<string, string>();
  readonly #counts = new Map<string | null, number>();

  constructor(identity: RunIdentity) {
    this.#identity = identity;
  }

  /** The `example_id` of a prompt with its answer, and its row of `generations` when it is new. */
  of(qId: string | null, prompt: string, answer: string): { readonly id: string; readonly row?: Row } {
    const key = jsonText([qId, prompt, answer]);
    const known = this.#ids.get(key);
    if (known !== undefined) return { id: known };
    const position = this.#counts.get(qId) ?? 0;
    this.#counts.set(qId, position + 1);
    const id = `${qId ?? 'all'}/zero-shot/${position}`;
    this.#ids.set(key, id);
    return { id, row: { ...this.columns(qId), example_id: id, prompt, reference: jsonText({ answer }) } };
  }

  /** What generations and predictions of one relation query have in common. */
  columns(qId: string | null): Row {
    const { benchmark, modelId, seed } = this.#identity;
    return { benchmark, split: qId, seed, model_id: modelId };
  }
}

import type { Batch, ForwardRequest, ModelInfo } from '../../compute/model/index.ts';
import type { FvModel } from '../../compute/tasks/fv/sweep/readings.ts';

/** What experiments make a model do. */
export interface Work {
  /** Tokens through a block, one block counted once. */
  readonly layerTokens: number;
  /** Tokens through the output matrix. */
  readonly logits: number;
  /** Passes over all weights. */
  readonly runs: number;
  readonly flops: number;
  readonly weightBytes: number;
}

/** Counts what is asked of a model of these sizes instead of doing it. */
export class CountingModel implements FvModel {
  readonly info: ModelInfo;
  #layerTokens = 0;
  #logits = 0;
  #runs = 0;
  /** Products of queries with keys, and of probabilities with values, in multiply-adds a layer. */
  #attention = 0;

  constructor(info: ModelInfo) {
    this.info = info;
  }

  forward: FvModel['forward'] = async ({ prefix = [], batches }: ForwardRequest, onResult) => {
    if (prefix.length > 0) this.#pass([prefix.length], 0);
    const { layers, heads, headDim } = this.info;
    for (const batch of batches) {
      this.#batch(batch, prefix.length);
      const zeros = { data: new Float32Array(batch.rows.length * heads * headDim), shape: [] };
      const captured = Array.from({ length: layers }, (_, layer) => [layer, zeros] as const);
      await onResult({ residual: new Map(), heads: new Map(captured) });
    }
  };

  readTargets: FvModel['readTargets'] = async ({ prefixes = [], batches }, onReadings) => {
    const before = prefixes.map(({ length }) => length);
    if (before.some((length) => length > 0)) this.#pass(before, 0);
    for (const batch of batches) {
      this.#batch(batch, before.reduce((sum, length) => sum + length, 0) / Math.max(before.length, 1));
      this.#logits += batch.rows.length;
      const zeros = new Float32Array(batch.rows.length);
      const best = new Int32Array(batch.rows.length);
      await onReadings({ logit: zeros, logProbability: zeros, probability: zeros, best });
    }
  };

  #pass(lengths: readonly number[], point: number): void {
    this.#runs++;
    for (const length of lengths) this.#tokens(length, 0, point);
  }

  #batch({ rows }: Batch, before: number): void {
    this.#runs++;
    for (const { tokens, from } of rows) this.#tokens(tokens.length, before, from?.point ?? 0);
  }

  #tokens(count: number, before: number, point: number): void {
    const { layers, heads, headDim } = this.info;
    this.#layerTokens += count * (layers - point);
    this.#attention += 2 * heads * headDim * count * (before + (count + 1) / 2) * (layers - point);
  }

  /** @param bytes of a weight */
  work(bytes: number): Work {
    const { layers, hidden, heads, keyValueHeads, headDim, mlpWidth, vocabulary } = this.info;
    const block = 2 * hidden * headDim * (heads + keyValueHeads) + 3 * hidden * mlpWidth;
    const output = hidden * vocabulary;
    return {
      layerTokens: this.#layerTokens,
      logits: this.#logits,
      runs: this.#runs,
      flops: 2 * (this.#layerTokens * block + this.#logits * output + this.#attention),
      weightBytes: this.#runs * (layers * block + output) * bytes,
    };
  }
}

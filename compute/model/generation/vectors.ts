import type { BatchResult, Capture } from '../engine/batch.ts';
import type { ModelInfo } from '../engine/model.ts';
import type { FloatTensor } from '../engine/session.ts';
import type { CapturedVectors, ResolvedCapture, TokenSelector } from './generation.ts';

/** Which values of a run hold the layers: the last one is taken after the final norm unless told otherwise. */
export function captureOf(capture: ResolvedCapture, model: ModelInfo): Pick<Capture, 'residual' | 'final'> {
  const final = capture.lastLayer === 'normed' && capture.layers.includes(model.layers);
  return { residual: capture.layers.filter((layer) => !final || layer !== model.layers), final };
}

/** The tensors of a run, in the order of the layers: `[B, D]` or `[B, S, D]` each. */
export function layerTensors(capture: ResolvedCapture, { residual, final }: BatchResult): FloatTensor[] {
  return capture.layers.map((layer) => residual.get(layer) ?? final!);
}

/** One row's vector of every layer at one token, `[layers, hidden]`. */
export function vectorAt(tensors: readonly FloatTensor[], hidden: number, index: number): Float32Array {
  const vector = new Float32Array(tensors.length * hidden);
  for (const [i, { data }] of tensors.entries()) {
    vector.set(data.subarray(index * hidden, (index + 1) * hidden), i * hidden);
  }
  return vector;
}

/** A token's vectors `[layers, hidden]`. */
interface Held {
  readonly token: number;
  readonly vector: Float32Array;
}

/**
 * Gathers the vectors of one sequence, token by token, and keeps no more of them than its selector needs. The last tokens
 * may turn out not to belong (a stop text is only known when it is complete), so each is held until it is settled.
 */
export class VectorCollector {
  readonly #layers: readonly number[];
  readonly #hidden: number;
  readonly #selector: TokenSelector;
  #held: Held[] = [];
  #sum: Float64Array | undefined;
  #summed = 0;
  #last: Held | undefined;

  constructor(layers: readonly number[], hidden: number, selector: TokenSelector) {
    this.#layers = layers;
    this.#hidden = hidden;
    this.#selector = selector;
  }

  /** Tokens come in order. */
  add(token: number, vector: Float32Array): void {
    this.#held.push({ token, vector });
  }

  /** Tokens before this one belong to the sequence for certain. */
  settle(end: number): void {
    if (this.#selector === 'all') return;
    while (this.#held.length > 0 && this.#held[0]!.token < end) this.#take(this.#held.shift()!);
  }

  /** The vectors selected among the tokens before `end`, and those that `wanted` accepts. */
  finish(end: number, wanted: (token: number) => boolean = () => true): CapturedVectors {
    if (this.#selector === 'all') {
      const kept = this.#held.filter(({ token }) => token < end && wanted(token));
      return this.#result(
        kept.map(({ token }) => token),
        kept.map(({ vector }) => vector),
      );
    }
    this.settle(end);
    if (this.#selector === 'last') {
      const last = this.#last === undefined ? [] : [this.#last];
      return this.#result(
        last.map(({ token }) => token),
        last.map(({ vector }) => vector),
      );
    }
    const mean = this.#sum?.map((value) => value / this.#summed);
    return this.#result([], mean === undefined ? [] : [Float32Array.from(mean)]);
  }

  #take(held: Held): void {
    this.#last = held;
    if (this.#selector !== 'mean') return;
    this.#sum ??= new Float64Array(held.vector.length);
    for (let i = 0; i < held.vector.length; i++) this.#sum[i]! += held.vector[i]!;
    this.#summed++;
  }

  /** From a token at a time to a layer at a time. */
  #result(tokens: readonly number[], vectors: readonly Float32Array[]): CapturedVectors {
    const hidden = this.#hidden;
    const data = new Float32Array(this.#layers.length * vectors.length * hidden);
    for (const [i, vector] of vectors.entries()) {
      for (let layer = 0; layer < this.#layers.length; layer++) {
        const from = vector.subarray(layer * hidden, (layer + 1) * hidden);
        data.set(from, (layer * vectors.length + i) * hidden);
      }
    }
    return { layers: this.#layers, tokens, data, hidden };
  }
}

/** The selected vectors of one row's tokens in a run's tensors, `[B, S, D]` each, or `[B, D]` where only the last were kept. */
export function promptVectors(
  capture: ResolvedCapture & { readonly prompt: TokenSelector },
  tensors: readonly FloatTensor[],
  hidden: number,
  row: number,
  length: number,
): CapturedVectors {
  const collector = new VectorCollector(capture.layers, hidden, capture.prompt);
  const stride = tensors[0]!.shape.length === 3 ? tensors[0]!.shape[1]! : 1;
  for (let token = capture.prompt === 'last' ? length - 1 : 0; token < length; token++) {
    collector.add(token, vectorAt(tensors, hidden, row * stride + (stride === 1 ? 0 : token)));
    collector.settle(token + 1);
  }
  return collector.finish(length);
}

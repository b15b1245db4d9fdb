import { createHash } from 'node:crypto';
import { float16ToNumber, float32ToFloat16 } from '../../ingest/formats/tensor/float16.ts';
import { mixSeed, random } from './random.ts';

/** Shape of the imagined model: four blocks, so five stored layers with the embedding output. */
export const LAYERS = 5;
export const HIDDEN = 64;

/** How strongly each layer tells a made-up answer from a known one: not at all in the embedding, then ever more. */
const SIGNAL = [0, 0.14, 0.22, 0.3, 0.38];
/** Answers that are wrong for other reasons than not knowing: what keeps a probe from being perfect. */
const DOUBT_NOISE = 0.8;

function wordSeed(word: string): number {
  return createHash('sha256').update(word).digest().readUInt32LE(0);
}

function unitVector(seed: number): Float64Array {
  const source = random(seed);
  const vector = Float64Array.from({ length: HIDDEN }, () => source.gaussian());
  const norm = Math.sqrt(vector.reduce((sum, x) => sum + x * x, 0));
  return vector.map((x) => x / norm);
}

/** The direction along which the imagined model represents that it is guessing. */
const doubtDirection = unitVector(0xd0b7);

/** Words of a response: what stands for its tokens. */
export function tokensOf(response: string): string[] {
  return response.split(/\s+/).filter((word) => word !== '');
}

/**
 * A residual stream for a response, (layer, token, hidden) row-major: word vectors, to which every layer adds
 * noise of the example, noise of the token, and the doubt of an answer that was made up.
 * Like the loggers it has one vector fewer than tokens, the state at each token but the last. Values are float16.
 */
export function residualStream(response: string, halu: boolean, seed: number): Float32Array {
  const tokens = tokensOf(response).slice(0, -1);
  const source = random(seed);
  const doubt = (halu ? 1 : -1) + DOUBT_NOISE * source.gaussian();
  const out = new Float32Array(LAYERS * tokens.length * HIDDEN);
  const state = tokens.map((word) => unitVector(wordSeed(word)).map((x) => x * 4));
  for (let layer = 0; layer < LAYERS; layer++) {
    const topic = Float64Array.from({ length: HIDDEN }, () => 0.45 * source.gaussian());
    state.forEach((vector, t) => {
      for (let i = 0; i < HIDDEN; i++) {
        if (layer > 0) {
          const added = topic[i]! + 0.3 * source.gaussian() + SIGNAL[layer]! * doubt * doubtDirection[i]!;
          vector[i] = 0.8 * vector[i]! + added;
        }
        out[(layer * tokens.length + t) * HIDDEN + i] = float16ToNumber(float32ToFloat16(vector[i]!));
      }
    });
  }
  return out;
}

/** Mean over tokens of one layer of a stream. */
export function meanOfLayer(stream: ArrayLike<number>, layer: number): Float64Array {
  const tokens = stream.length / (LAYERS * HIDDEN);
  const mean = new Float64Array(HIDDEN);
  for (let t = 0; t < tokens; t++) {
    for (let i = 0; i < HIDDEN; i++) mean[i]! += stream[(layer * tokens + t) * HIDDEN + i]! / tokens;
  }
  return mean;
}

/** Seed of one response of one run. */
export const streamSeed = (seed: number, index: number): number => mixSeed(seed, index, 0xac7);

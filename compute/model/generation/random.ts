import { createHash } from 'node:crypto';

/** Whose random numbers: they depend on nothing else, so neither on batches, nor on order, nor on earlier draws. */
export interface StreamKey {
  readonly seed: number;
  /** `promptKey` of the prompt. */
  readonly prompt: string;
  readonly sample: number;
}

/** Identity of a prompt: SHA-256 of its token ids in decimal, separated by commas. */
export function promptKey(tokens: ArrayLike<number>): string {
  return createHash('sha256').update(Array.from(tokens).join(',')).digest('hex');
}

/**
 * The number in [0, 1) that decides a token: the first 53 bits of the SHA-256 of `seed/prompt/sample/position`, as a
 * fraction. A counter-based generator: any number can be had alone, in any language.
 */
export function uniform({ seed, prompt, sample }: StreamKey, position: number): number {
  const digest = createHash('sha256').update(`${seed}/${prompt}/${sample}/${position}`).digest();
  return (digest.readUInt32BE(0) * 2 ** 21 + (digest.readUInt32BE(4) >>> 11)) / 2 ** 53;
}

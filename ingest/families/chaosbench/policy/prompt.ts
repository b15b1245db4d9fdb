import { createHash } from 'node:crypto';

/** Hash of the prompt of official runs (variant `v1`). */
export const CURRENT_PROMPT_HASH = '5881f664c444e3d3';

/** The prompts that the benchmark has had, by variant. */
export const PROMPT_HASHES: Readonly<Record<string, string>> = Object.freeze({
  v1: CURRENT_PROMPT_HASH,
  v1_compact: '37dec1c9b71ff4e3',
  v1_logiccheck: 'dc03e5fc3ac4fa47',
});

/**
 * `prompt_hash` of a manifest: the first 16 hexadecimal digits of the SHA-256 of instruction and template with a newline
 * between them. What a provider adds to the text it sends is not in it.
 */
export function promptHash(systemInstruction: string, userTemplate: string): string {
  return createHash('sha256').update(`${systemInstruction}\n${userTemplate}`).digest('hex').slice(0, 16);
}

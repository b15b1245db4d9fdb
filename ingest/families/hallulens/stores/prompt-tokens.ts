import type { SequenceMode } from './entry.ts';

/** How many of the stored tokens are the prompt's; `inputLength` is the true length of the prompt. */
export function promptTokens(
  mode: SequenceMode | undefined,
  total: number,
  inputLength: unknown,
): number | undefined {
  if (mode === 'prompt') return total;
  if (mode === 'response') return 0;
  if (mode === 'all' && typeof inputLength === 'number') return Math.min(inputLength, total);
  return undefined;
}

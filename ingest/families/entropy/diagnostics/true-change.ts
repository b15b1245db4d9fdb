import type { TrueEntry } from '../../../contracts/entropy/diagnostics.ts';
import { sum } from '../../../stats/index.ts';
import type { Normalization } from '../normalization.ts';

/** The true change of entropy at one learning rate, made of the sequences anew. */
export interface TrueChange {
  /** Σwh/ΣwT - Σh_base/ΣT */
  readonly perToken: number;
  /** Σwh/Σw - mean h_base */
  readonly perSequence: number;
  /** The entropy before the update, a token and a sequence. */
  readonly basePerToken: number;
  readonly basePerSequence: number;
  /** Σw of the normalised weights. */
  readonly weightSum: number;
  /** 1/Σw² of the normalised weights. */
  readonly ess: number;
  readonly tokens: number;
  /** What each sequence adds to the change; sums to it. */
  contributions(normalization: Normalization, baseEntropy: number): Float64Array;
}

/**
 * The weights are shifted by their maximum before they are normalised, which cancels in every ratio here: w is the
 * normalised weight. Source of the contributions: the experiment's guide, "Comparing True vs Approximate Per-Sequence
 * Contributions"; per sequence, the share T/ΣT of the base entropy is 1/n.
 */
export function trueChange({ diagnostics }: TrueEntry): TrueChange {
  const { normalized_weights: w, h_new: h, h_base: base, token_counts: T } = diagnostics;
  const n = w.length;
  const weightSum = sum(w);
  const weightedEntropy = sum(products(w, h));
  const weightedTokens = sum(products(w, T));
  const tokens = sum(T);
  const basePerToken = sum(base) / tokens;
  const basePerSequence = sum(base) / n;
  return {
    perToken: weightedEntropy / weightedTokens - basePerToken,
    perSequence: weightedEntropy / weightSum - basePerSequence,
    basePerToken,
    basePerSequence,
    weightSum,
    ess: 1 / sum(products(w, w)),
    tokens,
    contributions(normalization, baseEntropy) {
      const total = normalization === 'per_sequence' ? weightSum : weightedTokens;
      const share = (i: number) => (normalization === 'per_sequence' ? 1 / n : T[i]! / tokens);
      return Float64Array.from(w, (weight, i) => (weight * h[i]!) / total - share(i) * baseEntropy);
    },
  };
}

function products(a: readonly number[], b: readonly number[]): Float64Array {
  return Float64Array.from(a, (value, i) => value * b[i]!);
}

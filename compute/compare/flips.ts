import type { ComparedPrediction, Pair } from './pairs.ts';

/**
 * What became of an example from the first run to the second: `LOST` right to wrong, `GAINED` wrong to right, `CHANGED` another
 * prediction that is neither (wrong in another way, or not judged in one of them).
 */
export type FlipKind = 'LOST' | 'GAINED' | 'CHANGED';

export interface Flip extends Pair {
  readonly kind: FlipKind;
}

export interface FlipCounts {
  readonly lost: number;
  readonly gained: number;
  readonly changed: number;
  readonly same: number;
  /** Scored at most: neither correctness nor a prediction is known of both. */
  readonly incomparable: number;
}

/** The examples whose correctness or prediction differs, in the order of the pairs. */
export function flipsOf(pairs: readonly Pair[]): { readonly flips: Flip[]; readonly counts: FlipCounts } {
  const flips = pairs.flatMap((pair) => {
    const kind = flipKind(pair.a, pair.b);
    return kind === undefined ? [] : [{ ...pair, kind }];
  });
  const count = (kind: FlipKind) => flips.filter((flip) => flip.kind === kind).length;
  const incomparable = pairs.filter(({ a, b }) => !comparable(a, b)).length;
  return {
    flips,
    counts: {
      lost: count('LOST'),
      gained: count('GAINED'),
      changed: count('CHANGED'),
      same: pairs.length - flips.length - incomparable,
      incomparable,
    },
  };
}

function flipKind(a: ComparedPrediction, b: ComparedPrediction): FlipKind | undefined {
  if (a.correct !== null && b.correct !== null && a.correct !== b.correct)
    return a.correct ? 'LOST' : 'GAINED';
  // No answer is an answer unlike any other; no thresholded prediction is only the lack of a threshold.
  const thresholded = a.predHalu !== null && b.predHalu !== null && a.predHalu !== b.predHalu;
  return thresholded || a.predLabel !== b.predLabel ? 'CHANGED' : undefined;
}

/** Whether something is known of both that could differ; an answer and the lack of one do. */
function comparable(a: ComparedPrediction, b: ComparedPrediction): boolean {
  const both = (one: unknown, other: unknown) => one !== null && other !== null;
  const answered = a.predLabel !== null || b.predLabel !== null;
  return answered || both(a.correct, b.correct) || both(a.predHalu, b.predHalu);
}

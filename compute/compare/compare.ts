import { InvalidArgumentError } from '../../lake/errors.ts';
import { type Flip, type FlipCounts, flipsOf } from './flips.ts';
import type { ComparedRun, PairedRuns } from './pairs.ts';
import {
  correctnessByScope,
  type PairedCorrectness,
  type PairedRanking,
  pairedCorrectness,
  pairedRanking,
  type StatisticsOptions,
  scoredPairs,
} from './statistics.ts';

/** Beyond these, digits come at the price of time and nothing is learnt. */
const MAX_RESAMPLES = 20_000;

export interface CompareOptions extends Partial<StatisticsOptions> {
  /** Whether AUROCs are wanted, whose bootstrap takes most of the time; default true. */
  readonly ranking?: boolean;
}

/** What two runs of one family have in common and where they differ. Differences are b minus a. */
export interface RunComparison {
  readonly a: ComparedRun;
  readonly b: ComparedRun;
  /** Examples that both predict once (LM_EVAL: an example and filter; FV: an example and layer). */
  readonly common: number;
  readonly onlyInA: number;
  readonly onlyInB: number;
  readonly repeated: number;
  /** Common examples with a label in both runs that is not the same. */
  readonly labelsDiffer: number;
  readonly counts: FlipCounts;
  readonly flips: readonly Flip[];
  readonly correctness: PairedCorrectness | null;
  readonly scopes: readonly PairedCorrectness[];
  readonly ranking: PairedRanking | null;
  /** Why something above is null, leaves examples out or takes them for independent although they are not. */
  readonly notes: readonly string[];
}

/** Compares runs by their pairs. @throws InvalidArgumentError for options out of range; CancelledError */
export async function compareRuns(paired: PairedRuns, options: CompareOptions = {}): Promise<RunComparison> {
  const { confidence = 0.95, resamples = 2000, seed = 0, signal } = options;
  checkOptions({ confidence, resamples, seed });
  const { pairs, overlappingScopes, ...runs } = paired;
  const notes: string[] = [];
  const scopes = correctnessByScope(pairs, confidence);
  const correctness = overlappingScopes ? undefined : pairedCorrectness('overall', pairs, confidence);
  if (overlappingScopes) notes.push('no overall correctness: an example counts once in every scope');
  else if (correctness === undefined) notes.push('no correctness: no example is judged in both runs');
  else if (correctness.n < pairs.length)
    notes.push(
      `correctness leaves out ${pairs.length - correctness.n} of ${pairs.length} common examples: a run does not judge them`,
    );
  const examples = new Set(pairs.map(({ exampleId }) => exampleId)).size;
  const prompts = new Set(pairs.map(({ promptGroup }) => promptGroup)).size;
  if (prompts < examples)
    notes.push(
      `common examples share prompts (${prompts} for ${examples} examples): what takes them for independent says so and claims too much`,
    );
  const labelsDiffer = pairs.filter(
    ({ a, b }) => differ(a.labelHalu, b.labelHalu) || differ(a.trueLabel, b.trueLabel),
  ).length;
  if (labelsDiffer > 0)
    notes.push(`${labelsDiffer} common examples have another label in b: each run is judged by its own`);
  const scored = scoredPairs(pairs);
  let ranking: PairedRanking | undefined;
  if (options.ranking !== false && scored.labels.length > 0) {
    // Leaving out the examples whose labels differ would select by what is measured.
    if (labelsDiffer > 0) notes.push('no AUROCs: they are comparable only on equal labels');
    else {
      ranking = await pairedRanking(scored, { confidence, resamples, seed, signal });
      if (ranking === undefined) notes.push('no AUROCs: all common examples have the same label');
      else if (ranking.n < pairs.length)
        notes.push(
          `AUROCs leave out ${pairs.length - ranking.n} of ${pairs.length} common examples: a run has no score or label`,
        );
    }
  }
  const { flips, counts } = flipsOf(pairs);
  return {
    ...runs,
    common: pairs.length,
    labelsDiffer,
    counts,
    flips,
    correctness: correctness ?? null,
    scopes,
    ranking: ranking ?? null,
    notes,
  };
}

function differ<T>(a: T | null, b: T | null): boolean {
  return a !== null && b !== null && a !== b;
}

function checkOptions({ confidence, resamples, seed }: StatisticsOptions): void {
  if (!(confidence > 0 && confidence < 1))
    throw new InvalidArgumentError(`${confidence} is no confidence level`, { expected: 'between 0 and 1' });
  if (!Number.isInteger(resamples) || resamples < 1 || resamples > MAX_RESAMPLES)
    throw new InvalidArgumentError(`${resamples} is no number of resamples`, {
      expected: `1 to ${MAX_RESAMPLES}`,
    });
  if (!Number.isSafeInteger(seed) || seed < 0)
    throw new InvalidArgumentError(`${seed} is no seed`, { expected: 'a whole number from 0' });
}

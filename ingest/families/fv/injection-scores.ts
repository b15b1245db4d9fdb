import { INJECTION_SCORES, type InjectionScore } from '../../contracts/fv/injection.ts';
import type { JsonObject } from '../../contracts/json-value.ts';
import { asNumber } from '../../metric-values.ts';
import type { Moments } from './moments.ts';
import { sameNumber } from './run.ts';

/** Numbers of one layer by the names of `INJECTION_SCORES`. */
export type InjectionScores = ReadonlyMap<InjectionScore, number>;

/** The numbers of `eval_summary.json`. */
export function scoresOf(summary: JsonObject): InjectionScores {
  const scores = new Map<InjectionScore, number>();
  for (const name of INJECTION_SCORES) {
    const value = asNumber(summary[name]);
    if (value !== undefined) scores.set(name, value);
  }
  return scores;
}

export function sameScores(a: InjectionScores, b: InjectionScores): boolean {
  return INJECTION_SCORES.every((name) => {
    const [x, y] = [a.get(name), b.get(name)];
    return x === undefined || y === undefined ? x === y : sameNumber(x, y);
  });
}

/** Numbers of an example: [score whose mean it is, score that is its spread]. */
const SCORES_OF = {
  accuracy_base: ['acc_base', undefined],
  accuracy_with: ['acc_with', undefined],
  delta_acc: ['delta_acc', undefined],
  logit_base: ['mean_logit_base', undefined],
  logit_with: ['mean_logit_with', undefined],
  delta_logit: ['mean_delta_logit', 'std_delta_logit'],
  logprob_base: ['mean_logprob_base', undefined],
  logprob_with: ['mean_logprob_with', undefined],
  delta_logprob: ['mean_delta_logprob', 'std_delta_logprob'],
  p_base: ['mean_p_base', undefined],
  p_with: ['mean_p_with', undefined],
  delta_p: ['mean_delta_p', 'std_delta_p'],
} as const satisfies Record<string, readonly [InjectionScore, InjectionScore | undefined]>;

/** Numbers of an example that scores are made of. */
export const EXAMPLE_MEASURES: readonly string[] = Object.keys(SCORES_OF);

/** Means over `n` examples; a score is absent when an example lacks its number. */
export function scoresOfExamples(moments: ReadonlyMap<string, Moments>, n: number): InjectionScores {
  const scores = new Map<InjectionScore, number>();
  for (const [name, [mean, spread]] of Object.entries(SCORES_OF)) {
    const found = moments.get(name);
    if (found === undefined || found.n !== n) continue;
    scores.set(mean, found.mean);
    if (spread !== undefined) scores.set(spread, found.std);
  }
  return scores;
}

const NAMES: ReadonlySet<string> = new Set(INJECTION_SCORES);

export function isInjectionScore(name: string): name is InjectionScore {
  return NAMES.has(name);
}

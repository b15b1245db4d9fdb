import { INJECTION_SCORES, type InjectionScore } from '../../contracts/fv/injection.ts';
import type { JsonObject } from '../../contracts/json-value.ts';
import { asNumber } from '../../metric-values.ts';
import type { IssueLog } from '../../run-files/issue-log.ts';
import { Moments } from './moments.ts';
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

/** Whether two examples have the same scores, the same ones missing. */
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

const MEASURES: readonly string[] = Object.keys(SCORES_OF);

/** Takes the means of a layer's examples. */
export class ExampleMeans {
  n = 0;
  readonly #moments = new Map(MEASURES.map((name) => [name, new Moments()]));

  add(example: JsonObject): void {
    this.n += 1;
    for (const [name, moments] of this.#moments) {
      const value = asNumber(example[name]);
      if (value !== undefined) moments.add(value);
    }
  }

  /** Undefined without examples; a score is absent when an example lacks its number. */
  get scores(): InjectionScores | undefined {
    if (this.n === 0) return undefined;
    const scores = new Map<InjectionScore, number>();
    for (const [name, [mean, spread]] of Object.entries(SCORES_OF)) {
      const found = this.#moments.get(name);
      if (found === undefined || found.n !== this.n) continue;
      scores.set(mean, found.mean);
      if (spread !== undefined) scores.set(spread, found.std);
    }
    return scores;
  }
}

/** Says where reported scores are not those that the examples give. */
export function compareScores(
  log: Pick<IssueLog, 'warn'>,
  place: { readonly file: string; readonly line?: number },
  reported: InjectionScores,
  recomputed: InjectionScores,
): void {
  for (const [name, value] of recomputed) {
    const known = reported.get(name);
    if (known === undefined || sameNumber(known, value)) continue;
    const message = `${known} reported, ${value} recomputed from the examples of the layer`;
    log.warn({ code: 'INJECTION_MISMATCH', ...place, pointer: `/${name}`, message });
  }
}

const NAMES: ReadonlySet<string> = new Set(INJECTION_SCORES);

/** Whether a name is that of a score of the injection tables. */
export function isInjectionScore(name: string): name is InjectionScore {
  return NAMES.has(name);
}

import type { InjectionScore } from '../../../../ingest/contracts/fv/injection.ts';
import type { Reading } from '../sweep/readings.ts';
import { mean, populationDeviation } from './moments.ts';

/** One example without and with the vector. */
export interface InjectedExample {
  readonly target: number;
  readonly base: Reading;
  readonly with: Reading;
}

/** 1 when the model would give the target. */
export function accuracy({ best }: Reading, target: number): 0 | 1 {
  return best === target ? 1 : 0;
}

/** What the vector does at one layer, over the examples. */
export function injectionScores(examples: readonly InjectedExample[]): Record<InjectionScore, number> {
  const of = (value: (example: InjectedExample) => number) => examples.map(value);
  const before = of(({ base, target }) => accuracy(base, target));
  const after = of((example) => accuracy(example.with, example.target));
  const measure = (name: 'p' | 'logit' | 'logprob') => {
    const delta = of((example) => example.with[name] - example.base[name]);
    return {
      base: mean(of(({ base }) => base[name])),
      with: mean(of((example) => example.with[name])),
      delta: mean(delta),
      std: populationDeviation(delta),
    };
  };
  const [logit, logprob, p] = [measure('logit'), measure('logprob'), measure('p')];
  return {
    acc_base: mean(before),
    acc_with: mean(after),
    delta_acc: mean(after.map((value, i) => value - before[i]!)),
    mean_logit_base: logit.base,
    mean_logit_with: logit.with,
    mean_delta_logit: logit.delta,
    std_delta_logit: logit.std,
    mean_logprob_base: logprob.base,
    mean_logprob_with: logprob.with,
    mean_delta_logprob: logprob.delta,
    std_delta_logprob: logprob.std,
    mean_p_base: p.base,
    mean_p_with: p.with,
    mean_delta_p: p.delta,
    std_delta_p: p.std,
  };
}

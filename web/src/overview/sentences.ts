import { familyScores } from '../run/chaosbench/families.ts';
import type { EntropyPoint } from '../run/entropy/queries.ts';
import { type InjectionPoint, pointsOf, QUERY_SETS, querySetsOf } from '../run/fv/injections.ts';
import type { FoundHeads, Injection } from '../run/fv/queries.ts';
import type { MetricRow } from '../run/metrics.ts';
import { count, measured, percent } from '../ui/format.ts';

/** How far the probes of layers get, and what they have to beat. */
export function layersText(metrics: readonly MetricRow[]): string | undefined {
  const numbers = metrics.flatMap(({ metric, scope, value, ciLow, ciHigh }) =>
    metric === 'auroc' && value !== null ? [{ scope, value, ciLow, ciHigh }] : [],
  );
  const layers = numbers.filter(({ scope }) => scope.startsWith('layer:'));
  const best = greatest(layers);
  if (best === undefined) return undefined;
  const interval = best.ciLow === null ? '' : ` [${measured(best.ciLow)}, ${measured(best.ciHigh)}]`;
  const found = `A probe of the activations does best at layer ${best.scope.slice(6)}: AUROC ${measured(best.value)}${interval}.`;
  const controls = numbers.filter(
    ({ scope }) => scope.startsWith('control:') && scope !== 'control:shuffled_labels',
  );
  const rival = greatest(controls);
  if (rival === undefined) return found;
  const above = layers.filter(({ value }) => value > rival.value).length;
  const verdict =
    above === 0 ? 'which no layer does' : `which ${count(above)} of ${count(layers.length)} layers exceed`;
  const weakest = least(controls);
  const others =
    weakest === undefined || weakest === rival
      ? ''
      : `; ${nameOf(weakest.scope)} alone gets ${measured(weakest.value)}`;
  return `${found} Without activations, ${nameOf(rival.scope)} reaches ${measured(rival.value)}, ${verdict}${others}.`;
}

const nameOf = (scope: string) => scope.slice(8).replaceAll('_', ' ');

/** Which heads carry the relation. */
export function headsText({ fvHeatmap }: FoundHeads): string | undefined {
  const [first, ...others] = fvHeatmap?.topHeads ?? [];
  if (fvHeatmap === null || first === undefined) return undefined;
  const blocks = new Set([first, ...others].map(({ layer }) => layer));
  const [low, high] = [Math.min(...blocks), Math.max(...blocks)];
  const where = low === high ? `block ${low}` : `blocks ${low} to ${high}`;
  return `Head ${first.head} of block ${first.layer} carries most: its mean activation, put into a prompt that does not show the relation, changes the probability of the right answer by ${measured(first.score)}. The top ${count(others.length + 1)} of ${count(fvHeatmap.layers * fvHeatmap.heads)} heads lie in ${where}.`;
}

/** What adding the function vector does, and what its controls do at the same layer. */
export function injectionText(rows: readonly Injection[]): string | undefined {
  const [set] = querySetsOf(rows);
  if (set === undefined) return undefined;
  const own = rows.filter(({ querySet }) => (querySet ?? 'extraction') === set);
  const points = pointsOf(own, 'accuracy');
  const best = greatest(points.filter(({ vector }) => vector === 'function_vector'));
  const base = own.find(({ accBase }) => accBase !== null)?.accBase;
  if (best === undefined || base === undefined || base === null) return undefined;
  const at = (kind: string): InjectionPoint | undefined =>
    points.find(({ vector, layer }) => vector === kind && layer === best.layer);
  const controls = [
    ['a random vector of its length', at('random_vector')],
    ['the vector of another relation', at('other_query')],
  ] as const;
  const shown = controls.flatMap(([name, point]) =>
    point === undefined ? [] : [`${name} gives ${percent(point.value)}`],
  );
  const effect = best.value > base ? `raises` : `changes`;
  return `Adding it behind block ${best.layer} ${effect} zero-shot accuracy on ${QUERY_SETS[set]} from ${percent(base)} to ${percent(best.value)}${shown.length === 0 ? '' : `; ${shown.join(', ')}`}.`;
}

/** How many questions are answered, and how many of the answers are right. */
export function evaluationText(metrics: readonly MetricRow[]): string | undefined {
  const overall = familyScores(metrics).at(-1);
  if (overall === undefined) return undefined;
  const { correct, valid, total, low, high } = overall;
  const right = `${count(correct)} of ${count(valid)} answers are right (95 % between ${percent(low)} and ${percent(high)})`;
  const none = total === undefined ? 0 : total - valid;
  return `${right}${none === 0 ? '' : `; to ${count(none)} of ${count(total)} questions there is none that can be read as TRUE or FALSE`}.`;
}

/** How far the prediction is from what happened, at the ends of the learning rates. */
export function entropyText(points: readonly EntropyPoint[]): string | undefined {
  const measuredPoints = points.flatMap(({ eta, deltaHTrue, linear, linquad }) => {
    const predicted = linquad ?? linear;
    return deltaHTrue === null || predicted === null
      ? []
      : [{ eta, change: deltaHTrue, predicted, how: linquad === null ? 'linear' : 'linear and quadratic' }];
  });
  const [first, ...others] = measuredPoints;
  if (first === undefined) return undefined;
  const last = others.at(-1);
  const at = ({ eta, change, predicted }: typeof first) =>
    `at η = ${measured(eta)} entropy changes by ${measured(change)}, and ${measured(predicted)} was predicted`;
  return `With the ${first.how} term${first.how === 'linear' ? '' : 's'}: ${at(first)}${last === undefined ? '' : `; ${at(last)}`}.`;
}

interface Valued {
  readonly value: number;
}

function greatest<T extends Valued>(items: readonly T[]): T | undefined {
  return items.reduce<T | undefined>((a, b) => (a === undefined || b.value > a.value ? b : a), undefined);
}

function least<T extends Valued>(items: readonly T[]): T | undefined {
  return items.reduce<T | undefined>((a, b) => (a === undefined || b.value < a.value ? b : a), undefined);
}

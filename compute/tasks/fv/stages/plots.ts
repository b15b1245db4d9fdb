import type { QuerySet } from '../../../../ingest/contracts/fv/additions.ts';
import type { Evaluation } from '../artifacts/addition-files.ts';
import type { LayerInjection } from '../artifacts/injection-files.ts';
import { caption } from '../plots/captions.ts';
import { heatmap } from '../plots/heatmap.ts';
import {
  type InjectionCurves,
  type InjectionLevel,
  type InjectionSeries,
  injectionCurve,
} from '../plots/injection-curve.ts';
import { topHeadsPlot } from '../plots/top-heads.ts';
import { queryDirectory } from '../relation/query-directory.ts';
import { mean } from '../scores/moments.ts';
import { put, type StageContext } from './context.ts';
import type { SweepResult } from './sweep.ts';
import type { VectorResult } from './vectors.ts';

/**
 * Pictures of what was found, each as SVG and as PNG.
 * @param injections of the function vector, on the queries of the trials
 * @param evaluations of controls, and on other queries
 */
export async function plotStage(
  context: StageContext,
  { scores }: SweepResult,
  { top }: VectorResult,
  injections: readonly LayerInjection[],
  evaluations: readonly Evaluation[],
): Promise<void> {
  const { experiment, examined, picture } = context;
  const { qId, scoreKey } = experiment;
  const draw = async (name: string, svg: string) => {
    await put(context, `${name}.svg`, svg);
    await put(context, `${name}.png`, await picture(svg));
  };
  context.progress({ stage: 'plots', done: 0 });
  const chosen = `${top.length} of ${scores.length} heads chosen by ${scoreKey}`;
  await draw(
    `aie_heatmap_${queryDirectory(qId)}`,
    heatmap(
      scores,
      top,
      scoreKey,
      caption(experiment, 'average indirect effect of each head', chosen, 'colours: symmetric logarithm'),
    ),
  );
  const bars = `${chosen}, with the standard error over trials`;
  await draw(
    `aie_top_heads_by_layer_${scoreKey}`,
    topHeadsPlot(
      top,
      examined.model.info.layers,
      scoreKey,
      caption(experiment, 'heads of the function vector', bars),
    ),
  );
  const curves = (set: QuerySet) => {
    const all = evaluations.filter(({ querySet }) => querySet === set);
    const own = set === 'extraction' ? injections : only(all, 'function_vector');
    return own === undefined ? undefined : { own, controls: all.filter(isControl) };
  };
  const sets = [
    ['extraction', 'step6/injection_by_layer', 'queries of the trials, which made the vector'],
    ['held_out', 'runlake/injection_by_layer_held_out', 'held-out queries, which no trial used'],
  ] as const;
  for (const [set, name, queries] of sets) {
    const found = curves(set);
    if (found === undefined) continue;
    const count = found.own[0]?.examples.length ?? 0;
    const detail = `zero-shot prompts of ${count} ${queries}; alpha ${experiment.alpha}`;
    const heading = caption(experiment, 'a vector added to the residual stream', detail);
    await draw(name, injectionCurve(curvesOf(found.own, found.controls, top.length), heading));
  }
}

function only(evaluations: readonly Evaluation[], kind: string): readonly LayerInjection[] | undefined {
  return evaluations.find(({ vector }) => vector.kind === kind)?.injections;
}

function isControl({ vector }: Evaluation): boolean {
  return vector.kind !== 'function_vector';
}

function curvesOf(
  own: readonly LayerInjection[],
  controls: readonly Evaluation[],
  heads: number,
): InjectionCurves {
  const groups = new Map<string, Evaluation[]>();
  for (const one of controls) {
    const name = nameOf(one, heads);
    groups.set(name, [...(groups.get(name) ?? []), one]);
  }
  const atLayers = [...groups].filter(([, [first]]) => first?.vector.kind !== 'distributed');
  const atHeads = [...groups].filter(([, [first]]) => first?.vector.kind === 'distributed');
  return {
    layers: own.map(({ layer }) => layer),
    series: [
      seriesOf(`function vector of ${heads} heads`, [own]),
      ...atLayers.map(([name, group]) =>
        seriesOf(
          group.length === 1 ? name : `${name}, mean of ${group.length}`,
          group.map(({ injections }) => injections),
        ),
      ),
    ],
    levels: [
      { name: 'without a vector', accuracy: own[0]!.scores.acc_base, p: own[0]!.scores.mean_p_base },
      ...atHeads.flatMap(([name, group]): InjectionLevel[] => {
        const { scores } = group[0]?.injections.at(-1) ?? {};
        return scores === undefined ? [] : [{ name, accuracy: scores.acc_with, p: scores.mean_p_with }];
      }),
    ],
  };
}

function nameOf({ vector }: Evaluation, heads: number): string {
  switch (vector.kind) {
    case 'function_vector':
      return 'function vector';
    case 'random_vector':
      return 'random vector of the same norm';
    case 'random_heads':
      return `vector of ${vector.heads.length} other heads, drawn at random`;
    case 'other_query':
      return `vector of ${vector.sourceQId ?? 'another relation query'}`;
    case 'distributed':
      return `the ${heads} heads added where they write`;
  }
}

/** One line of several evaluations: their mean. */
function seriesOf(name: string, all: readonly (readonly LayerInjection[])[]): InjectionSeries {
  const over = (measure: 'acc_with' | 'mean_p_with') =>
    all[0]!.map((_, layer) => mean(all.map((injections) => injections[layer]!.scores[measure])));
  return { name, accuracy: over('acc_with'), p: over('mean_p_with') };
}

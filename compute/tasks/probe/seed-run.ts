import type { JsonObject, JsonValue } from '../../../ingest/contracts/json-value.ts';
import { mean } from '../../../ingest/stats/index.ts';
import { benjaminiHochberg, holm } from '../../stats/index.ts';
import {
  advantageOver,
  defined,
  type Judged,
  type JudgeOptions,
  probabilityMetrics,
  rankingMetrics,
} from './judge.ts';
import { assembleScores, rowsOf } from './layer-fit.ts';
import { sigmoid } from './probe-document.ts';
import type { ProbeData, SeedFits } from './sweep.ts';

/** What the run of one seed reports. */
export interface SeedReport {
  /** Rows that are scored, ascending. */
  readonly rows: readonly number[];
  /** Probability of a hallucination, of each of them. */
  readonly scores: Float64Array;
  /** Members of `eval_metrics.json` beside the contract's. */
  readonly metrics: JsonObject;
  readonly auroc: number;
}

export interface ReportOptions extends JudgeOptions {
  /** Controls that need no fit, by name: a score of every example. */
  readonly uncertainties: ReadonlyMap<string, Float64Array>;
}

/** Judges the probes of a seed and their controls on the tested rows. */
export async function seedReport(
  { labels, groups }: ProbeData,
  fits: SeedFits,
  options: ReportOptions,
): Promise<SeedReport> {
  const { splits, layers, chosen, kept, controls, shuffled } = fits;
  const tested = splits.map(({ test }) => rowsOf(test));
  const rows = tested.flat().sort((a, b) => a - b);
  const judged: Judged = {
    labels: Uint8Array.from(rows, (row) => labels[row]!),
    groups: Int32Array.from(rows, (row) => groups[row]!),
  };
  /** Scores of the tested rows, from those of every split. */
  const gather = (scoresOf: (split: number) => readonly number[]): Float64Array => {
    const all = assembleScores(labels.length, splits, scoresOf);
    return Float64Array.from(rows, (row) => all[row]!);
  };
  const scores = gather((split) => layers[chosen[split]!]!.scores[split]!).map(sigmoid);
  const byControl = new Map([
    ...Object.entries(controls.scores).map(([name, own]) => [name, gather((split) => own[split]!)] as const),
    ...[...options.uncertainties].map(
      ([name, all]) => [name, Float64Array.from(rows, (row) => all[row]!)] as const,
    ),
  ]);
  const embedding = layers.find(({ layer }) => layer === 0);
  if (embedding !== undefined)
    byControl.set(
      'embedding',
      gather((split) => embedding.scores[split]!),
    );

  const byLayer: Record<string, JsonValue>[] = [];
  for (const fit of layers) {
    const own = gather((split) => fit.scores[split]!);
    byLayer.push({
      ...(await rankingMetrics(own, judged, options)),
      validation_auroc: fit.validation.at(-1) ?? null,
      c: fit.c.at(-1) ?? null,
    });
  }
  if (layers.length > 1) correct(byLayer, 'p_chance');
  const ofControls: Record<string, JsonValue>[] = [];
  for (const own of byControl.values()) {
    ofControls.push({
      ...(await rankingMetrics(own, judged, options)),
      ...(await advantageOver(scores, own, judged, options)),
    });
  }
  correct(ofControls, 'p_advantage');

  const keptFit = layers[kept]!;
  const overall = await rankingMetrics(scores, judged, options);
  const { auroc } = overall;
  return {
    rows,
    scores,
    auroc: typeof auroc === 'number' ? auroc : Number.NaN,
    metrics: {
      ...overall,
      ...probabilityMetrics(scores, judged),
      probe_layer: keptFit.layer,
      c: keptFit.c.at(-1) ?? null,
      validation_auroc: keptFit.validation.at(-1) ?? null,
      n_train: Math.round(mean(splits.map(({ train }) => rowsOf(train).length))),
      scopes: {
        ...Object.fromEntries(layers.map(({ layer }, i) => [`layer:${layer}`, byLayer[i]!])),
        ...Object.fromEntries([...byControl.keys()].map((name, i) => [`control:${name}`, ofControls[i]!])),
        ...(shuffled.length > 0 && {
          'control:shuffled_labels': {
            auroc: defined(mean(shuffled)),
            auroc_min: Math.min(...shuffled),
            auroc_max: Math.max(...shuffled),
            n_shuffles: shuffled.length,
          },
        }),
      },
    },
  };
}

/** Adds p-values that are corrected for there being several of them. */
function correct(parts: readonly Record<string, JsonValue>[], name: string): void {
  const raw = parts.map((part) => {
    const value = part[name];
    return typeof value === 'number' ? value : Number.NaN;
  });
  const corrected = { holm: holm(raw), bh: benjaminiHochberg(raw) };
  for (const [method, values] of Object.entries(corrected))
    parts.forEach((part, i) => {
      part[`${name}_${method}`] = defined(values[i]!);
    });
}

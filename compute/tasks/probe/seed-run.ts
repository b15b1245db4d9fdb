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
import type { Fit, ProbeMethod } from './method.ts';
import { sigmoid } from './probe-document.ts';
import { assembleScores, rowsOf } from './splits.ts';
import { isEmbedding, type ProbeData, type SeedFits } from './sweep.ts';

/** What the run of one seed reports. */
export interface SeedReport {
  /** Rows that are scored, ascending. */
  readonly rows: readonly number[];
  /** Of each of them: the probability of a hallucination where the method has one, else what grows with it. */
  readonly scores: Float64Array;
  /** All scores by name, where the method has several. */
  readonly others: ReadonlyMap<string, Float64Array>;
  /** Members of `eval_metrics.json` beside the contract's. */
  readonly metrics: JsonObject;
  readonly auroc: number;
}

export interface ReportOptions extends JudgeOptions {
  readonly method: Pick<ProbeMethod, 'headline' | 'isLogOdds'>;
  /** Controls that need no fit, by name: a score of every example. */
  readonly uncertainties: ReadonlyMap<string, Float64Array>;
}

/** Judges the probes of a seed and their controls on the tested rows. */
export async function seedReport(
  { labels, groups }: ProbeData,
  fits: SeedFits,
  options: ReportOptions,
): Promise<SeedReport> {
  const { splits, fits: all, chosen, kept, controls, shuffled } = fits;
  const { headline, isLogOdds } = options.method;
  const tested = splits.map(({ test }) => rowsOf(test));
  const rows = tested.flat().sort((a, b) => a - b);
  const judged: Judged = {
    labels: Uint8Array.from(rows, (row) => labels[row]!),
    groups: Int32Array.from(rows, (row) => groups[row]!),
  };
  /** Scores of the tested rows, from those of every split. */
  const gather = (scoresOf: (split: number) => readonly number[]): Float64Array => {
    const assembled = assembleScores(labels.length, splits, scoresOf);
    return Float64Array.from(rows, (row) => assembled[row]!);
  };
  const named = (name: string, fitOf: (split: number) => Fit): Float64Array =>
    gather((split) => fitOf(split).scores[name]![split]!);
  const reported = (split: number): Fit => all[chosen[split]!]!;
  const keptFit = all[kept]!;
  const raw = named(headline, reported);
  const scores = isLogOdds ? raw.map(sigmoid) : raw;
  const names = Object.keys(keptFit.scores);
  const others = new Map(names.length > 1 ? names.map((name) => [name, named(name, reported)] as const) : []);
  const byControl = new Map([
    ...Object.entries(controls.scores).map(([name, own]) => [name, gather((split) => own[split]!)] as const),
    ...[...options.uncertainties].map(
      ([name, own]) => [name, Float64Array.from(rows, (row) => own[row]!)] as const,
    ),
  ]);
  const embedding = all.find(({ layers }) => isEmbedding(layers));
  if (embedding !== undefined)
    byControl.set(
      'embedding',
      named(headline, () => embedding),
    );

  const oneLayer = all.filter(({ layers }) => layers.length === 1);
  const byLayer: Record<string, JsonValue>[] = [];
  for (const fit of oneLayer) {
    byLayer.push({
      ...(await rankingMetrics(
        named(headline, () => fit),
        judged,
        options,
      )),
      validation_auroc: fit.validation.at(-1) ?? null,
      ...fit.told,
    });
  }
  if (oneLayer.length > 1) correct(byLayer, 'p_chance');
  const byScore: Record<string, JsonObject> = {};
  for (const [name, own] of others) byScore[`score:${name}`] = await rankingMetrics(own, judged, options);
  const ofControls: Record<string, JsonValue>[] = [];
  for (const own of byControl.values()) {
    ofControls.push({
      ...(await rankingMetrics(own, judged, options)),
      ...(await advantageOver(scores, own, judged, options)),
    });
  }
  correct(ofControls, 'p_advantage');

  const overall = await rankingMetrics(scores, judged, options);
  const { auroc } = overall;
  return {
    rows,
    scores,
    others,
    auroc: typeof auroc === 'number' ? auroc : Number.NaN,
    metrics: {
      ...overall,
      // Of what is no probability there is no calibration.
      ...(isLogOdds ? probabilityMetrics(scores, judged) : { ece: null }),
      ...(keptFit.takes.length === 1 && { probe_layer: keptFit.takes[0]! }),
      ...keptFit.told,
      validation_auroc: keptFit.validation.at(-1) ?? null,
      n_train: Math.round(mean(splits.map(({ train }) => rowsOf(train).length))),
      scopes: {
        ...Object.fromEntries(oneLayer.map(({ layers }, i) => [`layer:${layers[0]}`, byLayer[i]!])),
        ...byScore,
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

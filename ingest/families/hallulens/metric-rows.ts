import { isJsonObject, type JsonObject, type JsonValue } from '../../contracts/json-value.ts';
import { asNumber, type MetricValue } from '../../metric-values.ts';
import {
  accuracy,
  auroc,
  averagePrecision,
  confusion,
  expectedCalibrationError,
  f1,
  fprAtTpr,
  rankScores,
} from '../../stats/index.ts';

/** Scores and labels of a run, grown row by row: 10 bytes a row. */
export class ScoreTable {
  scores = new Float64Array(1024);
  labels = new Uint8Array(1024);
  /** 0, 1, or 255 where the artifact thresholds nothing. */
  predicted = new Uint8Array(1024);
  length = 0;

  push(score: number, label: boolean, predicted: boolean | undefined): void {
    if (this.length === this.scores.length) this.#grow();
    this.scores[this.length] = score;
    this.labels[this.length] = label ? 1 : 0;
    this.predicted[this.length] = predicted === undefined ? 255 : predicted ? 1 : 0;
    this.length++;
  }

  #grow(): void {
    const size = this.scores.length * 2;
    const scores = new Float64Array(size);
    const labels = new Uint8Array(size);
    const predicted = new Uint8Array(size);
    scores.set(this.scores);
    labels.set(this.labels);
    predicted.set(this.predicted);
    this.scores = scores;
    this.labels = labels;
    this.predicted = predicted;
  }
}

/** Names under which artifacts report what `recompute` computes. */
export const METRIC_ALIASES: Readonly<Record<string, readonly string[]>> = {
  auroc: ['auroc'],
  auprc: ['auprc'],
  accuracy: ['accuracy'],
  f1: ['f1'],
  ece: ['ece'],
  fpr_at_95_tpr: ['fpr_at_95_tpr', 'fpr95'],
};

/**
 * AUROC, AUPRC and FPR at 95 % TPR of the scores, ECE (15 bins, scores clipped to [0, 1]), and accuracy and F1
 * where every row has a thresholded prediction.
 */
export function recompute(table: ScoreTable): ReadonlyMap<string, number> {
  const scores = table.scores.subarray(0, table.length);
  const labels = table.labels.subarray(0, table.length);
  const predicted = table.predicted.subarray(0, table.length);
  const ranked = rankScores(scores, labels);
  const metrics = new Map([
    ['auroc', auroc(ranked)],
    ['auprc', averagePrecision(ranked)],
    ['fpr_at_95_tpr', fprAtTpr(ranked, 0.95)],
    ['ece', expectedCalibrationError(scores, labels)],
  ]);
  if (table.length > 0 && !predicted.includes(255)) {
    const counts = confusion(predicted, labels);
    metrics.set('accuracy', accuracy(counts));
    metrics.set('f1', f1(counts));
  }
  return metrics;
}

/** The numeric members of a metrics document that are metrics, with `<name>_ci95` as their interval. */
export function reportedMetrics(
  document: JsonObject,
  split: string | null,
  identityKeys: ReadonlySet<string>,
): MetricValue[] {
  const metrics: MetricValue[] = [];
  for (const [metric, raw] of Object.entries(document)) {
    const value = raw === null ? null : asNumber(raw);
    if (value === undefined || identityKeys.has(metric)) continue;
    const interval = document[`${metric}_ci95`];
    const [low, high] = Array.isArray(interval) ? interval : [];
    metrics.push({
      metric,
      value,
      split,
      source: 'reported',
      ciLow: asNumber(low) ?? null,
      ciHigh: asNumber(high) ?? null,
    });
  }
  return metrics;
}

/** Parts that a metrics document has numbers of its own about, by scope (`layer:3`, `control:length`): its member `scopes`. */
export function scopesOf(document: JsonObject): (readonly [scope: string, members: JsonObject])[] {
  const scopes = document['scopes'];
  if (!isJsonObject(scopes)) return [];
  return Object.entries(scopes).flatMap(([scope, members]) =>
    isJsonObject(members) ? [[scope, members] as const] : [],
  );
}

/** The members of a metrics document that are neither metrics, intervals nor identity: kept as they are. */
export function otherMembers(
  document: JsonObject,
  identityKeys: ReadonlySet<string>,
): JsonObject | undefined {
  const rest: Record<string, JsonValue> = {};
  for (const [key, value] of Object.entries(document)) {
    const isInterval = key.endsWith('_ci95') && Array.isArray(value);
    if (identityKeys.has(key) || isInterval || value === null || asNumber(value) !== undefined) continue;
    const left = key === 'scopes' && isJsonObject(value) ? withoutMetrics(value) : value;
    if (left !== undefined) rest[key] = left;
  }
  return Object.keys(rest).length === 0 ? undefined : rest;
}

/** What of the scopes are no metrics. */
function withoutMetrics(scopes: JsonObject): JsonObject | undefined {
  const rest: Record<string, JsonValue> = {};
  for (const [scope, members] of Object.entries(scopes)) {
    const left = isJsonObject(members) ? otherMembers(members, NOTHING) : members;
    if (left !== undefined) rest[scope] = left;
  }
  return Object.keys(rest).length === 0 ? undefined : rest;
}

const NOTHING: ReadonlySet<string> = new Set();

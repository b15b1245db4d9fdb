import { layersSummarySchema } from '../../contracts/fv/injection.ts';
import type { TopHeads } from '../../contracts/fv/top-heads.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../../contracts/json-value.ts';
import { asNumber } from '../../metric-values.ts';
import { isInjectionScore } from './injection-scores.ts';
import type { Injection, Sweep } from './injections.ts';
import { firstIndices, rangesOf } from './model-shape.ts';
import { bestLayer, DEFAULT_SCORE_KEY, headKey } from './ranking.ts';
import { type FvRun, report, sameNumber } from './run.ts';
import { validated } from './validated.ts';

/** The layer whose score is strictly the greatest, the first of equals, by what was reported or recomputed. */
export function bestOf(
  injections: readonly Injection[],
  scoreKey: string,
  source: 'reported' | 'recomputed',
): { readonly injection: Injection; readonly score: number } | undefined {
  if (!isInjectionScore(scoreKey)) return undefined;
  const values = injections.flatMap((injection) => {
    const value = injection[source]?.get(scoreKey);
    return value === undefined ? [] : [[injection.layer, value] as const];
  });
  const layer = bestLayer(values);
  const injection = injections.find((item) => item.layer === layer);
  const score = injection?.[source]?.get(scoreKey);
  return injection === undefined || score === undefined ? undefined : { injection, score };
}

/** Says where `step6_all_layers_summary.json` disagrees with the layers it sums up. */
export function checkSummary(
  run: FvRun,
  file: string,
  summary: JsonObject,
  { injections }: Sweep,
  layers: number | undefined,
): void {
  const data = validated(layersSummarySchema, summary, { file }, (issue) => report(run, issue));
  if (data === undefined) return;
  const warn = (pointer: string, message: string) =>
    run.log.warn({ code: 'SUMMARY_MISMATCH', file, pointer, message });
  const complete = injections.filter((item) => item.complete).map(({ layer }) => layer);
  const expected = layers === undefined ? undefined : firstIndices(layers);
  const done = new Set(complete);
  const lists = {
    expected_layers: expected,
    completed_layers: complete,
    missing_layers: expected?.filter((layer) => !done.has(layer)),
  } as const;
  for (const [name, actual] of Object.entries(lists)) {
    const recorded = data[name as keyof typeof lists];
    if (actual === undefined || recorded === undefined || recorded === null) continue;
    const [found, want] = [rangesOf(recorded.toSorted((a, b) => a - b)), rangesOf(actual)];
    if (found !== want) warn(`/${name}`, `[${found}]; the artifacts say [${want}]`);
  }
  const scoreKey = data.score_key ?? DEFAULT_SCORE_KEY;
  if (!isInjectionScore(scoreKey)) return;
  for (const { layer, reported } of injections) {
    const recorded = asNumber(data.per_layer?.[String(layer)]?.score_value ?? undefined);
    const value = reported?.get(scoreKey);
    if (recorded === undefined || value === undefined || sameNumber(recorded, value)) continue;
    warn(`/per_layer/${layer}/score_value`, `${recorded}; ${scoreKey} of the layer is ${value}`);
  }
  const best = bestOf(injections, scoreKey, 'reported');
  if (best === undefined || data.best_layer === undefined) return;
  if (data.best_layer !== best.injection.layer) {
    warn('/best_layer', `${data.best_layer}; by ${scoreKey} the best layer is ${best.injection.layer}`);
  }
  const score = asNumber(data.best_score ?? undefined);
  if (score !== undefined && !sameNumber(score, best.score))
    warn('/best_score', `${score}; the greatest ${scoreKey} is ${best.score}`);
}

/** A norm in half precision has three digits. */
const NORM_TOLERANCE = 0.01;

/** Says where layers were injected with another function vector than the one that lies beside them: one issue a fact. */
export function checkInjectedVector(
  run: FvRun,
  { files, injections }: Sweep,
  top: TopHeads | undefined,
  globalNorm: number | undefined,
): void {
  const heads = top?.heads.map(headKey).join(' ');
  const otherHeads = injections.filter(({ meta }) => {
    const own = meta?.['heads'];
    return heads !== undefined && Array.isArray(own) && placesOf(own) !== heads;
  });
  const otherNorm = injections.filter(({ meta }) => {
    const fv = meta?.['fv'];
    const norm = isJsonObject(fv) ? asNumber(fv['norm']) : undefined;
    return (
      norm !== undefined &&
      globalNorm !== undefined &&
      Math.abs(norm - globalNorm) > NORM_TOLERANCE * Math.max(norm, globalNorm)
    );
  });
  for (const [layers, what] of [
    [otherHeads, 'its heads are not those of top_heads.json'],
    [otherNorm, `the norm of its vector is not that of fv_global_resid.pt, ${globalNorm}`],
  ] as const) {
    const [first] = layers;
    if (first === undefined) continue;
    const directory = `${files.path === '' ? '' : `${files.path}/`}layer_${first.layer}`;
    const more = layers.length === 1 ? '' : `; so are ${layers.length - 1} other layers`;
    const message = `injected with another function vector: ${what}${more}`;
    run.log.warn({ code: 'STALE_INJECTION', file: directory, message });
  }
}

function placesOf(heads: readonly JsonValue[]): string {
  return heads
    .map((head) => (isJsonObject(head) ? `${String(head['layer'])},${String(head['head'])}` : ''))
    .join(' ');
}

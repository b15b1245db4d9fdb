import { rankHeads } from '../../../../ingest/families/fv/ranking.ts';
import { pythonJson } from '../../python/json.ts';
import { byLayerFile, globalFile, globalMeta, topHeads } from '../artifacts/vector-files.ts';
import type { HeadScores } from '../scores/head-scores.ts';
import { functionVector, vectorsByLayer } from '../vectors/function-vector.ts';
import { put, type StageContext } from './context.ts';
import type { SweepResult } from './sweep.ts';

/** The best heads, and what they add to the residual stream. */
export interface VectorResult {
  /** In the order of their rank. */
  readonly top: readonly HeadScores[];
  /** The function vector `[D]`. */
  readonly vector: Float32Array;
}

/** Ranks the heads and sums the means of the best. */
export async function vectorStage(
  context: StageContext,
  { means, scores }: SweepResult,
): Promise<VectorResult> {
  const { experiment, examined } = context;
  const { scoreKey, topk } = experiment;
  const { info } = examined.model;
  const top = rankHeads(scores, (head) => head.scores[scoreKey]).slice(0, topk);
  const layers = [...new Set(scores.map(({ layer }) => layer))];
  const vector = await functionVector(means, info, top, (layer) => examined.projectionOf(layer));
  const byLayer = vectorsByLayer(means, info, top, layers);
  await put(context, 'top_heads.json', topHeads(experiment, top));
  await put(context, 'fv_by_layer.pt', byLayerFile(byLayer, info, experiment, top.length));
  await put(context, 'fv_global_resid.pt', globalFile(vector, info));
  await put(context, 'fv_global_resid_meta.json', pythonJson(globalMeta(experiment, top), 2));
  return { top, vector };
}

import { type Picklable, torchFile, vector } from '../../../../ingest/formats/torch/writer.ts';
import type { ModelInfo } from '../../../model/index.ts';
import { float, type PythonValue, pythonJson } from '../../python/json.ts';
import type { HeadScoreName, HeadScores } from '../scores/head-scores.ts';
import { type Experiment, location, samplingOf } from './experiment.ts';

type Sizes = Pick<ModelInfo, 'layers' | 'heads' | 'headDim' | 'hidden'>;

function sizesOf({ heads, headDim, hidden }: Sizes): [string, Picklable][] {
  return [
    ['n_heads', heads],
    ['head_dim', headDim],
    ['resid_dim', hidden],
  ];
}

/** `stepD_mean_acts/*_clean_mean.pt`. @param means `[L, H, d]` @param slot see `trialMetrics` */
export function cleanMeanFile(means: Float32Array, sizes: Sizes, slot: number): Uint8Array {
  const { layers, heads, headDim } = sizes;
  const mean: Picklable = {
    storage: means,
    shape: [layers, heads, headDim],
    strides: [heads * headDim, headDim, 1],
    offset: 0,
  };
  return torchFile(new Map<string, Picklable>([['clean_mean', mean], ['slot_q', slot], ...sizesOf(sizes)]));
}

/** `fv_by_layer.pt` */
export function byLayerFile(
  vectors: ReadonlyMap<number, Float32Array>,
  sizes: Sizes,
  { modelType, alpha }: Experiment,
  chosen: number,
): Uint8Array {
  const byLayer = new Map(
    [...vectors].map(([layer, values]): [number, Picklable] => [layer, vector(values)]),
  );
  return torchFile(
    new Map<string, Picklable>([
      ...sizesOf(sizes),
      ['selected_k', chosen],
      ['alpha_default', { float: alpha }],
      ['model_spec', modelType],
      ['fv_by_layer', byLayer],
    ]),
  );
}

/** `fv_global_resid.pt` */
export function globalFile(values: Float32Array, { heads, headDim, hidden }: Sizes): Uint8Array {
  return torchFile(
    new Map<string, Picklable>([
      ['fv_global_resid', vector(values)],
      ['resid_dim', hidden],
      ['head_dim', headDim],
      ['n_heads', heads],
    ]),
  );
}

/** The chosen heads as documents list them. */
export function headList(heads: readonly HeadScores[], scoreKey: HeadScoreName): PythonValue[] {
  return heads.map(({ layer, head, scores }) => ({
    layer,
    head,
    score_key: scoreKey,
    rank_score: float(scores[scoreKey]),
    mean_delta_logprob: float(scores.mean_delta_logprob),
    mean_delta_p: float(scores.mean_delta_p),
    // The contract takes it from a table that has no such column.
    n_trials: 0,
  }));
}

/** `top_heads.json` */
export function topHeads(experiment: Experiment, heads: readonly HeadScores[]): string {
  const { root, model, modelType, scoreKey, topk } = experiment;
  return pythonJson(
    {
      meta: {
        source_run_id: null,
        stepd_artifacts_dir: root,
        k: topk,
        model,
        model_spec: modelType,
        score_key: scoreKey,
        ...location(root),
        ...samplingOf(experiment),
      },
      heads: headList(heads, scoreKey),
    },
    2,
  );
}

/** What `fv_global_resid_meta.json` says, which the documents of injections repeat. */
export function globalMeta(
  experiment: Experiment,
  heads: readonly HeadScores[],
): Record<string, PythonValue> {
  const { root, model, modelType, scoreKey } = experiment;
  return {
    spec_name: modelType,
    model,
    run_id_stepD: null,
    heads: headList(heads, scoreKey),
    token_position_rule: 't_idx = seq_len - 1 (last token of prefix)',
    ...location(root),
    ...samplingOf(experiment),
  };
}

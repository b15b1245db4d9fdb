import type { InjectionScore } from '../../../../ingest/contracts/fv/injection.ts';
import { isInjectionScore } from '../../../../ingest/families/fv/injection-scores.ts';
import type { ModelInfo } from '../../../model/index.ts';
import { float, floats, type PythonValue, pythonJson } from '../../python/json.ts';
import type { HeadScores } from '../scores/head-scores.ts';
import { accuracy, type InjectedExample } from '../scores/injection-scores.ts';
import { answerText } from '../trials/prompts.ts';
import type { ZeroShotExample } from '../trials/zero-shot.ts';
import { type Experiment, location, samplingOf } from './experiment.ts';
import { globalMeta, headList } from './vector-files.ts';

/** The vector added after the block of one layer, for all examples. */
export interface LayerInjection {
  readonly layer: number;
  readonly examples: readonly (InjectedExample & {
    readonly source: ZeroShotExample;
    readonly targetToken: string;
  })[];
  readonly scores: Readonly<Record<InjectionScore, number>>;
}

export interface InjectionContext {
  readonly experiment: Experiment;
  readonly heads: readonly HeadScores[];
  readonly sizes: Pick<ModelInfo, 'heads' | 'headDim' | 'hidden'>;
  readonly norm: number;
}

/** Directory of a layer's files below the artifacts. */
export function layerDirectory(layer: number): string {
  return `step6/layer_${layer}`;
}

/** Name of the file with everything about a layer; it carries the number of examples there really are. */
export function resultsName({ model }: Experiment, { layer, examples }: LayerInjection): string {
  return `step6_results_${slug(model)}_layer${layer}_n${examples.length}.json`;
}

function slug(model: string): string {
  return model.replace(/[/\\:\0]/g, '_');
}

/** The lines of `eval_trials.jsonl`. */
export function exampleRows({ examples }: Pick<LayerInjection, 'examples'>): Record<string, PythonValue>[] {
  return examples.map(({ source, target, targetToken, base, with: changed }, idx) => {
    const [before, after] = [accuracy(base, target), accuracy(changed, target)];
    return {
      idx,
      q_id: source.qId,
      prompt: source.prompt,
      answer: answerText(source.output),
      target_id: target,
      target_token: targetToken,
      leading_space: true,
      used_id: target,
      used_token: targetToken,
      pred_id_base: base.best,
      pred_id_with: changed.best,
      ...floats({
        accuracy_base: before,
        accuracy_with: after,
        delta_acc: after - before,
        logit_base: base.logit,
        logit_with: changed.logit,
        delta_logit: changed.logit - base.logit,
        logprob_base: base.logprob,
        logprob_with: changed.logprob,
        delta_logprob: changed.logprob - base.logprob,
        p_base: base.p,
        p_with: changed.p,
        delta_p: changed.p - base.p,
      }),
    };
  });
}

function metaOf(context: InjectionContext, { layer, examples }: LayerInjection): Record<string, PythonValue> {
  const { experiment, heads, sizes, norm } = context;
  const { root, model, modelType, scoreKey, seed, evalExamples, alpha, qId, createdAt } = experiment;
  return {
    model,
    model_spec: modelType,
    edit_layer: layer,
    injection_point: 'residual',
    slot: 'query_predictive',
    slot_name: 'query_predictive',
    slot_index_rule: 's=len(tokenize(prefix_str)); slot_index=s-1; target_id=input_ids[s]',
    token_rule: 't_idx = seq_len - 1 (last token of prefix)',
    score_key: scoreKey,
    heads: headList(heads, scoreKey),
    seed,
    n_eval: examples.length,
    requested_n_eval: evalExamples,
    alpha: float(alpha),
    fv_source: 'fv_global_resid',
    fv_type: 'global',
    fv_source_qid: null,
    eval_scope: 'all_qids',
    eval_qids: [qId],
    config: {
      n_heads: sizes.heads,
      head_dim: sizes.headDim,
      resid_dim: sizes.hidden,
      hook_type: 'post',
      hook_target: 'output of the decoder block',
      dtype: experiment.compute,
      device: experiment.provider,
      batch_size: 1,
    },
    fv: { shape: [sizes.hidden], norm: float(norm) },
    fv_meta: globalMeta(experiment, heads),
    timestamp: createdAt,
    ...location(`${root}/${layerDirectory(layer)}`),
    ...samplingOf(experiment),
    // The reference evaluates on the queries that the vector was extracted with.
    eval_queries: 'extraction',
  };
}

/**
 * The files of a layer by name, in the order in which they are to be written: the last one is what tells that the
 * layer is complete.
 */
export function layerFiles(context: InjectionContext, injection: LayerInjection): Map<string, string> {
  const { experiment, norm, sizes } = context;
  const { layer, scores, examples } = injection;
  const { model, modelType, seed, evalExamples, alpha, scoreKey, qId } = experiment;
  const rows = exampleRows(injection);
  const meta = metaOf(context, injection);
  const summary = floats(scores);
  const results = {
    config: {
      model,
      model_spec: modelType,
      edit_layer: layer,
      fv_source: 'fv_global_resid',
      seed,
      n_eval: examples.length,
      requested_n_eval: evalExamples,
      answer_first_token: 'auto',
      alpha: float(alpha),
      dtype: experiment.compute,
      device: experiment.provider,
      batch_size: 1,
      score_key: scoreKey,
      ...samplingOf(experiment),
    },
    fv: { shape: [sizes.hidden], norm: float(norm) },
    summary,
    per_qid: {
      [qId]: {
        n_eval: examples.length,
        acc_base: summary.acc_base,
        acc_with: summary.acc_with,
        delta_acc: summary.delta_acc,
        mean_delta_logit: summary.mean_delta_logit,
        mean_delta_logprob: summary.mean_delta_logprob,
        mean_delta_p: summary.mean_delta_p,
        std_delta_logit: summary.std_delta_logit,
        std_delta_logprob: summary.std_delta_logprob,
        std_delta_p: summary.std_delta_p,
      },
    },
    matrix: { __global__: { [qId]: summary.mean_delta_logprob } },
    metadata: meta,
    results: rows,
  };
  const name = resultsName(experiment, injection);
  return new Map([
    ['eval_trials.jsonl', rows.map((row) => `${pythonJson(row)}\n`).join('')],
    [name.replace('step6_results_', 'metadata_step6_'), pythonJson(meta, 2)],
    [name, pythonJson(results, 2)],
    ['eval_meta.json', pythonJson(meta, 2)],
    ['eval_summary.json', pythonJson(summary, 2)],
  ]);
}

/** `step6/step6_all_layers_summary.json`. @param best the layer with the strictly greatest score */
export function layersSummary(
  experiment: Experiment,
  injections: readonly LayerInjection[],
  best: number | undefined,
): string {
  const { qId, scoreKey, root, createdAt } = experiment;
  const layers = injections.map(({ layer }) => layer);
  // Some scores are of heads only.
  const scoreOf = ({ scores }: LayerInjection) =>
    isInjectionScore(scoreKey) ? float(scores[scoreKey]) : null;
  const winner = injections.find(({ layer }) => layer === best);
  return pythonJson(
    {
      q_id: qId,
      score_key: scoreKey,
      expected_layers: layers,
      completed_layers: layers,
      missing_layers: [],
      best_layer: best ?? null,
      best_score: winner === undefined ? null : scoreOf(winner),
      per_layer: Object.fromEntries(
        injections.map((injection) => {
          const directory = `${root}/${layerDirectory(injection.layer)}`;
          return [
            String(injection.layer),
            {
              layer_dir: directory,
              results_path: `${directory}/${resultsName(experiment, injection)}`,
              eval_summary_path: `${directory}/eval_summary.json`,
              score_key: scoreKey,
              score_value: scoreOf(injection),
            },
          ];
        }),
      ),
      generated_at: createdAt,
      ...samplingOf(experiment),
    },
    2,
  );
}

/** One layer of `stepE_eval.json`: changes of the target's logit. */
export interface HeadSpaceEffect {
  readonly layer: number;
  readonly mean: number;
  readonly std: number;
  readonly anyNonzero: boolean;
}

/**
 * `stepE_eval.json`: what `fv_by_layer` does to the target's logit when it is added to the residual stream of corrupted
 * prompts. Those vectors are outputs of heads before their projection, so this has no meaning; it is kept because the
 * contract has the file.
 */
export function headSpaceEvaluation(
  experiment: Experiment,
  layers: readonly HeadSpaceEffect[],
  overall: Omit<HeadSpaceEffect, 'layer'>,
  count: number,
): string {
  const { root, model, modelType, topk, alpha, seed } = experiment;
  const effect = ({ mean, std, anyNonzero }: Omit<HeadSpaceEffect, 'layer'>) => ({
    mean_delta_logit: float(mean),
    std_delta_logit: float(std),
    any_nonzero: anyNonzero,
  });
  return pythonJson(
    {
      meta: {
        model,
        model_spec: modelType,
        run_id_stepD: null,
        sampled_trials_path: `${root}/sampled_trials.json`,
        k: topk,
        layers: layers.map(({ layer }) => layer),
        alpha: float(alpha),
        n_eval_trials: count,
        seed,
        seq_token_idx: -1,
        measure: 'logit[target_id]',
        ...location(root),
        ...samplingOf(experiment),
      },
      per_layer: Object.fromEntries(layers.map((one) => [String(one.layer), { ...effect(one), n: count }])),
      overall: effect(overall),
    },
    2,
  );
}

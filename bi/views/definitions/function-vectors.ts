import { FV_HEADS, FV_INJECTIONS } from '../../../lake/tables/fv.ts';
import { METRICS, RUNS } from '../../../lake/tables/tables.ts';
import { computed, from, view } from '../view.ts';
import { runColumns } from './runs.ts';

export const HEADS = view({
  name: 'heads',
  description: 'One row an attention head of a function-vector run: its place, its scores, and the run.',
  tables: [RUNS, FV_HEADS],
  columns: [
    ...runColumns(),
    ...[
      'q_id',
      'layer',
      'head',
      'rank',
      'selected',
      'mean_delta_p',
      'std_delta_p',
      'mean_abs_delta_p',
      'mean_p_base',
      'mean_p_patch',
      'mean_delta_logit',
      'mean_delta_logprob',
      'mean_act_norm',
      'dla',
      'dla_clean',
      'n_trials',
      'partial',
    ].map((name) => from('h', FV_HEADS, name)),
  ],
  from: 'FROM fv_heads h JOIN runs r ON r.run_id = h.run_id',
});

/** The overall value of a probe's metric of a layer: the reported one where there is one. */
function ofLayer(metric: string, column: string): string {
  return `arg_max(${column}, source || ' ' || coalesce(split, '')) FILTER (metric = '${metric}')`;
}

const injection = (name: string) => from('l', FV_INJECTIONS, name, { optional: true });

export const LAYERS = view({
  name: 'layers',
  description:
    'One row a layer of a run: the effect of adding the function vector (or a control) there, or how well a probe of that layer tells hallucinations.',
  tables: [RUNS, FV_INJECTIONS, METRICS],
  columns: [
    ...runColumns(),
    computed(
      'layer',
      'INTEGER',
      'l.layer',
      'FV: decoder block, from 0. Probes: 0 is the embedding output, i the output of block i-1.',
    ),
    computed(
      'curve',
      'VARCHAR',
      'l.curve',
      '`probe`, or the vector that was added: `function_vector` or a control (see fv_injections.vector_kind).',
    ),
    ...['q_id', 'query_set', 'draw', 'alpha', 'n_eval'].map(injection),
    ...['acc_base', 'acc_with', 'delta_acc', 'mean_p_base', 'mean_p_with', 'mean_delta_p', 'std_delta_p'].map(
      injection,
    ),
    ...['mean_delta_logit', 'mean_delta_logprob'].map(injection),
    computed('auroc', 'DOUBLE', 'l.auroc', 'Area under the ROC curve of the probe of the layer.'),
    computed('auroc_ci_low', 'DOUBLE', 'l.auroc_ci_low', 'Lower bound of the interval recorded with it.'),
    computed('auroc_ci_high', 'DOUBLE', 'l.auroc_ci_high', 'Upper bound of the interval recorded with it.'),
    computed('auprc', 'DOUBLE', 'l.auprc', 'Average precision of the probe of the layer.'),
  ],
  from: `FROM (
    SELECT * REPLACE (coalesce(query_set, 'extraction') AS query_set),
      coalesce(vector_kind, 'function_vector') AS curve
    FROM fv_injections
    UNION ALL BY NAME
    SELECT run_id, TRY_CAST(substr(scope, 7) AS INTEGER) AS layer, 'probe' AS curve,
      ${ofLayer('auroc', 'value')} AS auroc, ${ofLayer('auroc', 'ci_low')} AS auroc_ci_low,
      ${ofLayer('auroc', 'ci_high')} AS auroc_ci_high, ${ofLayer('auprc', 'value')} AS auprc
    FROM metrics WHERE scope LIKE 'layer:%' AND metric IN ('auroc', 'auprc') GROUP BY run_id, scope
  ) l JOIN runs r ON r.run_id = l.run_id`,
});

import { METRICS, RUNS } from '../../../lake/tables/tables.ts';
import { computed, from, type ViewColumn, view } from '../view.ts';
import { runColumns } from './runs.ts';

/** Metrics of whole runs that are columns, with what they mean. */
const WELL_KNOWN: Readonly<Record<string, string>> = {
  auroc: 'Area under the ROC curve of the hallucination score.',
  auprc: 'Average precision of the hallucination score.',
  fpr_at_95_tpr: 'False positive rate at a true positive rate of 0.95.',
  ece: 'Expected calibration error.',
  accuracy: 'Share of examples whose thresholded prediction is right.',
  f1: 'F1 of the thresholded prediction.',
  halu_rate: 'Share of responses labelled hallucinations.',
  correct_rate: 'Share of responses labelled correct.',
  refusal_rate: 'Share of prompts that the model refused to answer.',
  effective_accuracy: 'Correct answers over all items, invalid ones included (CHAOSBENCH).',
  accuracy_valid: 'Correct answers over valid ones (CHAOSBENCH).',
  balanced_accuracy: 'Mean of the accuracies on the two classes (CHAOSBENCH).',
  mcc: 'Matthews correlation coefficient (CHAOSBENCH).',
  coverage: 'Share of items with a valid answer (CHAOSBENCH).',
  invalid_rate: 'Share of items without one (CHAOSBENCH).',
  mean_latency_s: 'Mean seconds an answer took (CHAOSBENCH).',
  delta_h_per_lr: 'Linear term: change of entropy per unit of learning rate (ENTROPY).',
  vhvv: 'Quadratic term vᵀHv (ENTROPY).',
  aie_max: 'Greatest average indirect effect of a head (FV).',
  aie_sum: 'Sum of the average indirect effects of the heads (FV).',
  best_layer: 'Layer with the greatest effect of the function vector (FV).',
  best_score: 'That effect (FV).',
};

/** The overall value of a metric: the reported one where there is one. */
function overall(metric: string, column: string): string {
  // 'reported' sorts after 'recomputed'; a missing value never wins.
  return `arg_max(${column}, source || ' ' || coalesce(split, '')) FILTER (lower(metric) = '${metric}')`;
}

const VALUES = Object.entries(WELL_KNOWN);
const CI: readonly ViewColumn[] = [
  computed('auroc_ci_low', 'DOUBLE', 'm.auroc_ci_low', 'Lower bound of the interval recorded with auroc.'),
  computed('auroc_ci_high', 'DOUBLE', 'm.auroc_ci_high', 'Upper bound of the interval recorded with auroc.'),
];

export const RUN_METRICS = view({
  name: 'run_metrics',
  description:
    'One row a run: what it is, and its best known metrics as columns. A value is the reported one, else the recomputed one; `metrics` has both, every part of a run and all other names.',
  tables: [RUNS, METRICS],
  columns: [
    ...runColumns(),
    ...[
      'created_at',
      'status',
      'verdict',
      'git_commit',
      'n_generations',
      'n_predictions',
      'n_activations',
    ].map((name) => from('r', RUNS, name)),
    ...VALUES.map(([metric, doc]) => computed(metric, 'DOUBLE', `m.${metric}`, doc)),
    ...CI,
  ],
  from: `FROM runs r LEFT JOIN (
    SELECT run_id, ${VALUES.map(([metric]) => `${overall(metric, 'value')} AS ${metric}`).join(', ')},
      ${overall('auroc', 'ci_low')} AS auroc_ci_low, ${overall('auroc', 'ci_high')} AS auroc_ci_high
    FROM metrics WHERE scope = 'overall' GROUP BY run_id
  ) m ON m.run_id = r.run_id`,
});

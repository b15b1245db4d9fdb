/** Which end of a metric is the good one. */
export type Direction = 'higher' | 'lower';

const HIGHER: ReadonlySet<string> = new Set([
  ...[
    'auroc',
    'auprc',
    'average_precision',
    'accuracy',
    'balanced_accuracy',
    'effective_accuracy',
    'accuracy_valid',
  ],
  ...[
    'acc',
    'acc_norm',
    'acc_with',
    'exact_match',
    'em',
    'f1',
    'f1_macro',
    'precision',
    'recall',
    'tpr',
    'tnr',
    'mcc',
  ],
  ...['coverage', 'correct', 'valid', 'bleu', 'chrf', 'rouge1', 'rouge2', 'rougeL', 'mc1', 'mc2'],
  ...[
    'delta_acc',
    'mean_delta_p',
    'mean_delta_logprob',
    'mean_delta_logit',
    'mean_p_with',
    'mean_logprob_with',
  ],
  ...['mean_logit_with', 'best_score'],
]);
const LOWER: ReadonlySet<string> = new Set([
  ...[
    'ece',
    'brier',
    'nll',
    'loss',
    'fpr',
    'fnr',
    'fpr_at_95_tpr',
    'invalid',
    'invalid_rate',
    'bias_score',
    'ter',
  ],
  ...[
    'perplexity',
    'word_perplexity',
    'byte_perplexity',
    'bits_per_byte',
    'mean_latency_s',
    'sum_latency_s',
    'retried',
  ],
]);

/** The good end of a metric as artifacts name it; undefined where it is a count, a size or anything that is not known. */
export function directionOf(metric: string): Direction | undefined {
  if (HIGHER.has(metric) || /^pass[@_]\d+$/.test(metric)) return 'higher';
  return LOWER.has(metric) ? 'lower' : undefined;
}

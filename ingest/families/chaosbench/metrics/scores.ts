import type { Tally } from './tally.ts';

/** More than this difference of rates is a bias towards a label. */
export const BIAS_SCORE_LIMIT = 0.15;
/** Less than this rate of either class is a bias towards the other. */
export const CLASS_RATE_LIMIT = 0.4;

export type BiasVerdict = 'OK' | 'LABEL-BIASED';

/** The confusion matrix and what follows from it, named as in the audit's `summary.json`; nothing is rounded. */
export interface ConfusionScores {
  readonly tp: number;
  readonly fp: number;
  readonly tn: number;
  readonly fn: number;
  /** Cells of the matrix together. */
  readonly n_valid: number;
  readonly tpr: number;
  readonly tnr: number;
  readonly fpr: number;
  readonly fnr: number;
  readonly balanced_accuracy: number;
  readonly mcc: number;
  readonly gt_true: number;
  readonly gt_false: number;
  readonly pred_true: number;
  readonly pred_false: number;
  readonly gt_true_rate: number;
  readonly pred_true_rate: number;
  readonly bias_score: number;
  readonly label_biased: boolean;
  readonly bias_verdict: BiasVerdict;
  /** `TRUE` when both are predicted equally often. */
  readonly dominant_label: 'TRUE' | 'FALSE';
}

/** How many were answered, and how many of them rightly; named as in `metrics.json`, not rounded. */
export interface AnswerScores {
  readonly total: number;
  readonly valid: number;
  readonly invalid: number;
  readonly correct: number;
  readonly coverage: number;
  readonly invalid_rate: number;
  readonly accuracy_valid: number;
  readonly effective_accuracy: number;
}

/** A share; 0 of nothing. */
function share(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole;
}

/** Rates of a tally; 0 where there is nothing to divide by. */
export function answerScores({ total, valid, correct }: Tally): AnswerScores {
  const coverage = share(valid, total);
  const accuracy = share(correct, valid);
  return {
    total,
    valid,
    invalid: total - valid,
    correct,
    coverage,
    invalid_rate: share(total - valid, total),
    accuracy_valid: accuracy,
    effective_accuracy: coverage * accuracy,
  };
}

/** Matthews correlation coefficient; 0 when a row or column of the matrix is empty. */
function matthews(tp: number, fp: number, tn: number, fn: number): number {
  // The product of four counts can pass 2^53, and a rounded one would show in the last digits.
  const product = BigInt(tp + fp) * BigInt(tp + fn) * BigInt(tn + fp) * BigInt(tn + fn);
  return product === 0n ? 0 : (tp * tn - fp * fn) / Math.sqrt(Number(product));
}

/** Rates are 0 where their class does not occur, so one class alone gives a balanced accuracy of at most 0.5. */
export function confusionScores({ tp, fp, tn, fn, predTrue, predFalse }: Tally): ConfusionScores {
  const n = tp + fp + tn + fn;
  const tpr = share(tp, tp + fn);
  const tnr = share(tn, tn + fp);
  const truthRate = share(tp + fn, n);
  const predictedRate = share(predTrue, n);
  const biasScore = Math.abs(predictedRate - truthRate);
  const biased = biasScore > BIAS_SCORE_LIMIT || (n > 0 && Math.min(tpr, tnr) < CLASS_RATE_LIMIT);
  return {
    tp,
    fp,
    tn,
    fn,
    n_valid: n,
    tpr,
    tnr,
    fpr: share(fp, fp + tn),
    fnr: share(fn, fn + tp),
    balanced_accuracy: (tpr + tnr) / 2,
    mcc: matthews(tp, fp, tn, fn),
    gt_true: tp + fn,
    gt_false: tn + fp,
    pred_true: predTrue,
    pred_false: predFalse,
    gt_true_rate: truthRate,
    pred_true_rate: predictedRate,
    bias_score: biasScore,
    label_biased: biased,
    bias_verdict: biased ? 'LABEL-BIASED' : 'OK',
    dominant_label: predTrue >= predFalse ? 'TRUE' : 'FALSE',
  };
}

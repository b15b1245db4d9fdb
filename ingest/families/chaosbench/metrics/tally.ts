import type { Outcome } from '../../../contracts/chaosbench/prediction.ts';

/** What of an answer counts for the metrics. */
export interface ScoredAnswer {
  readonly ground_truth: string;
  readonly outcome: Outcome;
  readonly correct: boolean | null;
}

/**
 * Counts over the answers of a run, a family or a split. `TRUE` is the positive class. Answers to items whose truth is
 * neither `TRUE` nor `FALSE` are valid and predicted, but in no cell of the confusion matrix.
 */
export interface Tally {
  total: number;
  valid: number;
  correct: number;
  tp: number;
  fp: number;
  tn: number;
  fn: number;
  predTrue: number;
  predFalse: number;
}

/** A tally of no answers. */
export function emptyTally(): Tally {
  return { total: 0, valid: 0, correct: 0, tp: 0, fp: 0, tn: 0, fn: 0, predTrue: 0, predFalse: 0 };
}

/** Counts one answer more. */
export function addAnswer(tally: Tally, { ground_truth: truth, outcome, correct }: ScoredAnswer): void {
  tally.total++;
  if (outcome === 'INVALID') return;
  tally.valid++;
  if (correct === true) tally.correct++;
  if (outcome === 'VALID_TRUE') {
    tally.predTrue++;
    if (truth === 'TRUE') tally.tp++;
    else if (truth === 'FALSE') tally.fp++;
  } else {
    tally.predFalse++;
    if (truth === 'FALSE') tally.tn++;
    else if (truth === 'TRUE') tally.fn++;
  }
}

/** The tallies of a run: of everything, by task family, and by split, each in order of first appearance. */
export interface RunTally {
  readonly overall: Tally;
  readonly families: ReadonlyMap<string, Tally>;
  readonly splits: ReadonlyMap<string, Tally>;
}

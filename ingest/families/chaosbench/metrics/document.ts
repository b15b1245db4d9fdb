import { type ChaosMetrics, UNKNOWN_GROUP } from '../../../contracts/chaosbench/metrics.ts';
import type { PredictionRecord } from '../../../contracts/chaosbench/prediction.ts';
import { pythonRound } from './python-round.ts';
import { answerScores, confusionScores } from './scores.ts';
import { addAnswer, emptyTally, type RunTally, type Tally } from './tally.ts';

/** Decimals of the rates of a whole run in `metrics.json` and in the manifest. */
export const STORED_DECIMALS = 4;

type TalliedAnswer = Pick<PredictionRecord, 'ground_truth' | 'outcome' | 'correct' | 'task_family' | 'split'>;

/** A benchmark has a dozen families; a run with more than this many is nonsense, and they count as unknown. */
const MAX_GROUPS = 1_000;

/** Tallies the answers of a run, one at a time. */
export class RunTallier implements RunTally {
  readonly overall = emptyTally();
  readonly families = new Map<string, Tally>();
  readonly splits = new Map<string, Tally>();

  add(answer: TalliedAnswer): void {
    addAnswer(this.overall, answer);
    addAnswer(groupOf(this.families, answer.task_family), answer);
    addAnswer(groupOf(this.splits, answer.split), answer);
  }
}

function groupOf(groups: Map<string, Tally>, name: string | null): Tally {
  const key = name === null || name === '' ? UNKNOWN_GROUP : name;
  const known = groups.get(key);
  if (known !== undefined) return known;
  if (groups.size >= MAX_GROUPS && key !== UNKNOWN_GROUP) return groupOf(groups, null);
  const tally = emptyTally();
  groups.set(key, tally);
  return tally;
}

/** What `metrics.json` says of a run: rates of the whole rounded, those of families and splits not. */
export function metricsDocument({ overall, families, splits }: RunTally): ChaosMetrics | { total: 0 } {
  if (overall.total === 0) return { total: 0 };
  const round = (value: number): number => pythonRound(value, STORED_DECIMALS);
  const scores = answerScores(overall);
  const confusion = confusionScores(overall);
  return {
    total: scores.total,
    valid: scores.valid,
    invalid: scores.invalid,
    correct: scores.correct,
    coverage: round(scores.coverage),
    invalid_rate: round(scores.invalid_rate),
    accuracy_valid: round(scores.accuracy_valid),
    effective_accuracy: round(scores.effective_accuracy),
    balanced_accuracy: round(confusion.balanced_accuracy),
    mcc: round(confusion.mcc),
    per_family: groupMetrics(families, ({ total, valid, correct, coverage, accuracy_valid }) => ({
      total,
      valid,
      correct,
      coverage,
      accuracy_valid,
    })),
    per_split: groupMetrics(splits, ({ total, valid, accuracy_valid }) => ({ total, valid, accuracy_valid })),
  };
}

function groupMetrics<T>(
  groups: ReadonlyMap<string, Tally>,
  pick: (scores: ReturnType<typeof answerScores>) => T,
): Record<string, T> {
  return Object.fromEntries([...groups].map(([name, tally]) => [name, pick(answerScores(tally))]));
}

import type { AnyChaosManifest } from '../../../../ingest/contracts/chaosbench/run-manifest.ts';
import type {
  AnswerScores,
  ConfusionScores,
  InvalidCategory,
  Tally,
} from '../../../../ingest/families/chaosbench/metrics/index.ts';
import type { Criterion, VerdictFlag } from '../../../../ingest/families/chaosbench/policy/index.ts';

/** One number of the artifacts beside the one that the answers give. */
export interface MetricDifference {
  /** `overall` or `family:…`. */
  readonly scope: string;
  readonly metric: string;
  readonly reported: number;
  readonly recomputed: number;
}

/** What the stored answer texts give when they are parsed again. */
export interface ParsingEvidence {
  readonly compared: number;
  /** Answers whose stored outcome is another one than the text gives, of which some in `examples`. */
  readonly disagreeing: number;
  readonly examples: readonly string[];
  /** Valid answers whose text names both labels. */
  readonly bothLabels: number;
  readonly invalid: Readonly<Record<InvalidCategory, number>>;
}

/** Seconds that answers took. */
export interface LatencyEvidence {
  /** Rows with a latency above zero. */
  readonly timed: number;
  readonly sum: number;
  readonly median: number;
  readonly max: number;
}

/** What the rows of a run say, as far as they are in the lake. */
export interface RowEvidence {
  readonly rows: number;
  readonly tally: Tally;
  /** By task family, in the order of their names. */
  readonly families: ReadonlyMap<string, Tally>;
  /** Rows whose id an earlier row of the run has. */
  readonly duplicateIds: number;
  /** Rows whose `correct` is not whether label and truth agree. */
  readonly wrongCorrect: number;
  /** Rows whose truth is neither TRUE nor FALSE. */
  readonly otherTruth: number;
  /** Rows that name a split, the number of splits, and items that occur in more than one. */
  readonly splitRows: number;
  readonly splits: number;
  readonly itemsInSeveralSplits: number;
  /** Rows whose question another id of the run asks too, and those among them with another truth. */
  readonly repeatedQuestions: number;
  readonly contradictoryQuestions: number;
  /** Items that another run over the same dataset has with another question or truth. */
  readonly conflictingItems: number;
  readonly emptyAnswers: number;
  /** Most empty answers in a row, in the order of the artifact. */
  readonly longestEmptyStreak: number;
  readonly retried: number;
  readonly rescued: number;
  readonly latency: LatencyEvidence;
  readonly parsing: ParsingEvidence;
  /** Numbers of `metrics.json` that the answers do not give. */
  readonly differences: readonly MetricDifference[];
  /**
   * Runs of other models that gave exactly the same answers to the same items; undefined when no run of another model is
   * audited.
   */
  readonly twins: readonly string[] | undefined;
}

/** Scores of one task family; without rows only what the artifacts report. */
export interface FamilyScores extends Omit<AnswerScores, 'invalid' | 'invalid_rate' | 'effective_accuracy'> {
  readonly family: string;
  readonly confusion: ConfusionScores | undefined;
}

/** Rates of a whole run. */
export interface RunScores extends AnswerScores {
  readonly balanced_accuracy: number;
  readonly mcc: number;
}

/** What ingest found in a run. */
export interface IssueCount {
  readonly code: string;
  readonly severity: string;
  readonly count: number;
}

/** A run as it is audited. */
export interface AuditRun {
  /** In the lake. */
  readonly runId: string;
  /** The artifact's own id. */
  readonly id: string;
  /** What the run is called beside the others: its own id, or that in the lake where another run has the same. */
  readonly label: string;
  /** Null for a run without a manifest. */
  readonly provider: string | null;
  readonly model: string;
  readonly status: string;
  readonly verdict: string | null;
  /** Criteria of the policy that are not met. */
  readonly failed: readonly Criterion[];
  readonly flags: readonly VerdictFlag[];
  /** Undefined for a run that was interrupted before it wrote one. */
  readonly manifest: AnyChaosManifest | undefined;
  /** Undefined when neither answers nor metrics are in the lake. */
  readonly scores: RunScores | undefined;
  /** Undefined without rows. */
  readonly confusion: ConfusionScores | undefined;
  /** In the order of their names. */
  readonly families: readonly FamilyScores[];
  /** Undefined for a run whose answers are not in the lake: published without them. */
  readonly evidence: RowEvidence | undefined;
  readonly issues: readonly IssueCount[];
}

/** Whether a run is of the provider that answers without a model. */
export function isMock({ provider }: AuditRun): boolean {
  return provider === 'mock';
}

/** Why a run is not in the paper tables; undefined when it is. */
export function exclusion(run: AuditRun): string | undefined {
  if (isMock(run)) return 'mock provider';
  if (run.manifest === undefined) return 'interrupted: no manifest';
  if (run.verdict !== 'OFFICIAL') return `${run.verdict ?? 'no verdict'}: ${run.failed.join(', ')}`;
  return run.scores === undefined ? 'no metrics and no answers' : undefined;
}

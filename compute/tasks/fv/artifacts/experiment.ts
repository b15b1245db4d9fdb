import type { PythonValue } from '../../python/json.ts';
import type { HeadScoreName } from '../scores/head-scores.ts';
import type { Corruption, Trial } from '../trials/sample.ts';
import type { PromptTokens } from '../trials/targets.ts';

/** What is measured beyond the contract, in files of its own. */
export interface Additions {
  /** Rows that no trial may use. */
  readonly heldOut: number;
  readonly randomVectors: number;
  readonly randomHeads: number;
  readonly otherQuery: boolean;
  readonly distributed: boolean;
  readonly attribution: boolean;
}

/** What the artifacts of a relation query say about how they were made. */
export interface Experiment {
  readonly qId: string;
  /** Directory of the artifacts: a key of the store. */
  readonly root: string;
  readonly model: string;
  readonly modelType: string;
  /** The relation file, as it was named. */
  readonly relationPath: string;
  readonly trials: number;
  readonly demos: number;
  readonly topk: number;
  readonly scoreKey: HeadScoreName;
  readonly alpha: number;
  /** Zero-shot examples asked for. */
  readonly evalExamples: number;
  readonly seed: number;
  readonly corruption: Corruption;
  readonly additions: Additions;
  /** Whether prompts have the tokenizer's special tokens. */
  readonly specialTokens: boolean;
  /** Type of arithmetic, and where it was done. */
  readonly compute: string;
  readonly provider: string;
  /** Of the first attempt, so that one taken up again writes the same bytes. */
  readonly createdAt: string;
}

/** What all relation queries of a job have in common. */
export type RelationExperiment = Omit<Experiment, 'qId' | 'root'>;

/** Directory of a relation query: its artifacts and its log lie below. */
export function queryRoot({ root }: Experiment): string {
  return root.slice(0, root.lastIndexOf('/'));
}

/** A trial with the tokens of its corrupted prompt and of its answer. */
export interface TokenizedTrial {
  readonly trial: Trial;
  readonly prompt: PromptTokens;
  readonly targetToken: string;
}

/** What many documents say of where they are. Nothing is copied to a second place. */
export function location(root: string): Record<string, PythonValue> {
  return { canonical_root: root, sync_root: null, sync_mode: 'none', artifact_profile: 'full' };
}

/** How the trials were drawn, as far as the contract has no words for it: additions of Runlake's to its documents. */
export function samplingOf({
  corruption,
  additions,
}: Pick<Experiment, 'corruption' | 'additions'>): Record<string, PythonValue> {
  const { heldOut } = additions;
  return { corruption, ...(heldOut === 0 ? {} : { held_out_rows: heldOut }) };
}

/** What is measured beyond the contract, as documents say it. */
export function additionsRecord({ additions }: Pick<Experiment, 'additions'>): Record<string, PythonValue> {
  return {
    held_out_rows: additions.heldOut,
    random_vectors: additions.randomVectors,
    random_heads: additions.randomHeads,
    other_query: additions.otherQuery,
    distributed: additions.distributed,
    attribution: additions.attribution,
  };
}

/** Whether anything is. */
export function hasAdditions({ additions }: Experiment): boolean {
  return Object.values(additions).some((value) => value !== false && value !== 0);
}

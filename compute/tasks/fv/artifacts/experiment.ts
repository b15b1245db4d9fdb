import type { HeadScoreName } from '../scores/head-scores.ts';
import type { Corruption, Trial } from '../trials/sample.ts';
import type { PromptTokens } from '../trials/targets.ts';
import type { PythonValue } from './python-json.ts';

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
  /** Whether prompts have the tokenizer's special tokens. */
  readonly specialTokens: boolean;
  /** Type of arithmetic, and where it was done. */
  readonly compute: string;
  readonly provider: string;
  /** Of the first attempt, so that one taken up again writes the same bytes. */
  readonly createdAt: string;
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

/** The key of the documents by which the contract names the kind of corruption: an addition of Runlake's. */
export function corruptionOf({ corruption }: Experiment): Record<string, PythonValue> {
  return { corruption };
}

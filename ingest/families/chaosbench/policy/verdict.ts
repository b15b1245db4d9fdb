import { CANONICAL_SELECTOR } from '../../../contracts/chaosbench/dataset.ts';
import type { AnyChaosManifest } from '../../../contracts/chaosbench/run-manifest.ts';
import { CURRENT_PROMPT_HASH } from './prompt.ts';

/** The criteria of the runs policy, by the manifest's key they are about; a run is official when all are met. */
export const CRITERIA = [
  'canonical_selector',
  'dataset_global_sha256',
  'prompt_hash',
  'max_items',
  'git_commit',
] as const;
export type Criterion = (typeof CRITERIA)[number];

/**
 * What else is worth knowing about a verdict. The first three concern the run; the others say that a criterion could
 * not be met for lack of knowledge.
 */
export const FLAGS = [
  /** The fingerprint is right by the formula in use before 2026-02-20. */
  'sha_matches_legacy_formula',
  /** `max_items` is null, and yet fewer items than the dataset has. */
  'subset_without_max_items',
  /** The mock provider answered; such runs are in no paper table. */
  'mock_provider',
  /** Neither a freeze manifest nor the dataset was found, so no fingerprint can match. */
  'dataset_unknown',
  /** Nothing was found that says which commits are reachable from a tag. */
  'git_tags_unknown',
] as const;
export type VerdictFlag = (typeof FLAGS)[number];

/** Sizes of the documented subsets. */
export const SUBSET_SIZES: readonly number[] = Object.freeze([100, 200, 1000, 5000]);

/** What is known of the project that a run belongs to. */
export interface PolicyKnowledge {
  /** The dataset's fingerprint; undefined when nothing tells it. */
  readonly fingerprint: string | undefined;
  /** The same by the formula without line counts. */
  readonly legacyFingerprint: string | undefined;
  /** Questions in the dataset. */
  readonly totalItems: number | undefined;
  /** Whether the run's commit is reachable from a tag; undefined when nothing tells. */
  readonly commitTagged: boolean | undefined;
}

/** What the verdict is about. */
export type JudgedManifest = Pick<AnyChaosManifest, Criterion | 'total_items_evaluated' | 'provider'>;

/** One criterion, and what was found. */
export interface CriterionResult {
  readonly criterion: Criterion;
  readonly met: boolean;
  readonly detail: string;
}

export interface Verdict {
  readonly verdict: 'OFFICIAL' | 'EXPLORATORY';
  /** Every criterion in the policy's order. */
  readonly criteria: readonly CriterionResult[];
  readonly failed: readonly Criterion[];
  readonly flags: readonly VerdictFlag[];
}

/** Judges a run by the letter of the runs policy. */
export function judge(manifest: JudgedManifest, knowledge: PolicyKnowledge): Verdict {
  const criteria = [
    selectorCriterion(manifest),
    fingerprintCriterion(manifest, knowledge),
    promptCriterion(manifest),
    sizeCriterion(manifest),
    commitCriterion(manifest, knowledge),
  ];
  const failed = criteria.filter(({ met }) => !met).map(({ criterion }) => criterion);
  return {
    verdict: failed.length === 0 ? 'OFFICIAL' : 'EXPLORATORY',
    criteria,
    failed,
    flags: flagsOf(manifest, knowledge),
  };
}

/** `runs.verdict_reasons`: the criteria that failed, then the flags. */
export function verdictReasons({ failed, flags }: Verdict): string[] {
  return [...failed, ...flags];
}

function equality(criterion: Criterion, found: string, expected: string): CriterionResult {
  const met = found === expected;
  return { criterion, met, detail: met ? found : `${found}; expected ${expected}` };
}

function selectorCriterion({ canonical_selector: selector }: JudgedManifest): CriterionResult {
  return equality('canonical_selector', selector, CANONICAL_SELECTOR);
}

function fingerprintCriterion(
  { dataset_global_sha256: stored }: JudgedManifest,
  { fingerprint, legacyFingerprint }: PolicyKnowledge,
): CriterionResult {
  const criterion = 'dataset_global_sha256';
  if (fingerprint === undefined) {
    const detail = `${stored}; no freeze manifest and no dataset to compare it with`;
    return { criterion, met: false, detail };
  }
  const result = equality(criterion, stored, fingerprint);
  if (result.met || stored !== legacyFingerprint) return result;
  return { ...result, detail: `${result.detail}; it matches the formula without line counts` };
}

function promptCriterion({ prompt_hash: hash }: JudgedManifest): CriterionResult {
  return equality('prompt_hash', hash, CURRENT_PROMPT_HASH);
}

function sizeCriterion({ max_items: maxItems }: JudgedManifest): CriterionResult {
  const met = maxItems === null || SUBSET_SIZES.includes(Number(maxItems));
  const detail = met ? String(maxItems) : `${maxItems}; expected null or one of ${SUBSET_SIZES.join(', ')}`;
  return { criterion: 'max_items', met, detail };
}

function commitCriterion(
  { git_commit: commit }: JudgedManifest,
  { commitTagged }: PolicyKnowledge,
): CriterionResult {
  const criterion = 'git_commit';
  if (commit === null) {
    return { criterion, met: false, detail: 'null; expected a commit that is reachable from a tag' };
  }
  if (commitTagged === undefined) {
    return {
      criterion,
      met: false,
      detail: `${commit}; nothing tells which commits are reachable from a tag`,
    };
  }
  const detail = commitTagged ? `${commit} is reachable from a tag` : `${commit} is reachable from no tag`;
  return { criterion, met: commitTagged, detail };
}

function flagsOf(manifest: JudgedManifest, knowledge: PolicyKnowledge): VerdictFlag[] {
  const { fingerprint, legacyFingerprint, totalItems, commitTagged } = knowledge;
  const stored = manifest.dataset_global_sha256;
  const holds: Readonly<Record<VerdictFlag, boolean>> = {
    sha_matches_legacy_formula: stored === legacyFingerprint && stored !== fingerprint,
    subset_without_max_items:
      manifest.max_items === null &&
      totalItems !== undefined &&
      Number(manifest.total_items_evaluated) !== totalItems,
    mock_provider: manifest.provider === 'mock',
    dataset_unknown: fingerprint === undefined,
    git_tags_unknown: manifest.git_commit !== null && commitTagged === undefined,
  };
  return FLAGS.filter((flag) => holds[flag]);
}

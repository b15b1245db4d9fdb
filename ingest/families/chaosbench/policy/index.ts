export {
  datasetFingerprint,
  type FingerprintFile,
  fingerprintFile,
  legacyFingerprint,
} from './fingerprint.ts';
export { CURRENT_PROMPT_HASH, PROMPT_HASHES, promptHash } from './prompt.ts';
export {
  CRITERIA,
  type Criterion,
  type CriterionResult,
  FLAGS,
  type JudgedManifest,
  judge,
  type PolicyKnowledge,
  SUBSET_SIZES,
  type Verdict,
  type VerdictFlag,
  verdictReasons,
} from './verdict.ts';

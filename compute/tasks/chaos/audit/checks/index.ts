import {
  chanceLevel,
  identicalAnswers,
  invalidAnswers,
  labelBias,
  metricErrors,
  parsingAmbiguity,
  retriedAnswers,
  singleClassFamilies,
} from './answers.ts';
import type { Check } from './check.ts';
import { interrupted, outage, throughput } from './operations.ts';
import {
  codeVersion,
  datasetFingerprint,
  ingestIssues,
  mockProvider,
  promptVersion,
  resumed,
  subsetConfusion,
} from './provenance.ts';
import { duplicateIds, leakage, misalignedRows, repeatedQuestions, unknownTruth } from './rows.ts';

export { type CheckOutcome, type CheckResult, type RunFinding, runCheck } from './check.ts';

/** Everything that could have gone wrong, in the order of the checklist. */
export const CHECKS: readonly Check[] = [
  datasetFingerprint,
  subsetConfusion,
  promptVersion,
  codeVersion,
  misalignedRows,
  duplicateIds,
  repeatedQuestions,
  unknownTruth,
  leakage,
  parsingAmbiguity,
  invalidAnswers,
  retriedAnswers,
  outage,
  interrupted,
  resumed,
  labelBias,
  chanceLevel,
  singleClassFamilies,
  metricErrors,
  identicalAnswers,
  throughput,
  mockProvider,
  ingestIssues,
];

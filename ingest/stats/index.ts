export {
  type CalibrationBin,
  calibrationCurve,
  ECE_BINS,
  expectedCalibrationError,
} from './calibration.ts';
export { accuracy, type Confusion, confusion, f1 } from './classification.ts';
export {
  auroc,
  averagePrecision,
  eachThreshold,
  fprAtTpr,
  type RankedScores,
  rankScores,
} from './ranking.ts';
export { logBeta, regularisedBeta } from './special.ts';
export { studentTCdf, studentTPdf, studentTQuantile } from './student-t.ts';
export { mean, type SampleSummary, standardDeviation, sum, summarise } from './summary.ts';

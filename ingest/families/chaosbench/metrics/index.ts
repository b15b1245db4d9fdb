export { metricsDocument, RunTallier, STORED_DECIMALS } from './document.ts';
export { type InvalidCategory, invalidCategory } from './invalid-category.ts';
export { pythonRound } from './python-round.ts';
export {
  type AnswerScores,
  answerScores,
  BIAS_SCORE_LIMIT,
  type BiasVerdict,
  CLASS_RATE_LIMIT,
  type ConfusionScores,
  confusionScores,
} from './scores.ts';
export { addAnswer, emptyTally, type RunTally, type ScoredAnswer, type Tally } from './tally.ts';
export { LOW_SUPPORT, WILSON_Z, wilsonInterval } from './wilson.ts';

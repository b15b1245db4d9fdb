/** Statistics of comparisons and uncertainty; metrics themselves are in `ingest/stats`. */
export {
  type BootstrapEstimate,
  type BootstrapOptions,
  bootstrap,
  type PairedBootstrap,
  pairedBootstrap,
  quantile,
} from './bootstrap.ts';
export { type ClusteredMean, clusteredMean } from './clustered.ts';
export {
  type CrossValidatedAuroc,
  crossValidatedAuroc,
  type JudgedInFolds,
} from './cross-validated-auroc.ts';
export { aurocTest, type DeLongEstimate, delong, type PairedDeLong, pairedDelong } from './delong.ts';
export { benjaminiHochberg, holm } from './multiplicity.ts';
export { erfc, normalCdf, normalQuantile } from './normal.ts';
export {
  binomialCdf,
  mcnemarExact,
  type PairedShares,
  pairedShareInterval,
  wilsonInterval,
} from './proportions.ts';
export { type Random, seededRandom, shuffle } from './random.ts';
export {
  type Ranking,
  type RankMetric,
  rankingOf,
  weightedAuroc,
  weightedAveragePrecision,
} from './rank-metrics.ts';

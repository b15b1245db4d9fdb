import { absolutePath, afterLast } from '../../discovery/path.ts';

/** Directories right below the results of the experiments. */
const EXPERIMENTS = ['diagnostics_run', 'comparison_across_learning_rates', 'CVs_and_gdotv'];

/** Whether a directory lies where the experiments keep their results. */
export function isBelowResults(path: readonly string[]): boolean {
  return path.some((part, i) => part === 'entropy_experiments' && path[i + 1] === 'results');
}

/**
 * The path that identifies a run: below `entropy_experiments/results`, else from the experiment's own directory on,
 * else the group and the run.
 */
export function entropyIdentity(storeUri: string, root: string): string {
  const path = absolutePath(storeUri, root);
  const below = isBelowResults(path) ? afterLast(path, ['entropy_experiments'])?.slice(1) : undefined;
  if (below !== undefined && below.length > 0) return below.join('/');
  const experiment = path.findLastIndex((part) => EXPERIMENTS.includes(part));
  return path.slice(experiment >= 0 && experiment < path.length - 1 ? experiment : -2).join('/');
}

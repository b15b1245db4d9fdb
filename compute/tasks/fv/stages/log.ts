import { isInjectionScore } from '../../../../ingest/families/fv/injection-scores.ts';
import { bestLayer, rankHeads } from '../../../../ingest/families/fv/ranking.ts';
import type { TokenizedTrial } from '../artifacts/experiment.ts';
import type { LayerInjection } from '../artifacts/injection-files.ts';
import { sweepLog } from '../artifacts/sweep-log.ts';
import type { StageContext } from './context.ts';
import type { SweepResult } from './sweep.ts';
import type { VectorResult } from './vectors.ts';

/** The log of the head sweep. */
export async function logStage(
  { experiment, options, inventory, signal }: StageContext,
  trials: readonly TokenizedTrial[],
  { scores }: SweepResult,
): Promise<void> {
  const ranked = rankHeads(scores, (head) => head.scores[experiment.scoreKey]);
  const { reference = false } = options;
  const text = sweepLog({ experiment, trials, ranked, reference });
  await inventory.put('logs/stepD_aie.log', text, signal);
}

/** What was found, in a line for the log of the job. */
export function finding(
  { experiment }: StageContext,
  { top }: VectorResult,
  injections: readonly LayerInjection[],
): string {
  const { qId, scoreKey } = experiment;
  const heads = top
    .slice(0, 3)
    .map(({ layer, head }) => `${layer}.${head}`)
    .join(' ');
  const by = isInjectionScore(scoreKey) ? scoreKey : 'acc_with';
  const best = bestLayer(injections.map(({ layer, scores }) => [layer, scores[by]] as const));
  const { scores } = injections.find(({ layer }) => layer === best) ?? {};
  const share = (value: number) => value.toFixed(2);
  const effect =
    scores === undefined
      ? 'no layer has a score'
      : `accuracy ${share(scores.acc_base)} without the vector, ${share(scores.acc_with)} with it after layer ${best}`;
  return `${qId}: best heads ${heads}; ${effect}`;
}

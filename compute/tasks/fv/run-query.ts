import { explained } from '../../../lake/errors.ts';
import type { ObjectStore } from '../../../lake/store/object-store.ts';
import type { TaskContext } from '../../jobs/worker.ts';
import { queryRoot } from './artifacts/experiment.ts';
import { fingerprintOf } from './checkpoints.ts';
import { damagedArtifacts, Inventory } from './inventory.ts';
import { ineligible } from './relation/relation.ts';
import { attributionStage } from './stages/attribution.ts';
import { type ExperimentModel, layersOf, type StageContext } from './stages/context.ts';
import { evaluationStage } from './stages/evaluation.ts';
import { headSpaceStage } from './stages/head-space.ts';
import { injectionStage } from './stages/injection.ts';
import { finding, logStage } from './stages/log.ts';
import { plotStage } from './stages/plots.ts';
import { sweepStage } from './stages/sweep.ts';
import { trialStage } from './stages/trials.ts';
import { vectorStage } from './stages/vectors.ts';
import type { QueryStatus } from './status.ts';

export interface QueryRun extends Omit<StageContext, 'examined' | 'inventory'> {
  readonly status: QueryStatus;
  readonly log: TaskContext['log'];
}

export type QueryOutcome = 'completed' | 'skipped' | 'unchanged';

/**
 * Takes one relation query from its rows to its artifacts. What an earlier attempt has left is used where its fingerprint is
 * the same: a completed query is not begun again while its artifacts are what was written, a sweep goes on at the head it had
 * reached.
 */
export async function runQuery(
  { status, log, ...run }: QueryRun,
  examined: ExperimentModel,
): Promise<QueryOutcome> {
  const { experiment, relation, store, signal, subset, options } = run;
  const { qId, root, demos, additions } = experiment;
  const facts = fingerprintOf(examined.identity, experiment, subset, options.reference, [
    ...relation.queries,
  ]);
  const directory = queryRoot(experiment);
  if (status.isSettled(facts)) {
    if (status.state === 'skipped') return 'skipped';
    const damaged = await damagedArtifacts(store, directory, facts, signal);
    if (damaged.length === 0) return 'unchanged';
    const some = damaged.slice(0, 5).join(', ');
    const more = damaged.length > 5 ? ` and ${damaged.length - 5} more` : '';
    log('warn', `${qId} was completed, but missing or damaged are now ${some}${more}: it is done again`);
  }
  if (status.state !== 'none' && status.fingerprint !== facts) await removeStale(store, root, signal);
  await status.set('pending', facts, signal);
  const reason = ineligible(relation, qId, { demos, heldOut: additions.heldOut });
  if (reason !== undefined) {
    await status.set('skipped', facts, signal, { reason });
    return 'skipped';
  }
  const inventory = new Inventory(store, directory);
  const context = { ...run, examined, inventory };
  const layers = layersOf(context);
  await status.set('running', facts, signal, { expected_layers: layers });
  try {
    log('info', await runStages(context));
    await inventory.close(facts, signal);
  } catch (error) {
    if (signal.aborted) throw error;
    const message = explained(error);
    await status.set('failed', facts, signal, { reason: message, expected_layers: layers });
    throw error;
  }
  await status.set('completed', facts, signal, { expected_layers: layers, reason: 'all stages completed' });
  return 'completed';
}

/** Each stage writes its files before the next begins. @returns what was found, in a line */
async function runStages(context: StageContext): Promise<string> {
  const trials = await trialStage(context);
  const swept = await sweepStage(context, trials);
  await attributionStage(context, trials, swept);
  await logStage(context, trials, swept);
  const vectors = await vectorStage(context, swept);
  await headSpaceStage(context, trials, swept, vectors);
  const injections = await injectionStage(context, trials, vectors);
  const evaluations = await evaluationStage(context, trials, swept, vectors);
  await plotStage(context, swept, vectors, injections, evaluations);
  return finding(context, vectors, injections);
}

/** Artifacts of other settings would be taken for those of these; the checkpoints tell by themselves. */
async function removeStale(store: ObjectStore, root: string, signal: AbortSignal): Promise<void> {
  const keys: string[] = [];
  for await (const { key } of store.list({ prefix: `${root}/`, signal })) {
    const name = key.slice(root.length + 1);
    if (!name.startsWith('_resume/') && name !== 'qid_status.json') keys.push(key);
  }
  await store.delete(keys, { signal });
}

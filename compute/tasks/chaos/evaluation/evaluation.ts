import { z } from 'zod';
import { CHECKPOINT_FILE } from '../../../../ingest/families/chaosbench/files.ts';
import { CancelledError, messageOf } from '../../../../lake/errors.ts';
import { NothingToDoError, type TaskContext } from '../../../jobs/worker.ts';
import { ingestResults } from '../../contract-run/ingest-results.ts';
import { acceptFailures } from '../../parts/answer-all.ts';
import { removeParts } from '../../parts/parts.ts';
import { jobPrefix, type TaskDefinition, type TaskServices } from '../../task.ts';
import { modelIdOf } from '../../text-model/model-spec.ts';
import { type Asked, type Asking, answeredSoFar, askAll, recordsOf } from './ask.ts';
import { basisOf, beginning, doneKey } from './beginning.ts';
import { readDataset, textIn } from './dataset.ts';
import { commitOf, describeProject } from './describe-project.ts';
import { type ChaosEvalSpec, chaosEvalSpec } from './evaluation-spec.ts';
import { ROUNDS } from './models.ts';
import { PROMPTS_FILE, resolvePrompt } from './prompt.ts';
import { recordLine } from './record.ts';
import { selectItems } from './select.ts';
import { workersFor } from './workers.ts';
import { type FinishedRun, writeRun } from './write-run.ts';

const doneSchema = z.object({
  root: z.string(),
  items: z.int(),
  valid: z.int(),
  correct: z.int(),
  errors: z.int(),
});
type Done = z.infer<typeof doneSchema>;

/** Evaluates a model on ChaosBench-Logic, or on other questions of its format, and puts the run into the lake. */
export const chaosEvaluationTask: TaskDefinition<ChaosEvalSpec> = {
  kind: 'chaos_eval',
  doc: 'Evaluates a model on a ChaosBench-Logic dataset (true or false questions), and puts the run with its verdict into the lake.',
  spec: chaosEvalSpec,

  async run(spec, context, services) {
    const { job, signal, progress } = context;
    const { store } = services;
    const prefix = jobPrefix(job.id);
    const known = await documentAt(store, doneKey(job.id), signal);
    const done = known === undefined ? await evaluate(spec, context, services) : doneSchema.parse(known);
    progress({ stage: 'ingest', done: 0 });
    const runIds = await ingestResults(services, `${prefix}/runs`, signal);
    await removeParts(store, answersPrefix(job.id), signal);
    return { runIds, ...done };
  },
};

/** Where the answers of a job are until its run is in the lake. */
const answersPrefix = (jobId: string): string => `${jobPrefix(jobId)}/answers/`;

/** Asks what is left to ask, and writes the run. */
async function evaluate(spec: ChaosEvalSpec, context: TaskContext, services: TaskServices): Promise<Done> {
  const { job, signal, progress, log } = context;
  const { store } = services;
  progress({ stage: 'read', done: 0 });
  const dataset = await readDataset(spec.dataset, services, signal);
  const items = selectItems(dataset.items, spec);
  if (items.length === 0) throw new NothingToDoError('NO_ITEMS', 'the dataset has no items');
  const { project } = dataset;
  const source = project && (await textIn(project.tree, PROMPTS_FILE, signal));
  const prompt = resolvePrompt(spec.prompt ?? {}, source);
  const commit = spec.gitCommit ?? (await commitOf(dataset));
  const begun = await beginning(job, spec, basisOf(spec, dataset, prompt), commit, store, signal);
  log('info', `${begun.run_id}: prompt ${prompt.version} (${prompt.hash}), dataset ${dataset.sha256}`);
  const asking: Asking = { spec, items, prompt, workers: workersOf(spec), prefix: answersPrefix(job.id) };
  const isResumed = await takeUp(spec, asking.prefix, store, signal);
  const root = `${jobPrefix(job.id)}/runs/${begun.path}`;
  let asked: Asked;
  try {
    asked = await askAll(asking, context, services);
    const done = { size: asked.answers.size, failures: asked.failures };
    acceptFailures(done, items.length, spec.errorTolerance, context);
  } catch (error) {
    await leaveCheckpoint(`${root}/${CHECKPOINT_FILE}`, asking, context, store);
    throw error;
  }
  progress({ stage: 'write', done: 0 });
  await describeProject(dataset, begun, jobPrefix(job.id), store, signal);
  const run: FinishedRun = {
    begun,
    asked,
    asking,
    resumedFrom: begun.resumed_from ?? (isResumed ? begun.run_id : null),
  };
  const written = await writeRun(root, run, store, signal);
  const result = { root, ...written, errors: items.length - asked.answers.size };
  await store.put(doneKey(job.id), Buffer.from(`${JSON.stringify(result)}\n`), { signal });
  return result;
}

function workersOf({ model, workers }: ChaosEvalSpec): number {
  if (workers !== undefined) return workers;
  return model.backend === 'openai' ? workersFor(modelIdOf(model)) : 1;
}

/**
 * Makes the answers of the job that this one goes on with its own; they come before those of every attempt.
 * @returns whether there is something to go on with
 */
async function takeUp(
  { resume }: ChaosEvalSpec,
  prefix: string,
  store: TaskServices['store'],
  signal: AbortSignal,
): Promise<boolean> {
  if (resume !== undefined) {
    for (const round of ROUNDS) {
      const theirs = `${answersPrefix(resume)}${round}/`;
      for await (const { key } of store.list({ prefix: theirs, signal })) {
        const name = `${prefix}${round}/00000-${key.slice(theirs.length)}`;
        await store.putIfAbsent(name, await store.get(key, { signal }), { signal });
      }
    }
  }
  for await (const _ of store.list({ prefix, signal })) return true;
  return false;
}

/** Leaves what an interrupted run of the benchmark leaves: the records so far, for those who look. The answers are what counts. */
async function leaveCheckpoint(
  key: string,
  asking: Asking,
  { signal, log }: TaskContext,
  store: TaskServices['store'],
): Promise<void> {
  const { reason } = signal;
  // Whoever has the job now writes its own.
  if (reason instanceof CancelledError && reason.cause === 'lost') return;
  try {
    const soon = AbortSignal.timeout(5_000);
    const lines = [...recordsOf(await answeredSoFar(asking, store, soon), asking)].map(recordLine);
    if (lines.length > 0) await store.put(key, Buffer.from(lines.join('')), { signal: soon });
  } catch (error) {
    log('warn', `no ${CHECKPOINT_FILE} was written: ${messageOf(error)}`);
  }
}

async function documentAt(store: TaskServices['store'], key: string, signal: AbortSignal): Promise<unknown> {
  if ((await store.head(key, { signal })) === undefined) return undefined;
  return JSON.parse(Buffer.from(await store.get(key, { signal })).toString('utf8'));
}

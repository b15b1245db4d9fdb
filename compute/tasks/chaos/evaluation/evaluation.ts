import { z } from 'zod';
import { CANONICAL_SELECTOR, FREEZE_MANIFEST } from '../../../../ingest/contracts/chaosbench/dataset.ts';
import { metricsSchema } from '../../../../ingest/contracts/chaosbench/metrics.ts';
import { TAGGED_COMMITS_FILE } from '../../../../ingest/contracts/chaosbench/tagged-commits.ts';
import {
  CHECKPOINT_FILE,
  MANIFEST_FILE,
  METRICS_FILE,
  PREDICTIONS_FILE,
  SUMMARY_FILE,
} from '../../../../ingest/families/chaosbench/files.ts';
import { metricsDocument, RunTallier } from '../../../../ingest/families/chaosbench/metrics/index.ts';
import { Projects } from '../../../../ingest/families/chaosbench/project/knowledge.ts';
import { commitOfRepository } from '../../../../ingest/families/chaosbench/project/tagged-commits.ts';
import { CancelledError, messageOf } from '../../../../lake/errors.ts';
import { NothingToDoError, type TaskContext } from '../../../jobs/worker.ts';
import { ingestResults } from '../../contract-run/ingest-results.ts';
import { acceptFailures } from '../../parts/answer-all.ts';
import { jobPrefix, type TaskDefinition, type TaskServices } from '../../task.ts';
import { modelIdOf } from '../../text-model/model-spec.ts';
import { type Asked, type Asking, answeredSoFar, askAll, ROUNDS, recordsOf } from './ask.ts';
import { type Beginning, basisOf, beginning, doneKey, providerOf } from './beginning.ts';
import { type Dataset, readDataset, textIn } from './dataset.ts';
import { manifestText, metricsText, summaryText } from './documents.ts';
import { type ChaosEvalSpec, chaosEvalSpec } from './evaluation-spec.ts';
import { PROMPTS_FILE, resolvePrompt } from './prompt.ts';
import { recordLine } from './record.ts';
import { selectItems } from './select.ts';
import { workersFor } from './workers.ts';

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
    await deleteBelow(store, answersPrefix(job.id), signal);
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
  const { project } = dataset;
  const source = project && (await textIn(project.tree, PROMPTS_FILE, signal));
  const prompt = resolvePrompt(spec.prompt ?? {}, source);
  const commit = spec.gitCommit ?? (await commitOf(dataset));
  const begun = await beginning(job, spec, basisOf(spec, dataset, prompt), commit, store, signal);
  log('info', `${begun.run_id}: prompt ${prompt.version} (${prompt.hash}), dataset ${dataset.sha256}`);
  const items = selectItems(dataset.items, spec);
  if (items.length === 0) throw new NothingToDoError('NO_ITEMS', 'the dataset has no items');
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

/** The benchmark's commit: what is evaluated with, its dataset and prompts, comes from there. */
async function commitOf({ project }: Dataset): Promise<string | null> {
  if (project === undefined) return null;
  const { store, prefix } = project.tree;
  const isCheckout = (await store.head(`${prefix}/.git`)) ?? (await store.head(`${prefix}/.git/HEAD`));
  const directory = store.localPath(prefix);
  if (isCheckout === undefined || directory === undefined) return null;
  return (await commitOfRepository(directory)) ?? null;
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
  const has = async (): Promise<boolean> => {
    for await (const _ of store.list({ prefix, signal })) return true;
    return false;
  };
  if (resume === undefined || (await has())) return has();
  for (const round of ROUNDS) {
    const theirs = `${answersPrefix(resume)}${round}/`;
    for await (const { key } of store.list({ prefix: theirs, signal })) {
      const name = `${prefix}${round}/00000-${key.slice(theirs.length)}`;
      await store.putIfAbsent(name, await store.get(key, { signal }), { signal });
    }
  }
  return has();
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

/**
 * Puts beside the run what its verdict is judged by: the selector, the frozen dataset (or what the files give, where nothing
 * was frozen), and whether the commit is tagged.
 */
async function describeProject(
  { project, files, sha256, selector }: Dataset,
  { git_commit: commit }: Beginning,
  prefix: string,
  store: TaskServices['store'],
  signal: AbortSignal,
): Promise<void> {
  if (project === undefined) return;
  const { tree } = project;
  const { commitTagged } = await Projects.of(tree).knowledge(`${tree.prefix}/runs/this`, commit, signal);
  const found = {
    canonical_selector: selector,
    canonical_files: files,
    canonical_total_questions: files.reduce((sum, { count }) => sum + Number(count), 0),
    global_sha256: sha256,
  };
  const documents: Record<string, string | undefined> = {
    [CANONICAL_SELECTOR]: project.selector,
    [FREEZE_MANIFEST]: project.freeze ?? `${JSON.stringify(found, null, 2)}\n`,
    [TAGGED_COMMITS_FILE]:
      commitTagged === undefined ? undefined : JSON.stringify({ tagged: commitTagged ? [commit] : [] }),
  };
  for (const [path, text] of Object.entries(documents))
    if (text !== undefined) await store.put(`${prefix}/${path}`, Buffer.from(text), { signal });
}

interface FinishedRun {
  readonly begun: Beginning;
  readonly asked: Asked;
  readonly asking: Asking;
  readonly resumedFrom: string | null;
}

/** Writes the files of a run; the manifest, which says that it is complete, comes last. */
async function writeRun(
  root: string,
  { begun, asked, asking, resumedFrom }: FinishedRun,
  store: TaskServices['store'],
  signal: AbortSignal,
): Promise<Pick<Done, 'items' | 'valid' | 'correct'>> {
  const { spec, workers } = asking;
  const tallier = new RunTallier();
  const lines: string[] = [];
  for (const record of recordsOf(asked, asking)) {
    tallier.add(record);
    lines.push(recordLine(record));
  }
  const metrics = metricsSchema.parse(metricsDocument(tallier));
  const { dataset, prompt, selection } = begun;
  const provider = providerOf(spec);
  const manifest = manifestText(
    {
      run_id: begun.run_id,
      created_utc: new Date().toISOString().replace('Z', '000+00:00'),
      provider,
      prompt_version: prompt.version,
      prompt_hash: prompt.hash,
      dataset_global_sha256: dataset.sha256,
      canonical_selector: dataset.selector,
      total_items_evaluated: lines.length,
      max_items: selection.max_items,
      seed: selection.seed,
      retries: spec.retries,
      strict_parsing: spec.parsing === 'strict',
      workers,
      order_mode: selection.shuffle_seed === null ? 'canonical' : 'shuffled',
      shuffle_seed: selection.shuffle_seed,
      git_commit: begun.git_commit,
      // There is no Python here.
      python_version: `none (node ${process.versions.node})`,
      resumed_from: resumedFrom,
    },
    metrics,
  );
  const files: Readonly<Record<string, string>> = {
    [PREDICTIONS_FILE]: lines.join(''),
    [METRICS_FILE]: metricsText(metrics),
    [SUMMARY_FILE]: summaryText(begun.run_id, provider, metrics),
    [MANIFEST_FILE]: manifest,
  };
  await store.delete([`${root}/${CHECKPOINT_FILE}`], { signal });
  for (const [name, text] of Object.entries(files))
    await store.put(`${root}/${name}`, Buffer.from(text), { signal });
  const { total, valid, correct } = tallier.overall;
  return { items: total, valid, correct };
}

async function documentAt(store: TaskServices['store'], key: string, signal: AbortSignal): Promise<unknown> {
  if ((await store.head(key, { signal })) === undefined) return undefined;
  return JSON.parse(Buffer.from(await store.get(key, { signal })).toString('utf8'));
}

async function deleteBelow(store: TaskServices['store'], prefix: string, signal: AbortSignal): Promise<void> {
  const keys: string[] = [];
  for await (const { key } of store.list({ prefix, signal })) keys.push(key);
  await store.delete(keys, { signal });
}

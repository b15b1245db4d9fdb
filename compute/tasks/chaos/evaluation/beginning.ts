import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import type { ObjectStore } from '../../../../lake/store/object-store.ts';
import type { Job } from '../../../jobs/job.ts';
import { PermanentTaskError } from '../../../jobs/worker.ts';
import { writtenOnce } from '../../contract-run/provenance.ts';
import { jobPrefix } from '../../task.ts';
import { modelIdOf } from '../../text-model/model-spec.ts';
import type { Dataset } from './dataset.ts';
import type { ChaosEvalSpec } from './evaluation-spec.ts';
import type { Prompt } from './prompt.ts';

/** What answers depend on: a run goes on only where all of it is the same. */
const basisSchema = z.object({
  dataset: z.object({ selector: z.string(), sha256: z.string(), items: z.int() }),
  selection: z.object({
    max_items: z.int().nullable(),
    seed: z.int(),
    shuffle_seed: z.int().nullable(),
  }),
  prompt: z.object({
    version: z.string(),
    hash: z.string(),
    system: z.string(),
    template: z.string(),
    reprompt: z.string(),
  }),
  model: z.object({
    provider: z.string(),
    backend: z.string(),
    chat: z.boolean().nullable(),
    temperature: z.number(),
    max_tokens: z.int(),
    stop: z.array(z.string()),
  }),
});
export type Basis = z.infer<typeof basisSchema>;

const beginningSchema = basisSchema.extend({
  run_id: z.string(),
  /** Of the run's directory, below `runs`. */
  path: z.string(),
  git_commit: z.string().nullable(),
  /** The run that another job began. */
  resumed_from: z.string().nullable(),
});

/** What the first attempt of a job fixed for all later ones. */
export type Beginning = z.infer<typeof beginningSchema>;

/** What answers depend on: answers of another basis are not gone on from. */
export function basisOf(
  spec: ChaosEvalSpec,
  { selector, sha256, items }: Pick<Dataset, 'selector' | 'sha256' | 'items'>,
  prompt: Prompt,
): Basis {
  const { model, chat = null, temperature, maxTokens, stop } = spec;
  return {
    dataset: { selector, sha256, items: items.length },
    selection: {
      max_items: spec.maxItems ?? null,
      seed: spec.seed,
      shuffle_seed: spec.shuffleSeed ?? null,
    },
    prompt: { ...prompt },
    model: {
      provider: providerOf(spec),
      backend: model.backend,
      chat,
      temperature,
      max_tokens: maxTokens,
      stop: [...stop],
    },
  };
}

/** `provider` of a manifest: `<provider>/<model>`, or `mock`. */
export function providerOf({ model, provider }: Pick<ChaosEvalSpec, 'model' | 'provider'>): string {
  return model.backend === 'mock' ? 'mock' : `${provider ?? model.backend}/${modelIdOf(model)}`;
}

/**
 * The beginning of a job's run: the first attempt writes it to the store, later ones read it.
 * @throws PermanentTaskError when what answers depend on is not what it was, or the name of the run is taken
 */
export async function beginning(
  { id }: Pick<Job, 'id'>,
  spec: ChaosEvalSpec,
  basis: Basis,
  gitCommit: string | null,
  store: ObjectStore,
  signal: AbortSignal,
): Promise<Beginning> {
  const begun = await writtenOnce(store, beginningKey(id), beginningSchema, signal, async () => {
    const earlier =
      spec.resume === undefined ? undefined : await earlierBeginning(spec.resume, store, signal);
    if (earlier !== undefined)
      requireSame(earlier, basis, `job ${spec.resume}`, 'give the same again, or leave `resume` out');
    const named = await nameRun(id, spec, store, signal);
    return { ...named, ...basis, git_commit: gitCommit, resumed_from: earlier?.run_id ?? null };
  });
  requireSame(begun, basis, 'this job', 'put it back and retry the job, or launch a new evaluation');
  return begun;
}

function beginningKey(jobId: string): string {
  return `${jobPrefix(jobId)}/beginning.json`;
}

/** The beginning of another job. @throws PermanentTaskError when it has none, or its run is complete */
async function earlierBeginning(jobId: string, store: ObjectStore, signal: AbortSignal): Promise<Beginning> {
  const key = beginningKey(jobId);
  const parsed =
    (await store.head(key, { signal })) === undefined
      ? undefined
      : beginningSchema.safeParse(JSON.parse(Buffer.from(await store.get(key, { signal })).toString('utf8')));
  if (parsed?.success !== true) {
    throw new PermanentTaskError(
      'NOTHING_TO_RESUME',
      `job ${jobId} has begun no ChaosBench evaluation in this store; expected one that failed or was cancelled`,
    );
  }
  if ((await store.head(doneKey(jobId), { signal })) !== undefined) {
    throw new PermanentTaskError(
      'NOTHING_TO_RESUME',
      `the run ${parsed.data.run_id} of job ${jobId} is complete; leave \`resume\` out for another`,
    );
  }
  return parsed.data;
}

/** Written when the files of a job's run are complete. */
export function doneKey(jobId: string): string {
  return `${jobPrefix(jobId)}/done.json`;
}

/** @throws PermanentTaskError that names every difference */
function requireSame(before: Basis, now: Basis, who: string, remedy: string): void {
  const parts = (['dataset', 'selection', 'prompt', 'model'] as const).filter(
    (part) => !isDeepStrictEqual(before[part], now[part]),
  );
  if (parts.length === 0) return;
  const details = parts.flatMap((part) => leafDifferences(part, before[part], now[part]));
  throw new PermanentTaskError(
    'RESUME_REFUSED',
    `${who} began with another ${parts.join(' and ')}: ${details.join('; ')}; answers of both cannot be one run: ${remedy}`,
  );
}

function leafDifferences(name: string, before: object, now: object): string[] {
  const values = new Map<string, unknown>(Object.entries(now));
  return Object.entries(before).flatMap(([key, value]: [string, unknown]) =>
    isDeepStrictEqual(value, values.get(key))
      ? []
      : [`${name} ${key} was ${JSON.stringify(value)}, is ${JSON.stringify(values.get(key))}`],
  );
}

/**
 * Names the run as the benchmark does, by the second and the model. Two runs never get one name: a name is claimed in the
 * store, and a run whose second is taken gets the next.
 */
async function nameRun(
  jobId: string,
  spec: ChaosEvalSpec,
  store: ObjectStore,
  signal: AbortSignal,
): Promise<Pick<Beginning, 'run_id' | 'path'>> {
  for (let at = Date.now(); ; at += 1000) {
    const run_id = spec.runId ?? defaultName(at, providerOf(spec));
    const path = spec.label === undefined ? run_id : `${spec.label}/${run_id}`;
    const key = `jobs/names/chaosbench/${path}`;
    const isOurs =
      (await store.putIfAbsent(key, Buffer.from(jobId), { signal })) ||
      Buffer.from(await store.get(key, { signal })).toString('utf8') === jobId;
    if (isOurs) return { run_id, path };
    if (spec.runId !== undefined) {
      throw new PermanentTaskError(
        'RUN_ID_TAKEN',
        `another job has made the run ${path}; expected another runId or label`,
      );
    }
  }
}

/** `20260220T104105Z_ollama_llama3.1:8b` */
function defaultName(startedAt: number, provider: string): string {
  const second = new Date(startedAt).toISOString().replace(/[-:]|\.\d+/g, '');
  return `${second}_${provider.replaceAll('/', '_')}`;
}

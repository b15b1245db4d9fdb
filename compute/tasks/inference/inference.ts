import { z } from 'zod';
import type { JsonValue } from '../../../ingest/contracts/json-value.ts';
import { NothingToDoError, type TaskContext } from '../../jobs/worker.ts';
import { ingestResults } from '../contract-run/ingest-results.ts';
import { jobStart } from '../contract-run/provenance.ts';
import { acceptFailures, answerAll } from '../parts/answer-all.ts';
import { checkSameModel, Parts, removeParts } from '../parts/parts.ts';
import { requireShards, splitShards } from '../shards.ts';
import { jobPrefix, type TaskDefinition, type TaskServices } from '../task.ts';
import type { CaptureWish } from '../text-model/onnx/onnx-model.ts';
import { openTextModel } from '../text-model/open-model.ts';
import { type Answered, type Assembled, assembleRun } from './assemble.ts';
import { type InferenceSpec, inferenceSpec } from './inference-spec.ts';
import { itemsOf, requestOf } from './items.ts';
import { jobRows, storedRows, withMadeQuestions, withQuestions } from './rows.ts';

const doneSchema = z.object({
  root: z.string(),
  examples: z.int(),
  errors: z.int(),
  tokens: z.number(),
});

/** Answers prompts with a model and puts the run into the lake. */
export const inferenceTask: TaskDefinition<InferenceSpec> = {
  kind: 'inference',
  doc: 'Answers prompts with a model, records activations if wanted, labels the responses, and puts the run into the lake.',
  spec: inferenceSpec,

  split: splitShards,

  async run(spec, context, services) {
    if (spec.merge !== undefined)
      return finish(spec, context, services, () => shardResults(spec, services, context.signal));
    if (spec.shard === undefined)
      return finish(spec, context, services, async () => [await answered(spec, context, services)]);
    const { items, parts } = await answered(spec, context, services);
    return { examples: items.length, errors: items.length - parts.size, tokens: parts.tokens };
  },
};

/** Where the answers of a job are. */
const answerPrefix = (jobId: string): string => `${jobPrefix(jobId)}/parts/`;

async function answered(
  spec: InferenceSpec,
  context: TaskContext,
  services: TaskServices,
): Promise<Answered> {
  const { job, signal } = context;
  const source = await jobRows(spec, job.id, services, signal);
  const { rows, checks } = await withQuestions(source, spec, context, services);
  const items = itemsOf(rows, spec);
  // A shard may well have nothing to do: there are more of them than rows.
  if (spec.shard === undefined) requireItems([{ items }]);
  const parts = await answerAll(
    {
      stage: 'generate',
      services,
      prefix: answerPrefix(job.id),
      requests: items.map((item) => requestOf(item, spec)),
      options: spec,
      vectors: spec.activationType,
      open: () => openTextModel(spec.model, captureWish(spec), services, signal),
    },
    context,
  );
  acceptFailures(parts, items.length, spec.errorTolerance, context);
  return { items, parts, checks: [...checks, ...parts.checks] };
}

function requireItems(all: readonly Pick<Answered, 'items'>[]): void {
  if (all.every(({ items }) => items.length === 0))
    throw new NothingToDoError('NO_ROWS', 'there is no row to answer');
}

function captureWish({
  capture,
  layers,
  sequence,
  tokenSelector,
  lastLayer,
}: InferenceSpec): CaptureWish | undefined {
  if (!capture) return undefined;
  return {
    layers: layers ?? 'all',
    lastLayer,
    ...(sequence !== 'response' && tokenSelector !== 'answer' && { prompt: tokenSelector }),
    ...(sequence !== 'prompt' && { response: tokenSelector }),
  };
}

/** The answers of all shards, in the order of the rows. */
async function shardResults(
  { merge = [], ...spec }: InferenceSpec,
  services: TaskServices,
  signal: AbortSignal,
): Promise<Answered[]> {
  await requireShards(merge, 'inference', services.store, signal);
  const results: Answered[] = [];
  for (const id of merge) {
    const rows = await storedRows(id, services, signal);
    const { rows: asked, checks } = await withMadeQuestions(rows, spec, id, services, signal);
    const parts = await Parts.read(services.store, answerPrefix(id), signal);
    const [known] = results.flatMap(({ parts }) => parts.header ?? []);
    if (known !== undefined && parts.header !== undefined) checkSameModel(known, parts.header);
    results.push({ items: itemsOf(asked, spec), parts, checks: [...checks, ...parts.checks] });
  }
  requireItems(results);
  return results;
}

/** Puts the run together and into the lake. The answers may go when it is there. */
async function finish(
  spec: InferenceSpec,
  context: TaskContext,
  services: TaskServices,
  collect: () => Promise<readonly Answered[]>,
): Promise<JsonValue> {
  const { job, signal, progress } = context;
  const { store } = services;
  const prefix = jobPrefix(job.id);
  const doneKey = `${prefix}/done.json`;
  let done: Assembled;
  if ((await store.head(doneKey, { signal })) === undefined) {
    const start = await jobStart(store, job.id, spec.date, signal);
    const answered = await collect();
    progress({ stage: 'assemble', done: 0 });
    done = await assembleRun({ store, prefix, jobId: job.id, spec, start, answered, signal });
    await store.put(doneKey, Buffer.from(`${JSON.stringify(done)}\n`), { signal });
  } else {
    done = doneSchema.parse(JSON.parse(Buffer.from(await store.get(doneKey, { signal })).toString('utf8')));
  }
  progress({ stage: 'ingest', done: 0 });
  const runIds = await ingestResults(services, `${prefix}/runs`, signal);
  for (const id of spec.merge ?? [job.id]) await removeParts(store, answerPrefix(id), signal);
  const { examples, errors, tokens, root } = done;
  return { runIds, examples, errors, tokens, root };
}

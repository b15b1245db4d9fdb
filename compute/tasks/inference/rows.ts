import { z } from 'zod';
import { isJsonObject, type JsonObject } from '../../../ingest/contracts/json-value.ts';
import type { ModelCheck } from '../../../ingest/contracts/model-check.ts';
import { parseJson } from '../../../ingest/formats/json/parse.ts';
import { jsonText } from '../../../ingest/run-files/json-text.ts';
import type { TaskContext } from '../../jobs/worker.ts';
import { acceptFailures, answerAll } from '../parts/answer-all.ts';
import { Parts } from '../parts/parts.ts';
import { shardRange } from '../shards.ts';
import { readRows } from '../source/rows.ts';
import { parseTemplate } from '../source/template.ts';
import { jobPrefix, type TaskServices } from '../task.ts';
import { openTextModel } from '../text-model/open-model.ts';
import type { InferenceSpec } from './inference-spec.ts';

/**
 * The rows of a job, by their position. The first attempt reads the source and keeps the rows in the store: the source may
 * change, or lie on the machine of one worker only.
 */
export async function jobRows(
  spec: InferenceSpec,
  jobId: string,
  services: TaskServices,
  signal: AbortSignal,
): Promise<ReadonlyMap<number, JsonObject>> {
  const { store } = services;
  const key = `${jobPrefix(jobId)}/rows.jsonl`;
  if ((await store.head(key, { signal })) === undefined) {
    const rows = await sourceRows(spec, services, signal);
    await store.putIfAbsent(key, Buffer.from(rows.map((row) => `${jsonText(row)}\n`).join('')), { signal });
  }
  return storedRows(jobId, services, signal);
}

/** The rows that a job has kept. */
export async function storedRows(
  jobId: string,
  { store }: Pick<TaskServices, 'store'>,
  signal: AbortSignal,
): Promise<Map<number, JsonObject>> {
  const text = Buffer.from(await store.get(`${jobPrefix(jobId)}/rows.jsonl`, { signal })).toString('utf8');
  const rows = new Map<number, JsonObject>();
  for (const line of text.split('\n')) {
    if (line === '') continue;
    const { value } = parseJson(line);
    if (isJsonObject(value)) rows.set(rows.size, value);
  }
  return rows;
}

async function sourceRows(
  spec: InferenceSpec,
  services: TaskServices,
  signal: AbortSignal,
): Promise<readonly JsonObject[]> {
  const { questions, prompts, rows, offset, limit, shard } = spec;
  const all =
    questions !== undefined
      ? await readRows(questions, services, signal)
      : (prompts?.map((prompt) => ({ prompt })) ?? z.array(z.custom<JsonObject>(isRow)).parse(rows ?? []));
  const wanted = all.slice(offset, limit === undefined ? undefined : offset + limit);
  return wanted.slice(...shardRange(shard, wanted.length));
}

function isRow(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What a model adds to the rows first, in this order: the column, and where its answers are. */
function columnsOf({ questionTemplate, answerTemplate }: InferenceSpec, jobId: string) {
  const column = (name: string, prefix: string, template: string | undefined) =>
    template === undefined ? [] : [{ name, prefix: `${jobPrefix(jobId)}/${prefix}/`, template }];
  return [
    ...column('question', 'questions', questionTemplate),
    ...column('answer', 'answers', answerTemplate),
  ];
}

/** Rows with what a model added to them. */
export interface AskedRows {
  readonly rows: ReadonlyMap<number, JsonObject>;
  /** Of the models that added it. */
  readonly checks: readonly ModelCheck[];
}

/** Has a model make a question of every row, and an answer, where that is asked for. */
export async function withQuestions(
  rows: ReadonlyMap<number, JsonObject>,
  spec: InferenceSpec,
  context: TaskContext,
  services: TaskServices,
): Promise<AskedRows> {
  const { questionModel: model, questionMaxTokens, seed, errorTolerance, chat } = spec;
  const { signal, log, job } = context;
  const checks: ModelCheck[] = [];
  if (model === undefined) return { rows, checks };
  let asked = rows;
  for (const { name, prefix, template } of columnsOf(spec, job.id)) {
    const fill = parseTemplate(template);
    const requests = [...asked].map(([id, row]) => {
      const text = fill(row);
      return { id, prompt: chat ? { messages: [{ role: 'user', content: text }] } : { text } };
    });
    const parts = await answerAll(
      {
        stage: `make ${name}s`,
        services,
        prefix,
        requests,
        options: {
          temperature: 0,
          seed,
          n: 1,
          maxTokens: questionMaxTokens,
          stop: [],
          logProbabilities: false,
          topLogProbabilities: 0,
        },
        vectors: 'float16',
        open: () => openTextModel(model, undefined, services, signal),
      },
      context,
    );
    acceptFailures(parts, requests.length, errorTolerance, context);
    checks.push(...parts.checks);
    const made = await withColumn(asked, name, parts, signal);
    if (made.size < asked.size) log('warn', `${asked.size - made.size} rows got no ${name} and are left out`);
    asked = made;
  }
  return { rows: asked, checks };
}

/** The rows as `withQuestions` left them. */
export async function withMadeQuestions(
  rows: ReadonlyMap<number, JsonObject>,
  spec: InferenceSpec,
  jobId: string,
  { store }: Pick<TaskServices, 'store'>,
  signal: AbortSignal,
): Promise<AskedRows> {
  const checks: ModelCheck[] = [];
  let asked = rows;
  for (const { name, prefix } of columnsOf(spec, jobId)) {
    const parts = await Parts.read(store, prefix, signal);
    checks.push(...parts.checks);
    asked = await withColumn(asked, name, parts, signal);
  }
  return { rows: asked, checks };
}

/** Rows for which the model failed, or wrote nothing, are left out. */
async function withColumn(
  rows: ReadonlyMap<number, JsonObject>,
  name: string,
  parts: Parts,
  signal: AbortSignal,
): Promise<ReadonlyMap<number, JsonObject>> {
  const made = new Map<number, JsonObject>();
  for (const [id, row] of rows) {
    const record = await parts.get(id, signal);
    const text = firstLine(record?.answer.samples[0]?.text ?? '');
    if (text !== '') made.set(id, { ...row, [name]: text });
  }
  return made;
}

/** Models like to go on after what was asked for. */
function firstLine(text: string): string {
  return text.trim().split('\n')[0]!.trim();
}

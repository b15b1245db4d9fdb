import type { JsonObject } from '../../../ingest/contracts/json-value.ts';
import type { ModelCheck } from '../../../ingest/contracts/model-check.ts';
import { promptHash, recipeExampleId } from '../../../ingest/families/hallulens/identity.ts';
import type { ObjectStore } from '../../../lake/store/object-store.ts';
import { type ContractExample, type RunIdentity, writeContractRun } from '../contract-run/contract-run.ts';
import type { JobStart } from '../contract-run/provenance.ts';
import { checkMember } from '../model-check/model-check.ts';
import type { AnswerRecord, Parts } from '../parts/parts.ts';
import type { StoredSample } from '../parts/record.ts';
import { matchers } from '../scoring/match.ts';
import { type StoreEntryData, type StoreShape, writeZarrStore } from '../zarr-store/zarr-store.ts';
import type { InferenceSpec } from './inference-spec.ts';
import type { Item } from './items.ts';

/** The rows of a job, or of one of its shards, and the answers to them. */
export interface Answered {
  readonly items: readonly Item[];
  readonly parts: Parts;
  /** Of all models that had a part in the answers. */
  readonly checks: readonly ModelCheck[];
}

export interface Assembly {
  readonly store: ObjectStore;
  /** `jobs/<id>`. */
  readonly prefix: string;
  readonly jobId: string;
  readonly spec: InferenceSpec;
  readonly start: JobStart;
  readonly answered: readonly Answered[];
  readonly signal: AbortSignal;
}

export interface Assembled {
  readonly root: string;
  readonly examples: number;
  readonly errors: number;
  readonly tokens: number;
}

/** One sample of one item, with its names. */
interface Example {
  readonly item: Item;
  readonly sample: StoredSample;
  readonly record: AnswerRecord;
  readonly index: number;
  /** Key of the activations: the prompt's hash, with a number where several samples have one prompt. */
  readonly key: string;
  readonly exampleId: string;
}

/** What the answers have in common. */
interface Survey extends StoreShape {
  readonly hasLogProbabilities: boolean;
}

/**
 * Puts the answers of the parts together: the activation store and the six files of the run. A function of the parts, the start
 * and the specification; what lies there already is replaced.
 */
export async function assembleRun(assembly: Assembly): Promise<Assembled> {
  const { store, prefix, spec, start, answered, signal } = assembly;
  const survey = await surveyOf(assembly);
  const first = answered.map(({ parts }) => parts.header).find((header) => header !== undefined)!;
  const { model } = first;
  const { capture } = model;
  const storePath = `${prefix}/activations.zarr`;
  if (capture !== null) await writeZarrStore(store, storePath, survey, entries(assembly), signal);
  const identity: RunIdentity = {
    date: start.date,
    method: spec.method ?? (survey.hasLogProbabilities ? 'mean_logprob' : 'unscored'),
    modelId: model.id,
    benchmark: spec.benchmark,
    split: spec.split,
    seed: spec.seed,
  };
  const total = answered.reduce((sum, { items }) => sum + items.length, 0);
  const got = answered.reduce((sum, { parts }) => sum + parts.size, 0);
  const tokens = answered.reduce((sum, { parts }) => sum + parts.tokens, 0);
  const engines = answered.flatMap(({ parts }) => parts.engines);
  let halu = 0;
  let seen = 0;
  async function* examples(): AsyncGenerator<ContractExample> {
    for await (const example of examplesOf(assembly)) {
      const contract = contractExample(example, spec, capture !== null);
      seen++;
      if (contract.label.halu) halu++;
      yield contract;
    }
  }
  const { root } = await writeContractRun(
    store,
    prefix,
    {
      identity,
      config: {
        model: {
          id: model.id,
          backend: model.backend,
          dtype: model.dtype,
          revision: model.revision,
          ...(spec.model.path !== undefined && { path: spec.model.path }),
          ...(spec.model.baseUrl !== undefined && {
            base_url: spec.model.baseUrl,
            name: spec.model.name ?? null,
          }),
        },
        inference: { ...paramsOf(spec), n: spec.n },
        activation_logging: activationLogging(spec, storePath, capture?.layers, capture?.layerCount),
        evaluation: evaluationOf(spec),
        prompts: promptsOf(spec),
      },
      manifest: {
        created_at: start.createdAt,
        git: { ...start.git },
        environment: { ...start.environment },
        notes: `made by Runlake, job ${assembly.jobId}`,
        job: assembly.jobId,
        model: { id: model.id, revision: model.revision, dtype: model.dtype },
        engines: distinct(engines),
        ...checkMember(answered.flatMap(({ checks }) => checks)),
        prompts: total,
        failed: total - got,
      },
      examples: examples(),
      metrics: () => ({ halu_rate: halu / seen, tokens_generated: tokens }),
    },
    signal,
  );
  return { root, examples: seen, errors: total - got, tokens };
}

function distinct(engines: readonly JsonObject[]): JsonObject[] {
  return [...new Map(engines.map((engine) => [JSON.stringify(engine), engine])).values()];
}

/** All samples in the order of the rows. */
async function* examplesOf({ answered, spec, signal }: Assembly): AsyncGenerator<Example> {
  const { benchmark, split, seed, n } = spec;
  const repeats = new Map<string, number>();
  for (const { items, parts } of answered) {
    for (const item of items) {
      const record = await parts.get(item.id, signal);
      if (record === undefined) continue;
      const { row, prompt } = item;
      const { id: modelId } = record.header.model;
      const own = row['example_id'];
      const base =
        typeof own === 'string' && own !== ''
          ? own
          : recipeExampleId(benchmark, split, prompt, modelId, seed);
      const hash = promptHash(prompt);
      const before = repeats.get(base) ?? 0;
      repeats.set(base, before + 1);
      for (const [i, sample] of record.answer.samples.entries()) {
        const index = before * n + i;
        // The ids of a benchmark that asks everything once are exactly those of the contract.
        const suffix = n === 1 && index === 0 ? '' : `_${index}`;
        yield { item, sample, record, index: i, key: `${hash}${suffix}`, exampleId: `${base}${suffix}` };
      }
    }
  }
}

async function surveyOf(assembly: Assembly): Promise<Survey> {
  const survey = {
    rows: 0,
    promptVectors: 0,
    responseVectors: 0,
    tokens: 0,
    topK: 0,
    hasLogProbabilities: false,
  };
  let last: AnswerRecord | undefined;
  for await (const { sample, record } of examplesOf(assembly)) {
    last = record;
    survey.rows++;
    survey.promptVectors = Math.max(survey.promptVectors, record.answer.promptVectors?.vectors ?? 0);
    survey.responseVectors = Math.max(survey.responseVectors, sample.vectors?.vectors ?? 0);
    survey.tokens = Math.max(survey.tokens, sample.tokenIds?.length ?? 0);
    for (const top of sample.top ?? []) survey.topK = Math.max(survey.topK, top.length);
    survey.hasLogProbabilities ||= (sample.logProbabilities?.length ?? 0) > 0;
  }
  const capture = last?.header.model.capture;
  return {
    ...survey,
    layers: capture?.layers ?? [],
    layerCount: capture?.layerCount ?? 0,
    hidden: capture?.hidden ?? 0,
    dtype: last?.header.vectors ?? 'float16',
  };
}

async function* entries(assembly: Assembly): AsyncGenerator<StoreEntryData> {
  const { spec } = assembly;
  for await (const { item, sample, record, index, key, exampleId } of examplesOf(assembly)) {
    const { answer, header } = record;
    const { capture, id: modelId } = header.model;
    const prompt = answer.promptVectors;
    const response = sample.vectors;
    const hash = promptHash(item.prompt);
    yield {
      key,
      prompt: prompt && { bytes: record.vectors(prompt), vectors: prompt.vectors },
      response: response && { bytes: record.vectors(response), vectors: response.vectors },
      tokenIds: sample.tokenIds ?? [],
      logProbabilities: sample.logProbabilities ?? [],
      top: sample.top ?? [],
      record: {
        prompt: item.prompt,
        response: sample.text,
        input_length: answer.promptTokens,
        model: modelId,
        trim_position: null,
        prompt_hash: hash,
        multi_sample: spec.n > 1,
        sample_group_id: hash,
        request_id: key === hash ? null : key.slice(hash.length + 1),
        sample: index,
        example_id: exampleId,
        model_id: modelId,
        activation_key: key,
        token_selector: spec.tokenSelector,
        token_indices: {
          prompt: prompt?.tokens ?? [],
          response: response?.tokens ?? [],
        },
        last_layer: capture?.lastLayer ?? null,
        logging_config: {
          target_layers: spec.layers === undefined ? 'all' : [...spec.layers],
          sequence_mode: spec.sequence,
        },
      },
    };
  }
}

function contractExample(example: Example, spec: InferenceSpec, captured: boolean): ContractExample {
  const { item, sample, index, key, exampleId } = example;
  const { row, prompt, answers } = item;
  const question = row['question'];
  return {
    exampleId,
    prompt,
    response: sample.text,
    reference: {
      answers: [...answers],
      ...(typeof question === 'string' && { question }),
    },
    label: labelOf(item, sample.text, spec),
    generationParams: { ...paramsOf(spec), sample: index },
    timing: { generation_s: sample.seconds, tokens: sample.tokenCount },
    link: captured ? { activation_key: key } : { hashkey: key },
    extra: { finish: sample.finish, source: row },
    score: scoreOf(sample.logProbabilities),
  };
}

function labelOf({ answers, label }: Item, response: string, spec: InferenceSpec): ContractExample['label'] {
  if (label !== undefined) return { halu: label, label_source: spec.labelSource ?? 'annotation' };
  // The contract wants a label of everything; the source says that this is none.
  if (spec.evaluator === 'none') return { halu: false, label_source: 'unlabelled' };
  return {
    halu: !matchers[spec.evaluator](response, answers),
    label_source: spec.labelSource ?? spec.evaluator,
  };
}

/**
 * The uncertainty of a response: 1 - exp(mean log-probability of its tokens), the probability that a typical token of it is
 * another one. Without log-probabilities one half, which says nothing.
 */
export function scoreOf(logProbabilities: readonly number[] | undefined): number {
  if (logProbabilities === undefined || logProbabilities.length === 0) return 0.5;
  const mean = logProbabilities.reduce((sum, value) => sum + value, 0) / logProbabilities.length;
  return 1 - Math.exp(Math.min(0, mean));
}

function paramsOf(spec: InferenceSpec): JsonObject {
  const { temperature, topP, topK, maxTokens, seed, stop, chat } = spec;
  return { temperature, top_p: topP, top_k: topK, max_tokens: maxTokens, seed, stop: [...stop], chat };
}

function activationLogging(
  spec: InferenceSpec,
  path: string,
  layers: readonly number[] | undefined,
  layerCount: number | undefined,
): JsonObject {
  if (layers === undefined)
    return { enabled: false, format: 'zarr', path: '', layers: [], token_selector: 'none' };
  return {
    enabled: true,
    format: 'zarr',
    path,
    layers: layers.length === layerCount ? 'all' : [...layers],
    token_selector: spec.tokenSelector,
    sequence_mode: spec.sequence,
    dtype: spec.activationType,
    last_layer: spec.lastLayer,
  };
}

function evaluationOf(spec: InferenceSpec): JsonObject {
  const { evaluator, labelColumn, answerColumn } = spec;
  return {
    evaluator: labelColumn === undefined ? evaluator : 'annotation',
    ...(labelColumn !== undefined && { label_column: labelColumn }),
    ...(answerColumn !== undefined && { answer_column: answerColumn }),
    score: '1 - exp(mean log-probability)',
  };
}

function promptsOf(spec: InferenceSpec): JsonObject {
  const {
    questions,
    offset,
    limit,
    promptTemplate,
    systemPrompt,
    questionModel,
    questionTemplate,
    answerTemplate,
  } = spec;
  return {
    source: questions ?? 'inline',
    offset,
    limit: limit ?? null,
    ...(promptTemplate !== undefined && { template: promptTemplate }),
    ...(systemPrompt !== undefined && { system_prompt: systemPrompt }),
    ...(questionModel !== undefined && {
      question_model: questionModel.id ?? questionModel.name ?? questionModel.path ?? null,
      question_template: questionTemplate ?? null,
      answer_template: answerTemplate ?? null,
    }),
  };
}

import { createHash } from 'node:crypto';
import type { ObjectInfo } from '../../../lake/store/object-store.ts';
import type { Row } from '../../../lake/tables/schema.ts';
import { GENERATIONS, PREDICTIONS } from '../../../lake/tables/tables.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../../contracts/json-value.ts';
import { SAMPLE_KEYS, sampleSchema } from '../../contracts/lm-eval/sample.ts';
import { type ArtifactPlace, schemaIssues } from '../../contracts/schema-issues.ts';
import type { ReadContext, RunSink } from '../../family.ts';
import { IdMap } from '../../id-map.ts';
import { readJsonList } from '../../run-files/documents.ts';
import type { IssueLog } from '../../run-files/issue-log.ts';
import { extraJson, jsonText } from '../../run-files/json-text.ts';
import { readJsonRecords } from '../../run-files/records.ts';
import { MetricColumn } from './aggregation.ts';
import {
  type Choice,
  choiceLabel,
  choicesOf,
  isGeneration,
  preferredChoice,
  type Request,
  requestsOf,
  targetLabel,
} from './answers.ts';

/** Columns that every row of the run shares. */
export interface SampleContext {
  readonly benchmark: string;
  readonly split: string | null;
  readonly seed: number | bigint | null;
  readonly modelId: string | null;
  readonly outputType: string | null | undefined;
  /** Filters in the order in which the harness applies them. */
  readonly filters: readonly string[];
}

export interface ReadSamples {
  /** Values by filter and metric. */
  readonly measured: ReadonlyMap<string, Map<string, MetricColumn>>;
  /** Samples by filter. */
  readonly counts: ReadonlyMap<string, number>;
  /** What the harness reports as the hash of the task; undefined where samples have no hashes. */
  readonly taskHash: string | undefined;
}

/** A task has a handful of filters and metrics; a file with ever new names is not allowed to fill the memory. */
const MAX_METRICS = 1_000;

/** Metrics that say whether an answer is right, the first that a sample has. */
const CORRECTNESS = ['acc', 'exact_match', 'em', 'pass@1', 'pass_at_1'];

/** What a filter made of a scored text is what the model said of it; of a written one it is another text. */
const KEYS_BESIDE_ANSWER: ReadonlySet<string> = new Set(
  [...SAMPLE_KEYS].filter((key) => key !== 'filtered_resps'),
);

/** A record of a samples file and where it is; `ordinal` is its line, before 0.4.3 its position in the array. */
interface Sample {
  readonly value: JsonObject;
  readonly place: ArtifactPlace & { readonly pointer?: string };
  readonly ordinal: number;
}

/**
 * Reads the samples of a task. The harness writes a document once for every filter: it becomes one row of `generations`,
 * since the model answered once, and one row of `predictions` a filter (`method`).
 */
export async function readSamples(
  object: ObjectInfo,
  file: string,
  sink: RunSink,
  context: ReadContext,
  log: IssueLog,
  shared: SampleContext,
): Promise<ReadSamples> {
  const reader = new SampleReader(log, shared);
  for await (const samples of sampleBatches(object, file, context, log)) {
    const generations: Row[] = [];
    const predictions: Row[] = [];
    for (const sample of samples) {
      const rows = reader.read(sample);
      if (rows?.generation !== undefined) generations.push(rows.generation);
      if (rows !== undefined) predictions.push(rows.prediction);
    }
    if (generations.length > 0) await sink.rows(GENERATIONS, generations);
    if (predictions.length > 0) await sink.rows(PREDICTIONS, predictions);
  }
  return reader.finish();
}

/** JSON Lines since 0.4.3; one pretty-printed array, under the same suffix, before. */
async function* sampleBatches(
  object: ObjectInfo,
  file: string,
  context: ReadContext,
  log: IssueLog,
): AsyncGenerator<Sample[]> {
  if (object.size === 0) return;
  const head = await context.tree.store.get(object.key, {
    range: { start: 0, end: 1 },
    ...(context.signal ? { signal: context.signal } : {}),
  });
  if (head[0] === 0x5b) {
    const { value, issues } = await readJsonList(context, object, file);
    for (const issue of issues) log.add(issue);
    yield (value ?? []).flatMap((item, i) => {
      const place = { file, pointer: `/${i}` };
      return isObject(item, place, log) ? [{ value: item, place, ordinal: i + 1 }] : [];
    });
    return;
  }
  for await (const records of readJsonRecords(context, object, file, log)) {
    yield records.flatMap(({ line, value, damaged }) => {
      const place = { file, line };
      return !damaged && isObject(value, place, log) ? [{ value, place, ordinal: line }] : [];
    });
  }
}

function isObject(value: JsonValue, place: Sample['place'], log: IssueLog): value is JsonObject {
  if (isJsonObject(value)) return true;
  log.record({ ...place, code: 'WRONG_TYPE', message: 'the sample is not an object' });
  return false;
}

class SampleReader {
  readonly #log: IssueLog;
  readonly #shared: SampleContext;
  /** What of the answers to a document is remembered, to see whether it has others elsewhere. */
  readonly #answers = new IdMap();
  /** Documents by filter. */
  readonly #judged = new IdMap();
  readonly #measured = new Map<string, Map<string, MetricColumn>>();
  readonly #counts = new Map<string, number>();
  readonly #taskHash = createHash('sha256');
  #hashed = true;

  constructor(log: IssueLog, shared: SampleContext) {
    this.#log = log;
    this.#shared = shared;
  }

  /** Undefined for a sample that cannot be used; no generation for one whose document was seen before. */
  read(sample: Sample): { readonly generation: Row | undefined; readonly prediction: Row } | undefined {
    const { value, place, ordinal } = sample;
    const problems = schemaIssues(sampleSchema, value, place);
    for (const problem of problems) this.#log.record(at(place, problem));
    if (problems.length > 0) return undefined;
    const exampleId = String(value['doc_id']);
    const filter = this.#filterOf(value, exampleId);
    if (filter === undefined || !this.#judged.add(judgement(filter, exampleId), 1)) {
      const message = `document ${exampleId} has a sample of ${filter === undefined ? 'every filter' : `the filter ${filter}`} already`;
      this.#log.record({ ...place, code: 'DUPLICATE_SAMPLE', message });
      return undefined;
    }
    const answers = Number.parseInt(sha256(jsonText(value['resps'] ?? null)).slice(0, 12), 16);
    const isFirst = this.#answers.add(exampleId, answers);
    const isOther = !isFirst && this.#answers.get(exampleId) !== answers;
    if (isOther) {
      const message = `document ${exampleId} has other answers here than under another filter`;
      this.#log.warn({ ...place, code: 'ANSWERS_DIFFER', message });
    }
    const requests = requestsOf(value['arguments'], value['resps']);
    this.#checkHashes(value, requests, place);
    this.#measure(filter, value);
    const { benchmark, split, seed, modelId } = this.#shared;
    const common = {
      example_id: exampleId,
      benchmark,
      split,
      seed,
      model_id: modelId,
      source_line: ordinal,
    };
    const scored = isGeneration(requests, this.#shared.outputType) ? undefined : choicesOf(requests);
    return {
      generation:
        isFirst || isOther ? { ...common, ...generationColumns(value, requests, scored) } : undefined,
      prediction: { ...common, method: filter, ...predictionColumns(value, requests, scored) },
    };
  }

  finish(): ReadSamples {
    return {
      measured: this.#measured,
      counts: this.#counts,
      taskHash: this.#hashed && this.#answers.size > 0 ? this.#taskHash.digest('hex') : undefined,
    };
  }

  /** Before 0.4.8 samples do not name their filter, but a document's samples come in the order of the filters. */
  #filterOf({ filter }: JsonObject, exampleId: string): string | undefined {
    if (typeof filter === 'string') return filter;
    return this.#shared.filters.find((name) => !this.#judged.has(judgement(name, exampleId)));
  }

  #measure(filter: string, value: JsonObject): void {
    this.#counts.set(filter, (this.#counts.get(filter) ?? 0) + 1);
    let columns = this.#measured.get(filter);
    if (columns === undefined) {
      if (this.#measured.size === MAX_METRICS) return;
      columns = new Map();
      this.#measured.set(filter, columns);
    }
    const { metrics } = value;
    const names = Array.isArray(metrics)
      ? metrics.filter((name) => typeof name === 'string')
      : Object.keys(value);
    for (const name of names) {
      if (SAMPLE_KEYS.has(name) || value[name] === undefined) continue;
      let column = columns.get(name);
      if (column === undefined) {
        if (columns.size === MAX_METRICS) continue;
        column = new MetricColumn();
        columns.set(name, column);
      }
      column.push(value[name]);
    }
  }

  #checkHashes(value: JsonObject, requests: readonly Request[], place: Sample['place']): void {
    const { doc_hash: doc, prompt_hash: prompt, target_hash: target } = value;
    if (typeof doc !== 'string' || typeof prompt !== 'string' || typeof target !== 'string') {
      this.#hashed = false;
      return;
    }
    this.#taskHash.update(doc + prompt + target);
    const texts: readonly (readonly [string, JsonValue | undefined, string])[] = [
      ['prompt', requests[0]?.prompt, prompt],
      ['target', value['target'], target],
    ];
    for (const [name, text, hash] of texts) {
      if (typeof text !== 'string' || sha256(text) === hash) continue;
      const message = `${name}_hash is not the SHA-256 of the ${name}: the record was changed after the run`;
      this.#log.warn({ ...place, code: 'SAMPLE_HASH_MISMATCH', message });
    }
  }
}

/** An issue of a schema at a place that has a pointer of its own. */
function at<T extends { readonly pointer?: string }>(place: Sample['place'], issue: T): T {
  return place.pointer === undefined ? issue : { ...issue, pointer: place.pointer + (issue.pointer ?? '') };
}

function judgement(filter: string, exampleId: string): string {
  return `${filter}\0${exampleId}`;
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function generationColumns(
  value: JsonObject,
  requests: readonly Request[],
  scored: readonly Choice[] | undefined,
): Row {
  const [first] = requests;
  const extra = {
    ...members(value, 'doc', 'doc_hash', 'prompt_hash', 'target_hash'),
    ...furtherAnswers(value, requests, scored),
  };
  return {
    prompt: first?.prompt ?? null,
    response: responseOf(requests, scored),
    reference: jsonText(value['target'] ?? null),
    generation_params:
      scored === undefined && first?.argument !== undefined ? jsonText(first.argument) : null,
    extra: jsonText(extra),
  };
}

/** The text the model wrote, or the choice it prefers; null where it only scored a text. */
function responseOf(requests: readonly Request[], scored: readonly Choice[] | undefined): string | null {
  if (scored !== undefined) {
    const preferred = scored.length > 1 ? preferredChoice(scored) : undefined;
    return preferred === undefined ? null : scored[preferred]!.continuation;
  }
  const response = requests[0]?.responses[0];
  return typeof response === 'string' ? response : null;
}

/** What was asked and said beside the one prompt and response, in a form that loses nothing and repeats no prompt. */
function furtherAnswers(
  value: JsonObject,
  requests: readonly Request[],
  scored: readonly Choice[] | undefined,
): JsonObject {
  const asksMore = requests.some(({ hasMore }) => hasMore) || (scored === undefined && requests.length > 1);
  const saysMore = asksMore || requests.some(({ responses }) => responses.length !== 1);
  const choices = scored?.map(({ prompt, continuation, logLikelihood, isGreedy }, i) => ({
    ...(prompt === requests[0]!.prompt ? {} : { prompt }),
    ...(requests[i]!.argument === undefined ? {} : { continuation }),
    loglikelihood: logLikelihood,
    ...(isGreedy === null ? {} : { is_greedy: isGreedy }),
  }));
  return {
    ...(choices === undefined ? {} : { choices }),
    ...(asksMore ? members(value, 'arguments') : {}),
    ...(saysMore ? members(value, 'resps') : {}),
  };
}

/** The members of an object that it has of these. */
function members(object: JsonObject, ...names: readonly string[]): JsonObject {
  const found: Record<string, JsonValue> = {};
  for (const name of names) if (object[name] !== undefined) found[name] = object[name];
  return found;
}

function predictionColumns(
  value: JsonObject,
  requests: readonly Request[],
  scored: readonly Choice[] | undefined,
): Row {
  const { filtered_resps: filtered, target } = value;
  const extra = extraJson(value, scored === undefined ? KEYS_BESIDE_ANSWER : SAMPLE_KEYS);
  const labels = { correct: correctness(value), extra };
  if (scored !== undefined && scored.length > 1) {
    const choices = filteredChoices(requests, filtered, scored);
    const preferred = preferredChoice(choices);
    return {
      ...labels,
      pred_label: preferred === undefined ? null : choiceLabel(choices, preferred),
      true_label: targetLabel(choices, target),
    };
  }
  const isText = scored === undefined || requests[0]?.argument !== undefined;
  const answer = Array.isArray(filtered) ? filtered[0] : filtered;
  return {
    ...labels,
    pred_label: scored === undefined && typeof answer === 'string' ? answer : null,
    true_label: isText && (typeof target === 'string' || typeof target === 'number') ? String(target) : null,
  };
}

/** The choices with the scores that the filter let through. */
function filteredChoices(
  requests: readonly Request[],
  filtered: JsonValue | undefined,
  scored: readonly Choice[],
): readonly Choice[] {
  if (!Array.isArray(filtered) || filtered.length !== requests.length) return scored;
  return choicesOf(requests.map((request, i) => ({ ...request, responses: [filtered[i]!] })));
}

function correctness(value: JsonObject): boolean | null {
  const metric = CORRECTNESS.map((name) => value[name]).find((found) => found !== undefined);
  if (typeof metric === 'boolean') return metric;
  return metric === 1 || metric === 0 ? metric === 1 : null;
}

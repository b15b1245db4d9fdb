import type { ObjectInfo } from '../../../lake/store/object-store.ts';
import type { JsonObject, JsonValue } from '../../contracts/json-value.ts';
import { isJsonObject } from '../../contracts/json-value.ts';
import { type Results, resultsSchema } from '../../contracts/lm-eval/results.ts';
import { schemaIssues } from '../../contracts/schema-issues.ts';
import type { Issue, ReadContext, SourceTree } from '../../family.ts';
import { readJsonDocument } from '../../run-files/documents.ts';

export interface ResultsFile {
  /** Everything in it. */
  readonly document: JsonObject;
  /** The same, as far as it is understood. */
  readonly results: Results;
}

export interface ReadResults {
  /** Undefined when the file is not what it should be. */
  readonly content: ResultsFile | undefined;
  readonly issues: readonly Issue[];
}

/**
 * The file that was read last of a tree: its runs are read one after the other, and there may be thousands of them.
 */
const latest = new WeakMap<
  SourceTree,
  { readonly object: ObjectInfo; readonly reading: Promise<ReadResults> }
>();

/** Reads a results file. Violations are errors: without it nothing is known of its runs. */
export function readResultsFile(
  context: ReadContext,
  object: ObjectInfo,
  file: string,
): Promise<ReadResults> {
  const { tree } = context;
  const known = latest.get(tree);
  if (known?.object === object) return known.reading;
  const reading = read(context, object, file);
  latest.set(tree, { object, reading });
  reading.catch(() => latest.delete(tree));
  return reading;
}

async function read(context: ReadContext, object: ObjectInfo, file: string): Promise<ReadResults> {
  const { value, issues } = await readJsonDocument(context, object, file);
  if (value === undefined) return { content: undefined, issues };
  const parsed = resultsSchema.safeParse(value);
  if (parsed.success) return { content: { document: value, results: parsed.data }, issues };
  return { content: undefined, issues: schemaIssues(resultsSchema, value, { file }) };
}

/** What a member by task says of a task. */
export function forTask<Value>(
  byTask: Readonly<Record<string, Value>> | undefined,
  task: string,
): Value | undefined {
  return byTask !== undefined && Object.hasOwn(byTask, task) ? byTask[task] : undefined;
}

/** Keys by which the harness finds the model's name in its arguments, in this order. */
const MODEL_KEYS = ['peft', 'delta', 'pretrained', 'model', 'path', 'engine'];

/** The model as the results name it; the kind of model (`hf`, `vllm`, …) where they name none. */
export function modelName({ model_name, config }: Results): string | null {
  if (typeof model_name === 'string' && model_name !== '') return model_name;
  const { model_args: args } = config;
  for (const key of MODEL_KEYS) {
    const value = typeof args === 'string' ? argument(args, key) : args?.[key];
    if (typeof value === 'string' && value !== '') return value;
  }
  return config.model ?? null;
}

/** Value of a key in `key=value,…`. */
function argument(args: string, key: string): string | undefined {
  const pair = args.split(',').find((part) => part.trim().startsWith(`${key}=`));
  return pair?.trim().slice(key.length + 1);
}

/** Tasks and groups that have a number, a configuration or a samples file; a heading of a table is no run. */
export function partsOf(
  { results, configs = {} }: Results,
  hasSamples: (task: string) => boolean,
): readonly string[] {
  return [...new Set([...Object.keys(results), ...Object.keys(configs)])].filter(
    (part) =>
      Object.hasOwn(configs, part) ||
      hasSamples(part) ||
      metricsOf(forTask(results, part)).some(({ value }) => value !== undefined),
  );
}

/** A member of an entry of `results`. */
export interface ReportedMember {
  readonly key: string;
  readonly metric: string;
  /** `none` when the answers were taken as they are, and in 0.3, which has no filters. */
  readonly filter: string;
  /** Undefined for what is no number (`N/A`). */
  readonly value: number | undefined;
}

const DESCRIPTIONS: ReadonlySet<string> = new Set(['name', 'alias', 'sample_len', 'sample_count', ' ']);

/** The members of an entry of `results` that are metrics or their standard errors. */
export function metricsOf(entry: Readonly<Record<string, unknown>> = {}): readonly ReportedMember[] {
  return Object.entries(entry).flatMap(([key, value]) => {
    if (DESCRIPTIONS.has(key)) return [];
    const comma = key.lastIndexOf(',');
    const [metric, filter] =
      comma === -1 ? [key, 'none'] : [key.slice(0, comma).trimEnd(), key.slice(comma + 1)];
    const number = typeof value === 'bigint' ? Number(value) : value;
    return [{ key, metric, filter, value: typeof number === 'number' ? number : undefined }];
  });
}

/** Filters of a task in the order in which the harness applies them. */
export function filtersOf({ results, configs }: Results, task: string): readonly string[] {
  const configured = forTask(configs, task)?.filter_list?.map(({ name }) => name) ?? [];
  if (configured.length > 0) return configured;
  const reported = new Set(metricsOf(forTask(results, task)).map(({ filter }) => filter));
  return reported.size > 0 ? [...reported] : ['none'];
}

/** Top-level members with a value a task. */
const BY_TASK: ReadonlySet<string> = new Set([
  'results',
  'groups',
  'group_subtasks',
  'versions',
  'n-shot',
  'higher_is_better',
  'n-samples',
  'task_hashes',
]);

/** What the results file says of one task beside its configuration: members by task are cut to the task. */
export function manifestOf(document: JsonObject, part: string): JsonObject {
  const manifest: Record<string, JsonValue> = Object.create(null) as Record<string, JsonValue>;
  for (const [key, value] of Object.entries(document)) {
    if (key === 'config' || key === 'configs') continue;
    if (!BY_TASK.has(key) || !isJsonObject(value)) manifest[key] = value;
    else if (Object.hasOwn(value, part)) manifest[key] = value[part]!;
  }
  return manifest;
}

/** How the model was run, and under `task` the configuration of the task. */
export function configOf(document: JsonObject, part: string): JsonObject {
  const { config, configs } = document;
  const run = isJsonObject(config) ? config : {};
  return isJsonObject(configs) && Object.hasOwn(configs, part) ? { ...run, task: configs[part]! } : run;
}

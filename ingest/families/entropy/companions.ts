import type { ObjectInfo } from '../../../lake/store/object-store.ts';
import { type Config, configSchema, type Plan, planSchema } from '../../contracts/entropy/companions.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../../contracts/json-value.ts';
import { schemaIssues } from '../../contracts/schema-issues.ts';
import type { ReadContext } from '../../family.ts';
import { type ReadDocument, readJsonList, readYamlDocument } from '../../run-files/documents.ts';
import type { IssueLog } from '../../run-files/issue-log.ts';

/** Where the companions of a run come from, and where what is wrong with them goes. */
export interface RunSource {
  /** By path from the run's directory. */
  readonly files: ReadonlyMap<string, ObjectInfo>;
  readonly context: ReadContext;
  readonly log: IssueLog;
}

/** A source whose problems are warnings. */
export function forgiving(source: RunSource): RunSource {
  const { log } = source;
  const { codes, add, warn, info, finish } = log;
  return {
    ...source,
    log: {
      get rejected() {
        return log.rejected;
      },
      codes,
      add,
      record: warn,
      run: warn,
      warn,
      info,
      finish,
    },
  };
}

type Reader<Value extends JsonValue> = (
  context: ReadContext,
  object: ObjectInfo,
  file: string,
) => Promise<ReadDocument<Value>>;

/** Reads a file that decides nothing: whatever is wrong with it is a warning. */
export async function readCompanion<Value extends JsonValue>(
  { files, context, log }: RunSource,
  file: string,
  read: Reader<Value>,
): Promise<Value | undefined> {
  const object = files.get(file);
  if (object === undefined) return undefined;
  const { value, issues } = await read(context, object, file);
  for (const issue of issues) log.warn(issue);
  return value;
}

/** `config.yaml`, of which only the first run of a group keeps a copy. */
export interface Configuration {
  /** Path from the run's directory. */
  readonly file: string;
  readonly raw: JsonObject;
  /** What is needed of it; undefined when that is not what it should be. */
  readonly known: Config | undefined;
}

/** The `config.yaml` of a run; undefined where there is none that can be read. What breaks its contract is a warning. */
export async function readConfiguration(source: RunSource): Promise<Configuration | undefined> {
  const file = [...source.files.keys()].find((name) => /(^|\/)config\.yaml$/.test(name));
  const raw = file === undefined ? undefined : await readCompanion(source, file, readYamlDocument);
  if (file === undefined || raw === undefined) return undefined;
  for (const issue of schemaIssues(configSchema, raw, { file }, 'warning')) source.log.add(issue);
  return { file, raw, known: configSchema.safeParse(raw).data };
}

/** `plan.json` against the contract; undefined when it is not what it should be. */
export function checkedPlan(plan: JsonObject | undefined, { log }: RunSource): Plan | undefined {
  if (plan === undefined) return undefined;
  for (const issue of schemaIssues(planSchema, plan, { file: 'plan.json' }, 'warning')) log.add(issue);
  return planSchema.safeParse(plan).data;
}

/** The run's entry in the index of its group. */
export async function readIndexEntry(source: RunSource, run: string): Promise<JsonObject | undefined> {
  return entryOf(await readCompanion(source, '../index.json', readJsonList), run);
}

/** The entry of a run in a list of its group; entries name directories where the runs were made. */
export function entryOf(list: readonly JsonValue[] | undefined, run: string): JsonObject | undefined {
  return list?.filter(isJsonObject).find((entry) => {
    const path = entry['run_dir'] ?? entry['path'];
    return typeof path === 'string' && `/${path.replace(/\/+$/, '')}`.endsWith(`/${run}`);
  });
}

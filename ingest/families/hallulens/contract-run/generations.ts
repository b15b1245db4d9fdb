import type { ObjectInfo } from '../../../../lake/store/object-store.ts';
import type { Row } from '../../../../lake/tables/schema.ts';
import { GENERATIONS } from '../../../../lake/tables/tables.ts';
import {
  type GenerationRecord,
  generationSchema,
  isGenerationRecord,
} from '../../../contracts/hallulens/generation.ts';
import { isJsonObject, type JsonValue } from '../../../contracts/json-value.ts';
import { schemaIssues } from '../../../contracts/schema-issues.ts';
import type { ReadContext, RunSink } from '../../../family.ts';
import type { IssueLog } from '../../../run-files/issue-log.ts';
import { extraJson, jsonText } from '../../../run-files/json-text.ts';
import { readJsonRecords } from '../../../run-files/records.ts';
import { Examples } from './examples.ts';
import { type ExpectedIdentity, identityMismatches } from './run-identity.ts';

export const GENERATIONS_FILE = 'generations.jsonl';

const COLUMNS: ReadonlySet<string> = new Set([
  'example_id',
  'benchmark',
  'split',
  'seed',
  'model_id',
  'prompt',
  'response',
  'reference',
  'label',
  'generation_params',
  'timing',
  'activation_key',
]);

/** Whether the store has an entry, and under which of a record's keys; undefined when there is no store. */
export type HasEntry = ((key: string) => boolean) | undefined;

export interface GenerationsResult {
  readonly examples: Examples;
  readonly rows: number;
  /** Lines whose record is lost: as many unknown ids in other files are explained by them. */
  readonly unreadable: number;
  /** Records whose keys the store does not have, the first ones; reported once predictions are known. */
  readonly unlinked: readonly { readonly id: string; readonly key: string; readonly line: number }[];
  readonly unlinkedCount: number;
}

const MAX_UNLINKED = 1000;

function textOf(value: JsonValue | undefined): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** Reads, checks and emits `generations.jsonl`. */
export async function readGenerations(
  object: ObjectInfo,
  sink: RunSink,
  context: ReadContext,
  log: IssueLog,
  identity: ExpectedIdentity,
  linkRequired: boolean,
  hasEntry: HasEntry,
): Promise<GenerationsResult> {
  const examples = new Examples();
  const stats = { unreadable: 0 };
  const unlinked: { id: string; key: string; line: number }[] = [];
  let unlinkedCount = 0;
  let rows = 0;
  const file = GENERATIONS_FILE;
  for await (const records of readJsonRecords(context, object, file, log, stats)) {
    const batch: Row[] = [];
    for (const { line, value, damaged } of records) {
      if (!isGenerationRecord(value)) {
        const id = isJsonObject(value) ? textOf(value['example_id']) : undefined;
        if (id === undefined) stats.unreadable++;
        else noteDropped(examples, id, line);
        if (!damaged)
          for (const issue of schemaIssues(generationSchema, value, { file, line })) log.record(issue);
        continue;
      }
      const id = value.example_id;
      if (examples.has(id)) {
        log.record({
          code: 'DUPLICATE_EXAMPLE_ID',
          file,
          line,
          pointer: '/example_id',
          message: `example_id ${id} is on line ${examples.get(id)?.line} already; expected it once`,
        });
        continue;
      }
      const mismatches = identityMismatches(value, identity);
      for (const { code, pointer, message } of mismatches) log.record({ code, file, line, pointer, message });
      const activationKey = textOf(value['activation_key']);
      const hashKey = textOf(value['hashkey']);
      const key = activationKey ?? hashKey;
      let linkedKey = key;
      let missing = false;
      if (key === undefined) {
        const problem = {
          code: 'NO_ACTIVATION_LINK',
          file,
          line,
          message: 'neither activation_key nor hashkey; expected at least one',
        };
        if (linkRequired) log.record(problem);
        else log.warn(problem);
      } else if (hasEntry !== undefined) {
        linkedKey = [activationKey, hashKey].find((k) => k !== undefined && hasEntry(k));
        missing = linkedKey === undefined;
        linkedKey ??= key;
      }
      const dropped = damaged || mismatches.length > 0 || (key === undefined && linkRequired);
      const halu = value.label.halu === true || value.label.halu === 1;
      examples.set(id, { line, halu, split: value.split, predicted: false, dropped, unlinked: missing });
      if (missing) {
        unlinkedCount++;
        if (unlinked.length < MAX_UNLINKED) unlinked.push({ id, key: linkedKey!, line });
      }
      if (!dropped) batch.push(generationRow(value, halu, linkedKey, line));
    }
    rows += batch.length;
    if (batch.length > 0) await sink.rows(GENERATIONS, batch);
  }
  return { examples, rows, unreadable: stats.unreadable, unlinked, unlinkedCount };
}

function noteDropped(examples: Examples, id: string, line: number): void {
  if (examples.has(id)) return;
  examples.set(id, { line, halu: false, split: '', predicted: false, dropped: true, unlinked: false });
}

function optionalJson(value: JsonValue | undefined): string | null {
  return value === undefined || value === null ? null : jsonText(value);
}

const NO_LABEL_KEYS: ReadonlySet<string> = new Set(['halu', 'label_source']);

function generationRow(record: GenerationRecord, halu: boolean, key: string | undefined, line: number): Row {
  const abstained = record.label['abstained'] ?? record['abstained'];
  const labelExtra = extraJson(record.label, NO_LABEL_KEYS);
  // `label` is taken apart into columns; what else it holds is kept with the other unknown members.
  const extra =
    labelExtra === null
      ? extraJson(record, COLUMNS)
      : jsonText({ ...withoutColumns(record), label: record.label });
  return {
    example_id: record.example_id,
    activation_key: key,
    benchmark: record.benchmark,
    split: record.split,
    seed: record.seed,
    model_id: record.model_id,
    prompt: record.prompt,
    response: record.response,
    reference: optionalJson(record['reference']),
    halu,
    abstained: typeof abstained === 'boolean' ? abstained : null,
    label_source: record.label.label_source,
    generation_params: jsonText(record.generation_params),
    timing: optionalJson(record['timing']),
    source_line: line,
    extra,
  };
}

function withoutColumns(record: GenerationRecord): Record<string, JsonValue> {
  return Object.fromEntries(Object.entries(record).filter(([key]) => !COLUMNS.has(key)));
}

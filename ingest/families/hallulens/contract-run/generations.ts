import type { ObjectInfo } from '../../../../lake/store/object-store.ts';
import type { Row } from '../../../../lake/tables/schema.ts';
import { GENERATIONS } from '../../../../lake/tables/tables.ts';
import { generationSchema, isGenerationRecord } from '../../../contracts/hallulens/generation.ts';
import { isJsonObject, type JsonValue, nonEmptyTextOf } from '../../../contracts/json-value.ts';
import { schemaIssues } from '../../../contracts/schema-issues.ts';
import type { ReadContext, RunSink } from '../../../family.ts';
import { AlikeLines, type AlikeRows } from '../../../formats/alike/alike-lines.ts';
import { JsonLines } from '../../../formats/alike/json-lines.ts';
import type { IssueLog } from '../../../run-files/issue-log.ts';
import { type JsonRecord, parsedRecords, readAlikeRecords } from '../../../run-files/records.ts';
import { Examples } from './examples.ts';
import {
  GENERATION_MEMBERS,
  type GenerationTemplate,
  generationRow,
  generationRows,
  generationTemplate,
  isHallucination,
} from './generation-rows.ts';
import { type ExpectedIdentity, identityMismatches } from './run-identity.ts';

export const GENERATIONS_FILE = 'generations.jsonl';

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

/** An example of which only the id could be read. */
const NOTHING_KNOWN = { halu: false, split: '', predicted: false, dropped: true, unlinked: false };

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

  const take = async (records: readonly JsonRecord[]): Promise<void> => {
    const batch: Row[] = [];
    for (const { line, value, damaged } of records) {
      if (!isGenerationRecord(value)) {
        const id = isJsonObject(value) ? nonEmptyTextOf(value['example_id']) : undefined;
        if (id === undefined) stats.unreadable++;
        else examples.add(id, { ...NOTHING_KNOWN, line });
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
      const activationKey = nonEmptyTextOf(value['activation_key']);
      const hashKey = nonEmptyTextOf(value['hashkey']);
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
      const halu = isHallucination(value);
      examples.add(id, { line, halu, split: value.split, predicted: false, dropped, unlinked: missing });
      if (missing) {
        unlinkedCount++;
        if (unlinked.length < MAX_UNLINKED) unlinked.push({ id, key: linkedKey!, line });
      }
      if (!dropped) batch.push(generationRow(value, linkedKey, line));
    }
    rows += batch.length;
    if (batch.length > 0) await sink.rows(GENERATIONS, batch);
  };

  /** Takes rows up to the first that there is something to say about; gives how many. */
  const takeAlike = async (batch: AlikeRows<JsonValue, GenerationTemplate>): Promise<number> => {
    const ids = batch.column('example_id');
    const keys = batch.column('activation_key');
    const isLinked = (row: number): boolean =>
      hasEntry === undefined || (!examples.has(ids.slice(row)) && hasEntry(keys.text(row) ?? ''));
    const isNew = (row: number): boolean => {
      const { halu, split } = batch.templates[row]!;
      const line = batch.lines[row]!;
      // No spread here: it costs more than everything else that happens to a row.
      const example = { line, halu, split, predicted: false, dropped: false, unlinked: false };
      return examples.add(ids.slice(row), example);
    };
    let taken = 0;
    while (taken < batch.length && isLinked(taken) && isNew(taken)) taken++;
    rows += taken;
    if (taken > 0) await sink.rows(GENERATIONS, generationRows(batch, taken));
    return taken;
  };

  const alike = new AlikeLines(new JsonLines(GENERATION_MEMBERS), (value) =>
    generationTemplate(value, identity),
  );
  for await (const batch of readAlikeRecords(context, object, file, log, alike, stats)) {
    if (Array.isArray(batch)) await take(batch);
    else {
      const taken = await takeAlike(batch);
      if (taken < batch.length) await take(parsedRecords(batch, taken));
    }
  }
  return { examples, rows, unreadable: stats.unreadable, unlinked, unlinkedCount };
}

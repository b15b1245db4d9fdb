import type { ObjectInfo } from '../../../../lake/store/object-store.ts';
import type { Row } from '../../../../lake/tables/schema.ts';
import { TRAIN_METRICS } from '../../../../lake/tables/tables.ts';
import { trainMetricsSchema } from '../../../contracts/hallulens/train-metrics.ts';
import { isJsonObject, type JsonObject } from '../../../contracts/json-value.ts';
import { parseIsoTime } from '../../../contracts/scalars.ts';
import { schemaIssues } from '../../../contracts/schema-issues.ts';
import type { ReadContext, RunSink } from '../../../family.ts';
import { asNumber } from '../../../metric-values.ts';
import type { IssueLog } from '../../../run-files/issue-log.ts';
import { extraJson } from '../../../run-files/json-text.ts';
import { readJsonRecords } from '../../../run-files/records.ts';

export const TRAIN_METRICS_FILE = 'train_metrics.jsonl';

const COLUMNS: ReadonlySet<string> = new Set(['time', 'epoch', 'split', 'loss', 'auroc', 'lr', 'cosine_sim']);

/** Reads, checks and emits `train_metrics.jsonl`; resolves to the number of its records. */
export async function readTrainMetrics(
  object: ObjectInfo,
  sink: RunSink,
  context: ReadContext,
  log: IssueLog,
): Promise<number> {
  let step = 0;
  for await (const records of readJsonRecords(context, object, TRAIN_METRICS_FILE, log)) {
    const rows: Row[] = [];
    for (const { line, value, damaged } of records) {
      const position = step++;
      const issues = schemaIssues(trainMetricsSchema, value, { file: TRAIN_METRICS_FILE, line });
      for (const issue of issues) log.record(issue);
      if (issues.length === 0 && !damaged && isJsonObject(value)) rows.push(trainRow(value, position));
    }
    if (rows.length > 0) await sink.rows(TRAIN_METRICS, rows);
  }
  return step;
}

function trainRow(record: JsonObject, step: number): Row {
  const epoch = record['epoch'];
  return {
    step,
    time: parseIsoTime(String(record['time'])),
    epoch: typeof epoch === 'bigint' || typeof epoch === 'number' ? epoch : null,
    split: typeof record['split'] === 'string' ? record['split'] : null,
    loss: asNumber(record['loss']),
    auroc: asNumber(record['auroc']),
    lr: asNumber(record['lr']),
    cosine_sim: asNumber(record['cosine_sim']),
    extra: extraJson(record, COLUMNS),
  };
}

import type { ObjectInfo } from '../../../../lake/store/object-store.ts';
import { CANONICAL_SELECTOR } from '../../../contracts/chaosbench/dataset.ts';
import { emptyMetricsSchema, metricsSchema } from '../../../contracts/chaosbench/metrics.ts';
import { type PublishReceipt, publishReceiptSchema } from '../../../contracts/chaosbench/publish-receipt.ts';
import {
  type AnyChaosManifest,
  MANIFEST_SCHEMAS,
  manifestGeneration,
} from '../../../contracts/chaosbench/run-manifest.ts';
import { isJsonObject, type JsonObject } from '../../../contracts/json-value.ts';
import { schemaIssues } from '../../../contracts/schema-issues.ts';
import type { ReadContext } from '../../../family.ts';
import type { IssueLog } from '../../../run-files/issue-log.ts';
import { readRunDocument } from '../../../run-files/run-files.ts';
import {
  CHECKPOINT_FILE,
  MANIFEST_FILE,
  METRICS_FILE,
  PREDICTIONS_FILE,
  RECEIPT_FILE,
  SUBSET_FILE,
  SUMMARY_FILE,
} from '../files.ts';
import { bearsName } from '../identity.ts';
import { summaryMismatches, totalMismatches } from './compare.ts';

type Files = ReadonlyMap<string, ObjectInfo>;

/** A document as recorded, and typed where it keeps its contract. */
export interface CheckedDocument<T> {
  readonly recorded: JsonObject | undefined;
  readonly checked: T | undefined;
}

/** The documents of a run, checked against their contracts and against each other. */
export interface RunDocuments {
  readonly manifest: CheckedDocument<AnyChaosManifest>;
  readonly metrics: JsonObject | undefined;
  readonly receipt: CheckedDocument<PublishReceipt>;
}

/** @param name of the run's directory */
export async function readDocuments(
  files: Files,
  name: string,
  published: boolean,
  context: ReadContext,
  log: IssueLog,
): Promise<RunDocuments> {
  const manifest = await readManifest(files, context, log);
  const metrics = await readMetrics(files, context, log);
  const receipt = await readReceipt(files, context, log);
  const runId = manifest.checked?.run_id;
  if (runId !== undefined && !published && !bearsName(name, runId)) {
    log.run({
      code: 'RUN_ID_MISMATCH',
      file: MANIFEST_FILE,
      pointer: '/run_id',
      message: `run_id is ${runId}; expected ${name}, the name of the directory`,
    });
  }
  if (runId !== undefined && receipt.checked !== undefined && receipt.checked.run_id !== runId) {
    log.run({
      code: 'RECEIPT_RUN_ID_MISMATCH',
      file: RECEIPT_FILE,
      pointer: '/run_id',
      message: `run_id is ${receipt.checked.run_id}; expected ${runId} as in ${MANIFEST_FILE}`,
    });
  }
  const summary = manifest.recorded?.['metrics_summary'];
  if (isJsonObject(summary) && metrics !== undefined) {
    for (const issue of summaryMismatches(summary, metrics, MANIFEST_FILE)) log.run(issue);
  }
  return { manifest, metrics, receipt };
}

async function readManifest(
  files: Files,
  context: ReadContext,
  log: IssueLog,
): Promise<CheckedDocument<AnyChaosManifest>> {
  const recorded = await readRunDocument(files, MANIFEST_FILE, context, log);
  if (recorded === undefined) {
    if (!files.has(MANIFEST_FILE)) missing(MANIFEST_FILE, log);
    return { recorded, checked: undefined };
  }
  const schema = MANIFEST_SCHEMAS[manifestGeneration(recorded)];
  const parsed = schema.safeParse(recorded);
  for (const issue of schemaIssues(schema, recorded, { file: MANIFEST_FILE })) log.add(issue);
  if (!parsed.success) return { recorded, checked: undefined };
  const { canonical_selector: selector } = parsed.data;
  if (selector !== CANONICAL_SELECTOR) {
    log.warn({
      code: 'SELECTOR_NOT_CANONICAL',
      file: MANIFEST_FILE,
      pointer: '/canonical_selector',
      message: `canonical_selector is ${selector}; expected ${CANONICAL_SELECTOR}`,
    });
  }
  return { recorded, checked: parsed.data };
}

async function readMetrics(
  files: Files,
  context: ReadContext,
  log: IssueLog,
): Promise<JsonObject | undefined> {
  const metrics = await readRunDocument(files, METRICS_FILE, context, log);
  if (metrics === undefined) {
    if (!files.has(METRICS_FILE)) missing(METRICS_FILE, log);
    return undefined;
  }
  const schema = metrics['total'] === 0 ? emptyMetricsSchema : metricsSchema;
  for (const issue of schemaIssues(schema, metrics, { file: METRICS_FILE })) log.add(issue);
  for (const issue of totalMismatches(metrics)) log.run(issue);
  return metrics;
}

async function readReceipt(
  files: Files,
  context: ReadContext,
  log: IssueLog,
): Promise<CheckedDocument<PublishReceipt>> {
  const recorded = await readRunDocument(files, RECEIPT_FILE, context, log);
  if (recorded === undefined) return { recorded, checked: undefined };
  const parsed = publishReceiptSchema.safeParse(recorded);
  for (const issue of schemaIssues(publishReceiptSchema, recorded, { file: RECEIPT_FILE })) log.add(issue);
  if (!parsed.success) return { recorded, checked: undefined };
  const { artifacts_copied: copied } = parsed.data;
  // Copying over an older publication leaves what the new one does not have.
  if (files.has(SUBSET_FILE) && !copied.includes(SUBSET_FILE)) {
    log.warn({
      code: 'FILE_NOT_IN_RECEIPT',
      file: SUBSET_FILE,
      message: `${RECEIPT_FILE} does not list it, so it may be of an older run; it is not read`,
    });
  }
  return { recorded, checked: parsed.data };
}

function missing(file: string, log: IssueLog): void {
  log.run({ code: 'MISSING_FILE', file, message: 'every run has this file' });
}

/** The file with the run's predictions, if it has one that may be read; what is wrong about it becomes an issue. */
export function predictionsFile(
  files: Files,
  published: boolean,
  receipt: PublishReceipt | undefined,
  log: IssueLog,
): string | undefined {
  if (!files.has(SUMMARY_FILE))
    log.info({ code: 'MISSING_FILE', file: SUMMARY_FILE, message: 'there is no summary' });
  if (files.has(CHECKPOINT_FILE)) {
    log.warn({
      code: 'CHECKPOINT_LEFT',
      file: CHECKPOINT_FILE,
      message: 'a checkpoint lies beside the results; a run that is complete has none',
    });
  }
  if (files.has(PREDICTIONS_FILE)) return PREDICTIONS_FILE;
  if (files.has(SUBSET_FILE) && receipt?.artifacts_copied.includes(SUBSET_FILE) !== false) return SUBSET_FILE;
  if (!published) missing(PREDICTIONS_FILE, log);
  else {
    log.info({
      code: 'PREDICTIONS_NOT_PUBLISHED',
      file: PREDICTIONS_FILE,
      message: 'the run was published without its predictions; its numbers are as reported',
    });
  }
  return undefined;
}

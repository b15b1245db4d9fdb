import type { Row } from '../../../../lake/tables/schema.ts';
import { GENERATIONS } from '../../../../lake/tables/tables.ts';
import { isJsonObject } from '../../../contracts/json-value.ts';
import type { ReadContext, RunCandidate, RunSink, StoreEntryInfo } from '../../../family.ts';
import type { IssueLog } from '../../../run-files/issue-log.ts';
import { jsonText, parseJson } from '../../../run-files/json-text.ts';
import { openStore } from '../stores/open.ts';
import { candidateStores } from '../stores/referenced.ts';
import type { CaptureSummary } from './capture-texts.ts';

const BATCH = 1024;

/** Emits a generation for every entry of a store, from the prompt and the response that the store recorded. */
export async function readStoreTexts(
  candidate: RunCandidate,
  sink: RunSink,
  context: ReadContext,
  log: IssueLog,
): Promise<CaptureSummary> {
  const [ref] = await candidateStores(candidate, context);
  const models = new Set<string>();
  let rows: Row[] = [];
  if (ref !== undefined) {
    const reader = await openStore(ref, context);
    for await (const info of reader.infos(context.signal)) {
      if (info.modelId !== null && models.size < 2) models.add(info.modelId);
      rows.push(generationRow(info));
      if (rows.length === BATCH) {
        await sink.rows(GENERATIONS, rows);
        rows = [];
      }
    }
    if (rows.length > 0) await sink.rows(GENERATIONS, rows);
    for (const issue of reader.issues)
      log.add(issue.severity === 'error' ? { ...issue, severity: 'warning' } : issue);
  }
  const [model] = models;
  return {
    modelId: models.size === 1 ? (model ?? null) : null,
    benchmark: null,
    createdAt: null,
    config: null,
    status: 'completed',
  };
}

function generationRow(info: StoreEntryInfo): Row {
  const meta = parseJson(info.meta);
  return {
    example_id: info.exampleId ?? info.key,
    activation_key: info.key,
    model_id: info.modelId,
    prompt: info.prompt,
    response: info.response,
    extra: jsonText({
      ...(isJsonObject(meta) ? meta : {}),
      has_activations: info.hasActivations,
      example_id_kind: info.exampleId === null ? 'activation_key' : 'recorded',
    }),
  };
}

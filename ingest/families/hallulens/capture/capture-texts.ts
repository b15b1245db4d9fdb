import type { ObjectInfo } from '../../../../lake/store/object-store.ts';
import type { Row } from '../../../../lake/tables/schema.ts';
import { GENERATIONS } from '../../../../lake/tables/tables.ts';
import { evalArraysSchema } from '../../../contracts/hallulens/output.ts';
import { isJsonObject, type JsonObject, type JsonValue, textOf } from '../../../contracts/json-value.ts';
import { parseIsoTime } from '../../../contracts/scalars.ts';
import type { ReadContext, RunCandidate, RunSink, RunStatus } from '../../../family.ts';
import type { IssueLog } from '../../../run-files/issue-log.ts';
import { jsonText } from '../../../run-files/json-text.ts';
import { readJsonRecords } from '../../../run-files/records.ts';
import { readRunDocument, runFiles } from '../../../run-files/run-files.ts';
import { type CommittedSample, openCapture } from '../stores/memmap-layout.ts';

/** What a capture or a store says about itself. */
export interface CaptureSummary {
  readonly modelId: string | null;
  readonly benchmark: string | null;
  /** Microseconds since the epoch. */
  readonly createdAt: bigint | null;
  readonly config: string | null;
  readonly status: RunStatus;
}

const FILE = 'generation.jsonl';

const COLUMNS: ReadonlySet<string> = new Set([
  'prompt',
  'generation',
  'answer',
  'hallucinated',
  'prompt_hash',
  'sample_index',
]);

/** Emits the generations of a memmap capture: those that its commit log, `meta.jsonl`, names. */
export async function readCaptureTexts(
  candidate: RunCandidate,
  sink: RunSink,
  context: ReadContext,
  log: IssueLog,
): Promise<CaptureSummary> {
  const files = runFiles(candidate);
  const capture = await openCapture(candidate.root, context);
  for (const issue of capture.issues) log.add(issue);
  const samples = capture.samples;
  const abstained = await abstentions(files, samples, context, log);
  const generation = files.get(FILE);
  if (generation === undefined) {
    log.run({ code: 'MISSING_FILE', file: FILE, message: 'a capture without its texts' });
  } else await emitTexts(generation, samples, abstained, capture.config.model_name, sink, context, log);
  let first: bigint | null = null;
  for (const { meta } of samples.values()) {
    const time = typeof meta.wrote_at === 'string' ? parseIsoTime(meta.wrote_at) : undefined;
    if (time !== undefined && (first === null || time < first)) first = time;
  }
  const directory = candidate.root.slice(candidate.root.lastIndexOf('/') + 1);
  const modelName = capture.config.model_name.split('/').at(-1) ?? '';
  const slug = capture.config.model_name.replaceAll('/', '__');
  const suffix = [slug, modelName].find((name) => name !== '' && directory.endsWith(`_${name}`));
  return {
    modelId: capture.config.model_name,
    benchmark: suffix === undefined ? directory : directory.slice(0, -suffix.length - 1),
    createdAt: first,
    config: jsonText(capture.document),
    status: samples.size < capture.config.n_samples ? 'partial' : 'completed',
  };
}

/** Abstentions by sample: the evaluation has one element a written sample, in the order of the indices. */
async function abstentions(
  files: ReadonlyMap<string, ObjectInfo>,
  samples: ReadonlyMap<number, CommittedSample>,
  context: ReadContext,
  log: IssueLog,
): Promise<ReadonlyMap<number, boolean>> {
  const document = await readRunDocument(files, 'eval_results.json', context, log);
  const parsed = evalArraysSchema.safeParse(document);
  if (!parsed.success) return new Map();
  const { halu_test_res: halu, abstantion } = parsed.data;
  const order = [...samples.keys()].sort((a, b) => a - b);
  if (halu.length !== order.length) {
    const message = `${halu.length} labels for ${order.length} written samples; the labels of meta.jsonl are used`;
    log.warn({ code: 'EVAL_LENGTH_MISMATCH', file: 'eval_results.json', message });
    return new Map();
  }
  for (const [i, index] of order.entries()) {
    const label = samples.get(index)!.meta.hallucinated;
    if (label === undefined || label === null || Boolean(label) === Boolean(halu[i])) continue;
    const message = `sample ${index} is ${halu[i]} here and ${label} in meta.jsonl, which is used`;
    log.warn({ code: 'LABEL_MISMATCH', file: 'eval_results.json', pointer: `/halu_test_res/${i}`, message });
  }
  return new Map((abstantion ?? []).map((value, i) => [order[i]!, Boolean(value)]));
}

async function emitTexts(
  generation: ObjectInfo,
  samples: ReadonlyMap<number, CommittedSample>,
  abstained: ReadonlyMap<number, boolean>,
  modelId: string,
  sink: RunSink,
  context: ReadContext,
  log: IssueLog,
): Promise<void> {
  // A resumed capture writes a sample's text again: the last line is the one that the arrays belong to.
  const lastLine = new Map<number, number>();
  const quiet: IssueLog = { ...log, record: () => undefined };
  for await (const records of readJsonRecords(context, generation, FILE, quiet)) {
    for (const { line, value } of records) {
      const index = sampleIndex(value);
      if (index !== undefined) lastLine.set(index, line);
    }
  }
  const emitted = new Set<number>();
  for await (const records of readJsonRecords(context, generation, FILE, log)) {
    const rows: Row[] = [];
    for (const { line, value, damaged } of records) {
      const index = sampleIndex(value);
      if (index === undefined || !isJsonObject(value)) {
        const message = '/sample_index is missing; expected an integer';
        log.record({ code: 'MISSING_REQUIRED_FIELD', file: FILE, line, pointer: '/sample_index', message });
        continue;
      }
      if (damaged) continue;
      const sample = samples.get(index);
      if (sample === undefined) {
        const message = `sample ${index} is not in meta.jsonl, so its arrays were never completed; it is left out`;
        log.warn({ code: 'UNCOMMITTED_SAMPLE', file: FILE, line, message });
      } else if (lastLine.get(index) !== line) {
        const message = `sample ${index} was written again on line ${lastLine.get(index)}`;
        log.info({ code: 'SUPERSEDED_SAMPLE', file: FILE, line, message });
      } else {
        emitted.add(index);
        rows.push(textRow(value, line, sample, abstained.get(index) ?? null, modelId));
      }
    }
    if (rows.length > 0) await sink.rows(GENERATIONS, rows);
  }
  for (const [index, { line }] of samples) {
    if (emitted.has(index)) continue;
    const message = `sample ${index} has arrays but no text in ${FILE}`;
    log.warn({ code: 'SAMPLE_WITHOUT_TEXT', file: 'meta.jsonl', line, message });
  }
}

function sampleIndex(value: JsonValue): number | undefined {
  const index = isJsonObject(value) ? value['sample_index'] : undefined;
  return typeof index === 'number' && Number.isSafeInteger(index) ? index : undefined;
}

function textRow(
  record: JsonObject,
  line: number,
  sample: CommittedSample,
  abstained: boolean | null,
  modelId: string,
): Row {
  const label = sample.meta.hallucinated ?? record['hallucinated'];
  const others = Object.entries(record).filter(([key]) => !COLUMNS.has(key));
  const { answer } = record;
  return {
    example_id: sample.key,
    activation_key: sample.key,
    model_id: modelId,
    prompt: textOf(record['prompt']) ?? null,
    response: textOf(record['generation']) ?? null,
    reference: answer === undefined || answer === null ? null : jsonText({ answer }),
    halu: label === undefined || label === null ? null : label === true || label === 1,
    abstained,
    label_source: label === undefined || label === null ? null : 'exact_match',
    source_line: line,
    extra: jsonText({
      ...Object.fromEntries(others),
      sample_index: sample.meta.sample_index,
      prompt_hash: sample.meta.prompt_hash ?? record['prompt_hash'] ?? null,
      ...(sample.icrScores === undefined ? {} : { icr_scores: [...sample.icrScores] }),
      example_id_kind: 'dataset_id',
    }),
  };
}

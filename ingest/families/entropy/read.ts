import type { Plan } from '../../contracts/entropy/companions.ts';
import type { JsonObject } from '../../contracts/json-value.ts';
import { parseIsoTime } from '../../contracts/scalars.ts';
import { relativeKey } from '../../discovery/path.ts';
import type { ReadContext, RunCandidate, RunSink, RunSummary } from '../../family.ts';
import { readJsonDocument } from '../../run-files/documents.ts';
import { type IssueLog, issueLog } from '../../run-files/issue-log.ts';
import { jsonText } from '../../run-files/json-text.ts';
import { manifestJson } from '../../run-files/manifest-json.ts';
import { runColumns } from '../../run-files/run-columns.ts';
import { attachmentList, readRunDocument, runFiles } from '../../run-files/run-files.ts';
import {
  type Configuration,
  checkedPlan,
  type RunSource,
  readCompanion,
  readConfiguration,
  readIndexEntry,
} from './companions.ts';
import { readControlVariate } from './control-variate/read.ts';
import { readDiagnostics } from './diagnostics/read.ts';
import { configuredTrue } from './normalization.ts';
import type { ResultFile, ResultReading } from './result-file.ts';
import { type Shape, shapeOf } from './shape.ts';
import { readSweep } from './sweep.ts';

const READERS: Readonly<
  Record<Shape, (results: ResultFile) => ResultReading | undefined | Promise<ResultReading | undefined>>
> = { diagnostics: readDiagnostics, sweep: readSweep, control_variate: readControlVariate };

/** Reads a result file with its companions; see `Family.read`. */
export async function readRun(
  candidate: RunCandidate,
  sink: RunSink,
  context: ReadContext,
): Promise<RunSummary> {
  const log = issueLog(sink, context);
  const source: RunSource = { files: runFiles(candidate), context, log };
  const file = relativeKey(candidate.root, candidate.results?.key ?? 'results.json');
  const run = candidate.root.slice(candidate.root.lastIndexOf('/') + 1);
  const document = await readRunDocument(source.files, file, context, log);
  const config = await readConfiguration(source);
  const plan = await readCompanion(source, 'plan.json', readJsonDocument);
  const planned = checkedPlan(plan, source);
  const entry = await readIndexEntry(source, run);
  const index = entry === undefined ? undefined : ownOfIndex(entry, document, log);
  const shape = document === undefined ? undefined : recognised(document, file, log);
  let reading: ResultReading | undefined;
  if (document !== undefined && shape !== undefined) {
    reading = await READERS[shape]({ document, file, run, source, config: config?.known });
  }
  if (reading !== undefined) {
    comparePlan(planned, reading, log);
    compareNormalizations(config, reading, log);
    if (!log.rejected) await reading.emit(sink);
  }
  log.finish();

  const attachments = attachmentList(candidate);
  return {
    accepted: !log.rejected,
    columns: runColumns({
      method: reading?.method ?? config?.known?.approx_delta_h?.method ?? null,
      model_id: config?.known?.checkpoint?.backbone ?? null,
      benchmark: config?.known?.batch_config?.dataset_name ?? null,
      split: config?.known?.batch_config?.E_split ?? null,
      created_at: reading?.createdAt === undefined ? null : (parseIsoTime(reading.createdAt) ?? null),
      status: 'completed',
      config:
        config === undefined && plan === undefined
          ? null
          : jsonText({ ...config?.raw, ...(plan === undefined ? {} : { plan }) }),
      manifest: manifestJson(undefined, {
        file,
        ...(shape === undefined ? {} : { shape }),
        ...(config === undefined ? {} : { config_file: config.file }),
        ...(index === undefined ? {} : { index }),
        ...reading?.manifest,
        ...(attachments.length === 0 ? {} : { attachments }),
      }),
    }),
  };
}

function recognised(document: JsonObject, file: string, log: IssueLog): Shape | undefined {
  const shape = shapeOf(document);
  if (shape === undefined) {
    const message = `the members are ${Object.keys(document).slice(0, 8).join(', ') || 'none'}; must match one of: diagnostics (true, approx.delta_h_per_lr), sweep (sweep) or control_variate (summary, paths)`;
    log.run({ code: 'UNKNOWN_SHAPE', file, message });
  }
  return shape;
}

/** What the index of the group says of a run beside members that it repeats of the results. */
function ownOfIndex(index: JsonObject, document: JsonObject | undefined, log: IssueLog): JsonObject {
  const own: JsonObject = {};
  for (const [key, value] of Object.entries(index)) {
    const expected = document?.[key];
    if (expected !== undefined && jsonText(expected) === jsonText(value)) continue;
    own[key] = value;
    if (expected === undefined) continue;
    const message = `${key} in the entry of the run is not what its results have`;
    log.warn({ code: 'COMPANION_DISAGREES', file: '../index.json', pointer: `/${key}`, message });
  }
  return own;
}

/** `compute_linquad` of the plan says nothing: it is false wherever the curvature was computed. */
function comparePlan(plan: Plan | undefined, { captured }: ResultReading, log: IssueLog): void {
  if (plan === undefined || captured === undefined || plan.capture_per_sequence === captured) return;
  log.warn({
    code: 'PLAN_CONTRADICTION',
    file: 'plan.json',
    pointer: '/capture_per_sequence',
    message: `plan.capture_per_sequence=${plan.capture_per_sequence} but per_sequence ${captured ? 'present' : 'absent'}`,
  });
}

/** Derivatives and true change can be compared only when both are entropies of the same thing. */
function compareNormalizations(
  config: Configuration | undefined,
  reading: ResultReading,
  log: IssueLog,
): void {
  const { normalization, trueNormalization } = reading;
  const warn = (message: string) =>
    log.warn({ code: 'NORMALIZATION_MISMATCH', ...(config && { file: config.file }), message });
  const configured = config?.known?.approx_delta_h?.normalize ?? undefined;
  if (configured !== undefined && normalization !== undefined && configured !== normalization) {
    warn(`the derivatives are ${normalization}, the configuration asks for ${configured}`);
  }
  const asked = configuredTrue(config?.known);
  if (asked !== undefined && trueNormalization !== undefined && asked !== trueNormalization) {
    warn(`the true change is ${trueNormalization}, the configuration asks for ${asked}`);
  }
  if (normalization === undefined || trueNormalization === undefined || normalization === trueNormalization)
    return;
  warn(
    `the true change is ${trueNormalization}, the derivatives are ${normalization}: they measure different things`,
  );
}

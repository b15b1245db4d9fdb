import { METRICS } from '../../../lake/tables/tables.ts';
import type { Results } from '../../contracts/lm-eval/results.ts';
import { parseIsoTime } from '../../contracts/scalars.ts';
import type { ReadContext, RunCandidate, RunColumns, RunSink, RunStatus, RunSummary } from '../../family.ts';
import { type IssueLog, issueLog } from '../../run-files/issue-log.ts';
import { jsonText } from '../../run-files/json-text.ts';
import { runColumns } from '../../run-files/run-columns.ts';
import { runFiles } from '../../run-files/run-files.ts';
import { recomputedRows, reportedRows } from './metrics.ts';
import { resultsStamp, stampTime } from './names.ts';
import {
  configOf,
  filtersOf,
  forTask,
  manifestOf,
  metricsOf,
  modelName,
  type ResultsFile,
  readResultsFile,
} from './results-file.ts';
import { type ReadSamples, readSamples } from './samples.ts';

/** Reads one task or group of a results file; see `Family.read`. */
export async function readLmEvalRun(
  candidate: RunCandidate,
  sink: RunSink,
  context: ReadContext,
): Promise<RunSummary> {
  const log = issueLog(sink, context);
  const [resultsFile, samplesFile] = runFiles(candidate);
  if (resultsFile === undefined) throw new TypeError(`${candidate.runId} has no results file`);
  const [file, object] = resultsFile;
  const { content, issues } = await readResultsFile(context, object, file);
  for (const issue of issues) log.add(issue);
  const { part } = candidate;
  if (content === undefined || part === undefined)
    return { columns: runColumns({ status: 'failed' }), accepted: false };
  const { results } = content;
  const columns = columnsOf(content, part, file);
  const members = metricsOf(forTask(results.results, part));
  const rows = reportedRows(members, columns.split);
  if (samplesFile !== undefined) {
    const [name, samplesObject] = samplesFile;
    const task = forTask(results.configs, part);
    const samples = await readSamples(samplesObject, name, sink, context, log, {
      benchmark: part,
      split: columns.split,
      seed: columns.seed,
      modelId: columns.model_id,
      outputType: task?.output_type,
      filters: filtersOf(results, part),
    });
    checkSamples(samples, results, part, name, log);
    rows.push(...recomputedRows(samples.measured, { members, task: part, file }, task, columns.split, log));
  } else if (candidate.kind === 'task') {
    const message = `${part} has no samples file (no --log_samples); the run has its metrics only`;
    log.info({ code: 'NO_SAMPLES', file, message });
  }
  if (rows.length > 0) await sink.rows(METRICS, rows);
  log.finish();
  return { columns, accepted: !log.rejected };
}

function columnsOf({ document, results }: ResultsFile, part: string, file: string): RunColumns {
  const task = forTask(results.configs, part);
  const { config } = results;
  const stamp = resultsStamp(file);
  return runColumns({
    method: promptingOf(results, part),
    model_id: modelName(results),
    benchmark: part,
    // The harness evaluates on the test split where a task has one.
    split: task?.test_split ?? task?.validation_split ?? null,
    seed: seedOf(config),
    run_date: stamp?.slice(0, 10) ?? null,
    created_at: createdAt(results, stamp),
    status: statusOf(results, part),
    git_commit: results.git_hash ?? null,
    config: jsonText(configOf(document, part)),
    manifest: jsonText(manifestOf(document, part)),
  });
}

/** How the model was asked: scores of one benchmark are comparable only among runs that agree in this. */
function promptingOf({ 'n-shot': shots, configs, chat_template }: Results, part: string): string | null {
  const n = forTask(shots, part) ?? forTask(configs, part)?.num_fewshot;
  if (typeof n !== 'number' && typeof n !== 'bigint') return null;
  return chat_template ? `${n}-shot chat` : `${n}-shot`;
}

/** The seed that sampling draws from; `--seed <n>` sets all of them. The others stay in the configuration. */
function seedOf({ torch_seed, random_seed }: Results['config']): number | bigint | null {
  const seed = torch_seed ?? random_seed;
  return seed !== undefined && seed !== null && (typeof seed === 'bigint' || Number.isSafeInteger(seed))
    ? seed
    : null;
}

/** `date` is the start in seconds since the epoch; the file's name is local time, read as UTC without it. */
function createdAt({ date }: Results, stamp: string | undefined): bigint | null {
  if (typeof date === 'number' && Number.isFinite(date)) return BigInt(Math.round(date * 1e6));
  return stamp === undefined ? null : (parseIsoTime(stampTime(stamp)) ?? null);
}

/** `partial` when only the first documents were evaluated (`--limit`). */
function statusOf({ config, 'n-samples': counts }: Results, part: string): RunStatus {
  const count = forTask(counts, part);
  const limited = count === undefined ? (config.limit ?? null) !== null : count.effective < count.original;
  return limited ? 'partial' : 'completed';
}

function checkSamples(
  { counts, taskHash }: ReadSamples,
  { 'n-samples': expected, task_hashes: hashes }: Results,
  task: string,
  file: string,
  log: IssueLog,
): void {
  const n = forTask(expected, task)?.effective;
  for (const [filter, count] of counts) {
    if (n === undefined || Number(n) === count) continue;
    const message = `${count} samples of the filter ${filter}, ${n} according to the results`;
    log.warn({ code: 'SAMPLE_COUNT_MISMATCH', file, message });
  }
  const hash = forTask(hashes, task);
  if (hash === undefined || taskHash === undefined || hash === taskHash) return;
  const message = 'the samples are not those of the results: their hash differs from task_hashes';
  log.warn({ code: 'TASK_HASH_MISMATCH', file, message });
}

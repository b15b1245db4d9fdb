import type { Row } from '../../../../lake/tables/schema.ts';
import { METRICS } from '../../../../lake/tables/tables.ts';
import {
  RUNNER_IDENTITY_KEYS,
  runErrorSchema,
  runnerConfigSchema,
  runnerManifestSchema,
  runnerMetricsSchema,
} from '../../../contracts/hallulens/runner.ts';
import { type JsonObject, memberOf, textOf } from '../../../contracts/json-value.ts';
import { parseIsoTime } from '../../../contracts/scalars.ts';
import { schemaIssues } from '../../../contracts/schema-issues.ts';
import { absolutePath } from '../../../discovery/path.ts';
import type { ReadContext, RunCandidate, RunSink, RunStatus, RunSummary } from '../../../family.ts';
import { agrees, asNumber, metricRow } from '../../../metric-values.ts';
import { type IssueLog, issueLog } from '../../../run-files/issue-log.ts';
import { jsonText } from '../../../run-files/json-text.ts';
import { manifestJson } from '../../../run-files/manifest-json.ts';
import { runColumns } from '../../../run-files/run-columns.ts';
import { attachmentList, readRunDocument, runFiles } from '../../../run-files/run-files.ts';
import { whole } from '../contract-run/run-identity.ts';
import { parseSeedDirectory } from '../identity.ts';
import { METRIC_ALIASES, otherMembers, recompute, reportedMetrics } from '../metric-rows.ts';
import { resolveStore } from '../stores/locate.ts';
import { recordedStores } from '../stores/referenced.ts';
import { type RunnerPredictions, readRunnerPredictions } from './predictions.ts';

/** The runner scores its test set and has no name for another. */
const SPLIT = 'test';

/** Reads a run of the original runner (formats: section 7); see `Family.read`. */
export async function readRunnerRun(
  candidate: RunCandidate,
  sink: RunSink,
  context: ReadContext,
): Promise<RunSummary> {
  const log = issueLog(sink, context);
  const files = runFiles(candidate);
  const read = async (file: string, schema: Parameters<typeof schemaIssues>[0]) => {
    const value = await readRunDocument(files, file, context, log);
    // The runner's own artifacts are what it wrote, so a surprise in their shape does not keep them out.
    if (value !== undefined) for (const i of schemaIssues(schema, value, { file }, 'warning')) log.add(i);
    return value;
  };
  const config = await read('config.json', runnerConfigSchema);
  const manifest = await read('run_manifest.json', runnerManifestSchema);
  const metrics = await read('eval_metrics.json', runnerMetricsSchema);
  const extended = await readRunDocument(files, 'eval_metrics_extended.json', context, log);
  const failure = await read('run_error.json', runErrorSchema);
  if (!files.has('config.json')) {
    log.warn({ code: 'MISSING_FILE', file: 'config.json', message: 'the run has no configuration' });
  }

  const directories = absolutePath(context.tree.store.uri, candidate.root);
  const seeded = parseSeedDirectory(directories) !== undefined;
  const [dataset, method] = directories.slice(seeded ? -3 : -2);
  const benchmark =
    textOf(memberOf(config, 'dataset')?.['name']) ?? textOf(metrics?.['dataset']) ?? dataset ?? null;
  const modelId =
    textOf(memberOf(config, 'dataset')?.['model_name']) ??
    textOf(memberOf(config, 'dataset')?.['model']) ??
    null;
  const methodName =
    textOf(memberOf(config, 'method')?.['name']) ?? textOf(metrics?.['method']) ?? method ?? null;
  const seed = runSeed(config, metrics, directories, log);

  const predictionsFile = files.get('predictions.csv');
  const predictions =
    predictionsFile === undefined
      ? undefined
      : await readRunnerPredictions(predictionsFile, sink, context, log, {
          benchmark,
          method: methodName,
          modelId,
          seed,
          split: SPLIT,
        });
  await emitMetrics(metrics, extended, predictions, sink, log);
  const status = runStatus(metrics, failure, log);

  let linked = 0;
  const recorded = config === undefined ? [] : recordedStores(config);
  for (const { path, format } of recorded) {
    const ref = await resolveStore(context.tree, candidate.root, path, format, context.signal);
    if (ref === undefined) {
      const message = `no store ${path} from the run directory upwards; the run is read without activations`;
      log.info({ code: 'ACTIVATION_STORE_MISSING', file: 'config.json', message });
    } else if (!log.rejected) {
      linked++;
      for (const issue of (await sink.store(ref)).issues)
        log.add(issue.severity === 'error' ? { ...issue, severity: 'warning' } : issue);
    }
  }
  log.finish();

  const others = metrics === undefined ? undefined : otherMembers(metrics, RUNNER_IDENTITY_KEYS);
  const attachments = attachmentList(candidate);
  const createdAt = textOf(manifest?.['created_at']);
  return {
    accepted: !log.rejected,
    columns: runColumns({
      method: methodName,
      model_id: modelId,
      benchmark,
      split: SPLIT,
      seed,
      created_at: createdAt === undefined ? null : (parseIsoTime(createdAt) ?? null),
      status,
      git_commit: textOf(manifest?.['git_commit']) ?? null,
      git_dirty: typeof manifest?.['git_dirty'] === 'boolean' ? manifest['git_dirty'] : null,
      config: config === undefined ? null : jsonText(config),
      manifest: manifestJson(manifest, {
        layout: 'runner',
        stores: linked,
        ...(others === undefined ? {} : { eval_metrics: others }),
        ...(extended === undefined ? {} : { eval_metrics_extended: extended }),
        ...(attachments.length === 0 ? {} : { attachments }),
      }),
    }),
  };
}

function runSeed(
  config: JsonObject | undefined,
  metrics: JsonObject | undefined,
  directories: readonly string[],
  log: IssueLog,
): bigint | null {
  const fromPath = parseSeedDirectory(directories);
  const recorded = whole(config?.['training_seed']) ?? whole(metrics?.['seed']);
  if (fromPath !== undefined && recorded !== undefined && fromPath !== recorded) {
    log.run({
      code: 'SEED_PATH_MISMATCH',
      file: config === undefined ? 'eval_metrics.json' : 'config.json',
      pointer: config === undefined ? '/seed' : '/training_seed',
      message: `${recorded} in the file, ${fromPath} in the path`,
    });
  }
  const fromMetrics = whole(metrics?.['seed']);
  if (recorded !== undefined && fromMetrics !== undefined && fromMetrics !== recorded) {
    const message = `${fromMetrics} here, ${recorded} in config.json`;
    log.run({ code: 'SEED_MISMATCH', file: 'eval_metrics.json', pointer: '/seed', message });
  }
  return recorded ?? fromPath ?? null;
}

function runStatus(
  metrics: JsonObject | undefined,
  failure: JsonObject | undefined,
  log: IssueLog,
): RunStatus {
  const error = textOf(failure?.['error'])?.trimEnd();
  if (failure !== undefined && metrics === undefined) {
    log.warn({
      code: 'RUN_ERROR',
      file: 'run_error.json',
      pointer: '/error',
      message: error ?? 'the run failed and left no message',
    });
    return 'failed';
  }
  if (failure !== undefined) {
    const message = `an error report of an earlier attempt lies beside the results: ${lastLine(error)}`;
    log.warn({ code: 'STALE_RUN_ERROR', file: 'run_error.json', pointer: '/error', message });
  }
  return metrics === undefined ? 'running' : 'completed';
}

function lastLine(error: string | undefined): string {
  return error?.slice(error.lastIndexOf('\n') + 1) ?? 'no message';
}

const COUNT_KEYS: ReadonlySet<string> = new Set([
  ...RUNNER_IDENTITY_KEYS,
  'auroc_persisted',
  'bootstrap_seed',
]);

async function emitMetrics(
  metrics: JsonObject | undefined,
  extended: JsonObject | undefined,
  predictions: RunnerPredictions | undefined,
  sink: RunSink,
  log: IssueLog,
): Promise<void> {
  const rows = new Map<string, Row>();
  // The extended file repeats some metrics and adds their intervals.
  for (const document of [metrics, extended]) {
    if (document === undefined) continue;
    const identity = document === metrics ? RUNNER_IDENTITY_KEYS : COUNT_KEYS;
    for (const metric of reportedMetrics(document, SPLIT, identity)) {
      const known = rows.get(metric.metric);
      if (known === undefined || (metric.ciLow ?? null) !== null) {
        rows.set(metric.metric, metricRow({ ...metric, value: knownValue(known) ?? metric.value }));
      }
    }
  }
  for (const [name, value] of Object.entries(metrics ?? {})) {
    if (typeof value !== 'number' || Number.isFinite(value)) continue;
    const message = `${name} is the bare token ${value}, which is not JSON; it is kept as the number`;
    log.warn({ code: 'JSON_NAN_LITERAL', file: 'eval_metrics.json', pointer: `/${name}`, message });
  }
  if (rows.size > 0) await sink.rows(METRICS, [...rows.values()]);
  if (predictions === undefined || predictions.scores.length === 0) return;
  const computed = recompute(predictions.scores);
  await sink.rows(
    METRICS,
    [...computed].map(([metric, value]) => metricRow({ metric, value, split: SPLIT, source: 'recomputed' })),
  );
  compareReported(metrics, computed, 'eval_metrics.json', log);
  compareReported(extended, computed, 'eval_metrics_extended.json', log);
}

function knownValue(row: Row | undefined): number | undefined {
  const value = row?.['value'];
  return typeof value === 'number' ? value : undefined;
}

function compareReported(
  document: JsonObject | undefined,
  computed: ReadonlyMap<string, number>,
  file: string,
  log: IssueLog,
): void {
  for (const [metric, value] of computed) {
    for (const name of METRIC_ALIASES[metric] ?? []) {
      const reported = asNumber(document?.[name]);
      if (reported === undefined || agrees(reported, value)) continue;
      const message = `${reported} reported, ${value} recomputed from predictions.csv`;
      log.warn({ code: 'METRIC_MISMATCH', file, pointer: `/${name}`, message });
    }
  }
}

import { evalMetricsSchema } from '../../../contracts/hallulens/eval-metrics.ts';
import { runConfigSchema } from '../../../contracts/hallulens/run-config.ts';
import { runManifestSchema } from '../../../contracts/hallulens/run-manifest.ts';
import { type JsonObject, memberOf, textOf } from '../../../contracts/json-value.ts';
import { modelCheckIssues } from '../../../contracts/model-check.ts';
import { parseIsoTime } from '../../../contracts/scalars.ts';
import { schemaIssues } from '../../../contracts/schema-issues.ts';
import { absolutePath } from '../../../discovery/path.ts';
import type { Issue, ReadContext, RunCandidate, RunSink, RunSummary } from '../../../family.ts';
import { IdMap } from '../../../id-map.ts';
import { asNumber } from '../../../metric-values.ts';
import { issueLog } from '../../../run-files/issue-log.ts';
import { jsonText } from '../../../run-files/json-text.ts';
import { manifestJson } from '../../../run-files/manifest-json.ts';
import { attachmentList, readRunDocument, runFiles } from '../../../run-files/run-files.ts';
import { parseContractPath, parseSeedDirectory } from '../identity.ts';
import { otherMembers } from '../metric-rows.ts';
import { ingestStore, linkStores } from './activation-link.ts';
import { type ChecklistEvidence, checklistJson, complianceChecklist } from './checklist.ts';
import { EVAL_METRICS_FILE, evaluate } from './evaluation.ts';
import { GENERATIONS_FILE, readGenerations } from './generations.ts';
import { PREDICTIONS_FILE } from './prediction-rows.ts';
import { readPredictions } from './predictions.ts';
import { checkAgainstConfig, checkAgainstPath, expectedIdentity, whole } from './run-identity.ts';
import { readTrainMetrics, TRAIN_METRICS_FILE } from './train-metrics.ts';

const REQUIRED_FILES = [
  'config.json',
  'run_manifest.json',
  GENERATIONS_FILE,
  PREDICTIONS_FILE,
  EVAL_METRICS_FILE,
  TRAIN_METRICS_FILE,
] as const;

const NO_METRICS: ReadonlySet<string> = new Set([
  'benchmark',
  'split',
  'method',
  'model_id',
  'seed',
  'n_examples',
]);

/** Reads a run that follows the results contract (DESIGN section 4); see `Family.read`. */
export async function readContractRun(
  candidate: RunCandidate,
  sink: RunSink,
  context: ReadContext,
): Promise<RunSummary> {
  const evidence: ChecklistEvidence[] = [];
  const log = issueLog(
    {
      issue(issue: Issue) {
        if (issue.severity !== 'info' && evidence.length < 1000)
          evidence.push({
            code: issue.code,
            file: issue.file,
            pointer: issue.pointer,
            message: issue.message,
          });
        sink.issue(issue);
      },
    },
    context,
  );
  const files = runFiles(candidate);
  for (const file of REQUIRED_FILES) {
    if (!files.has(file)) log.run({ code: 'MISSING_FILE', file, message: 'the contract requires this file' });
  }
  const config = await readRunDocument(files, 'config.json', context, log);
  const manifest = await readRunDocument(files, 'run_manifest.json', context, log);
  const metrics = await readRunDocument(files, EVAL_METRICS_FILE, context, log);
  const validate = (
    schema: Parameters<typeof schemaIssues>[0],
    value: JsonObject | undefined,
    file: string,
  ) => {
    if (value === undefined) return;
    for (const issue of schemaIssues(schema, value, { file })) log.add(issue);
  };
  validate(runConfigSchema, config, 'config.json');
  validate(runManifestSchema, manifest, 'run_manifest.json');
  validate(evalMetricsSchema, metrics, EVAL_METRICS_FILE);
  for (const issue of modelCheckIssues(manifest, 'run_manifest.json')) log.add(issue);

  const directories = absolutePath(context.tree.store.uri, candidate.root);
  const path = parseContractPath(directories);
  if (path === undefined) {
    const message = `${directories.slice(-5).join('/')}; expected {date}/{method}/{model}/{benchmark}/seed_{n}`;
    log.warn({ code: 'NAMING_CONVENTION', message });
  } else {
    checkAgainstPath(config, 'config.json', path, log);
    checkAgainstPath(metrics, EVAL_METRICS_FILE, path, log);
  }
  const identity = expectedIdentity(config, metrics);
  if (metrics !== undefined) checkAgainstConfig(metrics, identity, log);
  if (files.has('run_error.json')) {
    log.warn({
      code: 'STALE_RUN_ERROR',
      file: 'run_error.json',
      message: 'an error report lies beside the results of a run',
    });
  }

  const logsActivations = memberOf(config, 'activation_logging')?.['enabled'] !== false;
  const stores = config === undefined ? undefined : await linkStores(config, candidate, context, log);
  const needed = new IdMap();
  const generationsFile = files.get(GENERATIONS_FILE);
  const hasEntry =
    stores === undefined
      ? undefined
      : (key: string): boolean => {
          const found = stores.keys.has(key);
          if (found) needed.set(key, 1);
          return found;
        };
  const generations =
    generationsFile === undefined
      ? undefined
      : await readGenerations(generationsFile, sink, context, log, identity, logsActivations, hasEntry);
  const predictionsFile = files.get(PREDICTIONS_FILE);
  const predictions =
    predictionsFile === undefined
      ? undefined
      : await readPredictions(predictionsFile, sink, context, log, {
          identity,
          examples: generations?.examples,
          unreadableGenerations: generations?.unreadable ?? 0,
          threshold: asNumber(metrics?.['threshold']),
        });
  for (const { id, key, line } of generations?.unlinked ?? []) {
    if (generations?.examples.get(id)?.predicted !== false) continue;
    log.warn({
      code: 'ACTIVATION_ENTRY_MISSING',
      file: GENERATIONS_FILE,
      line,
      message: `the activation store has no entry ${key}; no prediction needs it`,
    });
  }
  await evaluate(metrics, predictions, sink, log, context.lenient);
  const trainFile = files.get(TRAIN_METRICS_FILE);
  const trainRecords = trainFile === undefined ? 0 : await readTrainMetrics(trainFile, sink, context, log);
  if (config !== undefined && config['training'] === undefined && trainRecords > 0) {
    log.run({
      code: 'MISSING_REQUIRED_FIELD',
      file: 'config.json',
      pointer: '/training',
      message: '/training is missing, but train_metrics.jsonl has records; expected an object',
    });
  }
  for (const ref of log.rejected ? [] : (stores?.refs ?? []))
    await ingestStore(ref, sink, log, (key) => needed.has(key));
  log.finish();

  const checklist = complianceChecklist(evidence);
  const failed = checklist.filter((item) => !item.passed);
  const git = memberOf(manifest, 'git');
  const createdAt = textOf(manifest?.['created_at']);
  const attachments = attachmentList(candidate);
  const others = metrics === undefined ? undefined : otherMembers(metrics, NO_METRICS);
  return {
    accepted: !log.rejected,
    columns: {
      method: identity.method ?? path?.method ?? null,
      model_id: identity.modelId ?? null,
      benchmark: identity.benchmark ?? path?.benchmark ?? null,
      split: identity.split ?? null,
      seed:
        identity.seed ?? path?.seed ?? parseSeedDirectory(directories) ?? whole(metrics?.['seed']) ?? null,
      run_date: path?.date ?? null,
      created_at: createdAt === undefined ? null : (parseIsoTime(createdAt) ?? null),
      status: 'completed',
      verdict: failed.length === 0 ? 'COMPLIANT' : 'NONCOMPLIANT',
      verdict_reasons: failed.map(({ item, detail }) => `${item}: ${detail}`),
      git_commit: textOf(git?.['commit']) ?? null,
      git_dirty: typeof git?.['dirty'] === 'boolean' ? git['dirty'] : null,
      config: config === undefined ? null : jsonText(config),
      manifest: manifestJson(manifest, {
        ...(others === undefined ? {} : { eval_metrics: others }),
        ...(attachments.length === 0 ? {} : { attachments }),
      }),
      compliance: checklistJson(checklist),
    },
  };
}

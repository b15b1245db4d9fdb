import { type JsonObject, memberOf, textOf } from '../../contracts/json-value.ts';
import { parseIsoTime } from '../../contracts/scalars.ts';
import type { ReadContext, RunCandidate, RunSink, RunStatus, RunSummary } from '../../family.ts';
import { asNumber } from '../../metric-values.ts';
import { jsonText } from '../../run-files/json-text.ts';
import { attachmentList } from '../../run-files/run-files.ts';
import { readAdditions } from './additions.ts';
import { readAttributions } from './attribution.ts';
import { checkExpectedLayers, judgeStatus, missingFiles } from './completeness.ts';
import {
  type ConfigCopy,
  checkConfig,
  FV_META_MEMBERS,
  INJECTION_MEMBERS,
  MODEL_MEMBERS,
  SAMPLED_MEMBERS,
  TOP_HEADS_MEMBERS,
} from './config-check.ts';
import { Examples } from './examples.ts';
import {
  averageOverQueries,
  compareAverages,
  compareTopHeads,
  emitHeads,
  type HeadTable,
  readResumedScores,
  readScores,
} from './heads.ts';
import { readSweep, type Sweep } from './injections.ts';
import type { FvRole } from './layout.ts';
import { emitInjectionMetrics, emitSweepMetrics } from './metrics.ts';
import {
  countOf,
  type ModelShape,
  modelShape,
  perfEvidence,
  placesEvidence,
  type ShapeEvidence,
} from './model-shape.ts';
import { type OpenRun, openRun } from './open-run.ts';
import { rankHeads } from './ranking.ts';
import { readDocument } from './run.ts';
import { checkInjectedVector, checkSummary } from './sweep-check.ts';
import { compareWithTrials, readTrialMetrics, type TrialMetrics } from './trial-metrics.ts';
import { readSampledTrials, type SampledTrials } from './trials.ts';
import { type FvVectors, readVectors } from './vectors.ts';

/** Reads a function-vector run in any state (formats: section 6); see `Family.read`. */
export async function readFvRun(
  candidate: RunCandidate,
  sink: RunSink,
  context: ReadContext,
): Promise<RunSummary> {
  const opened = await openRun(candidate, sink, context);
  const { run, statusFile, documents, config, identity, scoreKey } = opened;
  const sampled = await readSampledTrials(run, identity);
  const { table, trials } = await readHeads(opened, sampled);
  const vectors = await readVectors(run, table);
  const examples = new Examples(identity);
  const sweeps: Sweep[] = [];
  for (const files of run.layout.sweeps) sweeps.push(await readSweep(run, files, examples));
  await readAdditions(run, examples);

  const shape = modelShape(vectors.cleanMean, shapeEvidence(opened, table, vectors, sweeps), run.log);
  const gaps = checkHeadGaps(opened, table, shape);
  for (const sweep of sweeps) await finishSweep(opened, sweep, vectors, shape);
  if (table !== undefined) {
    const single = table.heads.every(({ qId }) => qId === table.heads[0]?.qId);
    await emitSweepMetrics(run, averageOverQueries(table.heads), single ? trials : undefined, run.qId);
  }
  if (statusFile?.status !== undefined && config !== undefined)
    checkConfig(config, configCopies(opened, sampled, sweeps), run.log);
  const status = statusOf(opened, sampled, sweeps, shape, gaps || table?.partial === true);
  run.log.finish();

  const created = textOf(statusFile?.document?.['created_at'] ?? documents.get('run-meta')?.['created_at']);
  return {
    accepted: !run.log.rejected,
    columns: {
      method: 'function_vector',
      model_id: identity.modelId,
      benchmark: identity.benchmark,
      split: run.qId ?? onlyQuery(table, sweeps),
      seed: identity.seed,
      run_date: null,
      created_at: created === undefined ? null : (parseIsoTime(created) ?? null),
      status,
      verdict: null,
      verdict_reasons: null,
      git_commit: null,
      git_dirty: null,
      config: config === undefined ? null : jsonText(config),
      manifest: manifestOf(candidate, opened, sampled, {
        n_layers: shape.layers ?? null,
        n_heads: shape.heads ?? null,
        score_key: scoreKey,
        topk: topK(opened) ?? null,
      }),
      compliance: null,
    },
  };
}

/** The relation query that all rows are about, in a run that has no status file to say so. */
function onlyQuery(table: HeadTable | undefined, sweeps: readonly Sweep[]): string | null {
  const queries = new Set([...(table?.heads ?? []), ...sweeps].map(({ qId }) => qId));
  const [only = null] = queries;
  return queries.size === 1 ? only : null;
}

/** Number of heads in the function vector. */
function topK({ topHeads, config }: OpenRun): number | undefined {
  return topHeads?.heads.length ?? asNumber(config?.['topk']);
}

/**
 * The scores of heads and their trials. `cie_scores.csv` has a row for each relation query and is preferred to the
 * average in `aie_scores.csv`; the resume files count only where the sweep wrote neither.
 */
async function readHeads(
  { run, topHeads, scoreKey }: OpenRun,
  { exampleIds }: SampledTrials,
): Promise<{ readonly table: HeadTable | undefined; readonly trials: TrialMetrics | undefined }> {
  const { layout } = run;
  const [cieFile, aieFile, resumeFile] = [
    layout.first('cie'),
    layout.first('aie'),
    layout.first('resume-heads'),
  ];
  const cie = cieFile === undefined ? undefined : await readScores(run, cieFile);
  const aie = aieFile === undefined ? undefined : await readScores(run, aieFile);
  // A file of which nothing could be read is one complaint, not one a head.
  if (cie !== undefined && cie.heads.length > 0 && aie !== undefined) compareAverages(run, cie, aie);
  const resumed =
    cie === undefined && aie === undefined && resumeFile !== undefined
      ? await readResumedScores(run, resumeFile)
      : undefined;
  const table = cie ?? aie ?? resumed;

  const complete = layout.first('trial-metrics');
  const attributions = await readAttributions(run);
  const trialFile = complete ?? (resumed === undefined ? undefined : layout.first('resume-trials'));
  const trials =
    trialFile === undefined
      ? undefined
      : await readTrialMetrics(run, trialFile, complete === undefined, exampleIds, attributions);
  if (table === undefined || table.heads.length === 0) return { table: undefined, trials };
  if (trials !== undefined) compareWithTrials(run, table, trials);
  if (topHeads !== undefined) {
    const ranked = rankHeads(averageOverQueries(table.heads), ({ scores }) => scores.get(scoreKey));
    compareTopHeads(run, layout.first('top-heads') ?? '', topHeads, ranked, scoreKey);
  }
  if (!table.heads.some(({ scores }) => scores.has(scoreKey))) {
    const message = `no head has a ${scoreKey}, by which the run ranks them; ranks are null`;
    run.log.warn({ code: 'MISSING_SCORE_KEY', file: table.file, message });
  }
  await emitHeads(run, table, scoreKey, topHeads, attributions);
  return { table, trials };
}

function shapeEvidence(
  { run, statusFile, documents, topHeads }: OpenRun,
  table: HeadTable | undefined,
  { byLayer }: FvVectors,
  sweeps: readonly Sweep[],
): ShapeEvidence[] {
  const { layout } = run;
  const evidence: ShapeEvidence[] = [];
  if (table !== undefined) evidence.push(placesEvidence(table.file, table.heads));
  if (topHeads !== undefined) evidence.push(placesEvidence(layout.first('top-heads') ?? '', topHeads.heads));
  if (byLayer !== undefined)
    evidence.push({ file: layout.first('fv-by-layer') ?? '', layers: countOf(byLayer) });
  const perf = documents.get('perf-stats');
  if (perf !== undefined) evidence.push(perfEvidence(layout.first('perf-stats') ?? '', perf));
  const expected = statusFile?.status?.expected_layers;
  if (expected && statusFile !== undefined)
    evidence.push({ file: statusFile.file, layers: countOf(expected) });
  for (const { files, injections } of sweeps) {
    const [first] = injections;
    evidence.push({
      file: files.path,
      layers: countOf(injections.map(({ layer }) => layer)),
      heads: asNumber(memberOf(first?.meta, 'config')?.['n_heads']),
    });
  }
  return evidence;
}

/** Whether heads of the model have no score; a completed sweep has all that it was asked for. */
function checkHeadGaps(
  { run, statusFile }: OpenRun,
  table: HeadTable | undefined,
  { layers, heads }: ModelShape,
): boolean {
  if (table === undefined || layers === undefined || heads === undefined) return false;
  const queries = Math.max(1, new Set(table.heads.map(({ qId }) => qId)).size);
  const swept = statusFile?.status?.swept;
  const expected = queries * (swept ? swept.layers.length * swept.heads.length : layers * heads);
  if (table.heads.length >= expected) return false;
  run.log.add({
    severity: run.unfinished ? 'info' : 'warning',
    code: 'HEADS_MISSING',
    file: table.file,
    message: swept
      ? `${table.heads.length} heads have scores; ${expected} were to be swept`
      : `${table.heads.length} heads have scores; ${layers} layers of ${heads} heads have ${expected}`,
  });
  return true;
}

async function finishSweep(
  { run, topHeads, scoreKey }: OpenRun,
  sweep: Sweep,
  vectors: FvVectors,
  { layers }: ModelShape,
): Promise<void> {
  const file = sweep.files.summary;
  const summary = await readDocument(run, file);
  if (summary !== undefined && file !== undefined) checkSummary(run, file, summary, sweep, layers);
  checkInjectedVector(run, sweep, topHeads, vectors.globalNorm);
  await emitInjectionMetrics(run, sweep, textOf(summary?.['score_key']) ?? scoreKey, summary);
}

function configCopies(
  { run, documents }: OpenRun,
  sampled: SampledTrials,
  sweeps: readonly Sweep[],
): ConfigCopy[] {
  const { layout } = run;
  const copy = (
    role: FvRole,
    pointer: string,
    object: JsonObject | undefined,
    members: ConfigCopy['members'],
  ) => ({
    file: layout.first(role) ?? '',
    pointer,
    object,
    members,
  });
  return [
    copy('trials', '/meta', sampled.meta, SAMPLED_MEMBERS),
    copy('zero-shot', '/meta', sampled.zeroShotMeta, MODEL_MEMBERS),
    copy('top-heads', '/meta', memberOf(documents.get('top-heads'), 'meta'), TOP_HEADS_MEMBERS),
    copy('fv-meta', '', documents.get('fv-meta'), FV_META_MEMBERS),
    ...sweeps.flatMap(({ files, injections }) =>
      injections.map(({ layer, meta }) => ({
        file: `${files.path === '' ? '' : `${files.path}/`}layer_${layer}/eval_meta.json`,
        pointer: '',
        object: meta,
        members: INJECTION_MEMBERS,
      })),
    ),
  ];
}

function statusOf(
  { run, statusFile }: OpenRun,
  sampled: SampledTrials,
  sweeps: readonly Sweep[],
  { layers }: ModelShape,
  gaps: boolean,
): RunStatus {
  const { layout, log } = run;
  const marker = statusFile?.file ?? layout.first('trials') ?? '';
  const injected = new Set(
    sweeps.flatMap(({ injections }) => injections.filter((item) => item.complete).map(({ layer }) => layer)),
  );
  const missing = missingFiles({
    layout,
    base: marker.slice(0, marker.lastIndexOf('/') + 1),
    layers,
    injected,
  });
  if (statusFile?.status !== undefined) {
    const hasArtifacts = run.files.size > 1;
    checkExpectedLayers(statusFile.file, statusFile.status, layers, log);
    const status = judgeStatus(statusFile.file, statusFile.status, missing, hasArtifacts, log);
    return status === 'completed' && gaps ? 'partial' : status;
  }
  const layerGaps = sweeps.some(({ injections }) => injections.length < (layers ?? 0));
  // The orchestrator's runs, and only they, sample from a relation's CSV file and must be complete.
  const qWise = sampled.meta?.['source'] === 'relation_csv';
  return gaps || layerGaps || (qWise && missing.length > 0) ? 'partial' : 'completed';
}

/** The status file without its configuration; what has no table goes under the key `runlake`. */
function manifestOf(
  candidate: RunCandidate,
  { statusFile, documents }: OpenRun,
  sampled: SampledTrials,
  facts: JsonObject,
): string {
  const { config: _, ...status } = statusFile?.document ?? {};
  const kept: JsonObject = { layout: candidate.kind, ...facts };
  for (const [role, document] of documents) {
    const { heads: _heads, ...rest } = document;
    // The meta data of the vector repeat the heads of top_heads.json.
    kept[role.replaceAll('-', '_')] = role === 'fv-meta' ? rest : document;
  }
  if (sampled.meta !== undefined) kept['sampled_trials'] = sampled.meta;
  if (sampled.zeroShotMeta !== undefined) kept['sampled_trials_zeroshot'] = sampled.zeroShotMeta;
  const attachments = attachmentList(candidate);
  if (attachments.length > 0) kept['attachments'] = attachments;
  return jsonText({ ...status, runlake: kept });
}

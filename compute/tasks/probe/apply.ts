import type { JsonValue } from '../../../ingest/contracts/json-value.ts';
import type { LakeSnapshot } from '../../../lake/engine/types.ts';
import { RUNS } from '../../../lake/tables/tables.ts';
import { PermanentTaskError, type TaskContext } from '../../jobs/worker.ts';
import { ingestResults } from '../contract-run/ingest-results.ts';
import { jobStart } from '../contract-run/provenance.ts';
import { queryRows, text } from '../query.ts';
import { jobPrefix, type TaskServices } from '../task.ts';
import { ProbeActivations } from './activations.ts';
import { uncertainties } from './controls/uncertainty.ts';
import { fileSession } from './graph-session.ts';
import { defined } from './judge.ts';
import type { FeatureMatrix } from './matrix.ts';
import type { Fit } from './method.ts';
import type { StoredProbe } from './probe-document.ts';
import { PROBE_TOKENS, type ProbeSpec } from './probe-spec.ts';
import { probeIdentity, writeScoredRun } from './scored-run.ts';
import { seedReport } from './seed-run.ts';
import { labelledExamples, pinnedSnapshot } from './source.ts';
import { mask } from './splits.ts';
import { readOnnx, readStoredProbe } from './stored-probe.ts';
import { probeData } from './sweep.ts';

/** Rows that are scored at once. */
const ROWS = 512;

/** Scores the labelled examples of runs with the probe of another run, and puts the result into the lake as a run of its own. */
export async function applyProbe(
  probeRun: string,
  spec: ProbeSpec,
  context: TaskContext,
  services: TaskServices,
): Promise<JsonValue> {
  const { job, signal, progress } = context;
  const { store, lake } = services;
  progress({ stage: 'read', done: 0 });
  const start = await jobStart(store, job.id, spec.date, signal);
  const snapshot = await pinnedSnapshot(context, services);
  const { probe, onnx } = await probeOf(probeRun, snapshot, context, services);
  const { site, segment, method, seed } = probe;
  const token = PROBE_TOKENS.find((one) => one === probe.token) ?? spec.token;
  const layers = probe.kind === 'linear' ? [probe.layer] : probe.layers;
  const source = await labelledExamples(spec, snapshot, context, services);
  const { examples, runs } = source;
  const place = { site, segment: segment === 'prompt' ? segment : 'response', token } as const;
  const activations = await ProbeActivations.find(examples, runs, place, lake, snapshot, signal);
  requireFitting(probe, layers, runs[0]!.modelId, activations);
  const identity = probeIdentity(spec, { start, source, method: `${method}_applied`, seed });
  const isLogOdds = probe.threshold !== null;
  const names = probe.onnx!.outputs.slice(1);
  const scores = await scoresOf(onnx, names, { activations, layers, spec, isLogOdds }, context, services);
  const data = probeData(examples);
  const none = mask(examples.length, () => false);
  const split = { train: none, test: mask(examples.length, () => true), inner: none };
  const fit: Fit = {
    ...{ layers: [...layers], takes: [...layers], seed, scores, validation: [null] },
    ...{ told: {}, training: {}, log: [], onnx: '', finishedAt: start.createdAt },
  };
  const report = await seedReport(
    data,
    { seed, splits: [split], fits: [fit], chosen: [0], kept: 0, controls: { scores: {} }, shuffled: [] },
    {
      method: { headline: names[0]!, isLogOdds },
      resamples: spec.resamples,
      seed,
      signal,
      uncertainties: await uncertainties(examples, runs, lake, snapshot, signal),
    },
  );
  const config = { probe: { applied: probeRun, method, ...place, layers: [...layers] } };
  const note = `the probe of ${probeRun}`;
  await writeScoredRun(
    { identity, start, source, activations, report, snapshot: snapshot.token, note, config },
    context,
    store,
  );
  progress({ stage: 'ingest', done: 0 });
  const runIds = await ingestResults(services, `${jobPrefix(job.id)}/runs`, signal);
  return { runIds, examples: examples.length, layers: [...layers], auroc: defined(report.auroc) };
}

/**
 * The probe of a run and its file. Only of jobs of this lake: ONNX Runtime is not made to load what a stranger wrote.
 * @throws PermanentTaskError
 */
async function probeOf(
  runId: string,
  snapshot: LakeSnapshot,
  { signal }: TaskContext,
  { lake, store, env }: TaskServices,
): Promise<{ readonly probe: StoredProbe; readonly onnx: Uint8Array }> {
  const [row] = await queryRows(
    lake,
    snapshot,
    [{ table: RUNS.name, prune: [{ column: 'run_id', in: [runId] }] }],
    ([runs]) => `SELECT source_uri FROM ${runs} WHERE run_id = $1`,
    { params: [runId], signal },
  );
  if (row === undefined)
    throw new PermanentTaskError('RUN_NOT_FOUND', `there is no run ${runId} in the lake`);
  const uri = text(row['source_uri']);
  if (!uri.startsWith(`${store.uri}/jobs/`))
    throw new PermanentTaskError(
      'NO_PROBE',
      `${runId} lies at ${uri}; expected a run of a probe job of this lake`,
    );
  const probe = await readStoredProbe(uri, { env, signal });
  const onnx = probe && (await readOnnx(uri, probe, { env, signal }));
  if (probe === undefined || onnx === undefined)
    throw new PermanentTaskError('NO_PROBE', `${runId} has no probe with an undamaged ONNX file`);
  return { probe, onnx };
}

/** @throws PermanentTaskError when activations mean something else than those that the probe learnt from */
function requireFitting(
  { model_id: modelId, dim }: StoredProbe,
  layers: readonly number[],
  model: string,
  activations: ProbeActivations,
): void {
  if (model !== modelId)
    throw new PermanentTaskError('OTHER_MODEL', `the probe is of ${modelId}, the runs are of ${model}`);
  const missing = layers.find((layer) => !activations.layers.includes(layer));
  if (missing !== undefined)
    throw new PermanentTaskError('NO_SUCH_LAYER', `the runs have no activations of layer ${missing}`);
  if (activations.dim !== dim)
    throw new PermanentTaskError(
      'OTHER_WIDTH',
      `activations have ${activations.dim} values, the probe takes ${dim}`,
    );
}

async function scoresOf(
  onnx: Uint8Array,
  names: readonly string[],
  of: {
    readonly activations: ProbeActivations;
    readonly layers: readonly number[];
    readonly spec: ProbeSpec;
    readonly isLogOdds: boolean;
  },
  { job, signal, progress }: TaskContext,
  { scratch }: TaskServices,
): Promise<Record<string, number[][]>> {
  const { activations, layers, spec, isLogOdds } = of;
  const { dim } = activations;
  const memoryBytes = Math.floor(spec.memoryBytes / layers.length);
  const matrices: FeatureMatrix[] = [];
  const session = await fileSession(onnx, spec.threads);
  try {
    for (const layer of layers) {
      const options = { memoryBytes, scratch, name: `${job.id}-${layer}` };
      matrices.push(await activations.matrix(layer, options, signal));
    }
    const total = matrices[0]!.rows;
    const scores = names.map(() => [] as number[]);
    for (let start = 0; start < total; start += ROWS) {
      const rows = Array.from({ length: Math.min(ROWS, total - start) }, (_, i) => start + i);
      const data = await recorded(matrices, rows, dim);
      const shape = isLogOdds ? [rows.length, dim] : [rows.length, layers.length, dim];
      const found = await session.run({ activations: { type: 'float32', data, shape } }, names);
      names.forEach((name, i) => {
        scores[i]!.push(...found.get(name)!.data);
      });
      progress({ stage: 'score', done: start + rows.length, total });
    }
    return Object.fromEntries(names.map((name, i) => [name, [scores[i]!]]));
  } finally {
    for (const matrix of matrices) await matrix.close();
    await session.release();
  }
}

/** Activations as they were recorded: rows x layers x dim. */
async function recorded(
  matrices: readonly FeatureMatrix[],
  rows: readonly number[],
  dim: number,
): Promise<Float32Array> {
  const data = new Float32Array(rows.length * matrices.length * dim);
  const own = new Float32Array(rows.length * dim);
  for (const [layer, matrix] of matrices.entries()) {
    await matrix.gather(rows, own);
    for (let i = 0; i < rows.length; i++)
      for (let j = 0; j < dim; j++)
        data[(i * matrices.length + layer) * dim + j] =
          own[i * dim + j]! * matrix.scale[j]! + matrix.mean[j]!;
  }
  return data;
}

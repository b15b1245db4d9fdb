import type { JsonObject } from '../../../ingest/contracts/json-value.ts';
import { summarise } from '../../../ingest/stats/index.ts';
import { InvalidArgumentError } from '../../../lake/errors.ts';
import { PermanentTaskError, type TaskContext } from '../../jobs/worker.ts';
import { runDirectory } from '../contract-run/contract-run.ts';
import { ingestResults } from '../contract-run/ingest-results.ts';
import { jobStart } from '../contract-run/provenance.ts';
import { jobPrefix, type TaskDefinition, type TaskServices } from '../task.ts';
import { ProbeActivations } from './activations.ts';
import { applyProbe } from './apply.ts';
import { uncertainties } from './controls/uncertainty.ts';
import { defined } from './judge.ts';
import type { Fit, ProbeMethod } from './method.ts';
import { methodOf } from './methods.ts';
import { ONNX_FILE, PROBE_FILE } from './probe-document.ts';
import { type ProbeSpec, probeSpec } from './probe-spec.ts';
import { probeIdentity, type ScoredRun, writeScoredRun } from './scored-run.ts';
import { type SeedReport, seedReport } from './seed-run.ts';
import { labelledExamples, pinnedSnapshot } from './source.ts';
import { fitsPrefix, probeData, type SeedFits, Sweep } from './sweep.ts';
import { probeDocument } from './written-probe.ts';

/** Trains probes that tell hallucinations from activations in the lake, and puts one run a seed into the lake. */
export const probeTask: TaskDefinition<ProbeSpec> = {
  kind: 'probe',
  doc: 'Trains hallucination probes on activations in the lake, with controls, and puts one run a seed into the lake; or scores runs with a probe that was trained before.',
  spec: probeSpec,

  async run(spec, context, services) {
    if (spec.apply !== undefined) return applyProbe(spec.apply, spec, context, services);
    const { job, signal, progress } = context;
    const { store, lake } = services;
    const prefix = jobPrefix(job.id);
    progress({ stage: 'read', done: 0 });
    const start = await jobStart(store, job.id, spec.date, signal);
    const snapshot = await pinnedSnapshot(context, services);
    const source = await labelledExamples(spec, snapshot, context, services);
    const { examples, runs } = source;
    const activations = await ProbeActivations.find(examples, runs, spec, lake, snapshot, signal);
    const data = probeData(examples);
    const method = methodOf(spec);
    const candidates = candidateLayers(spec, method, activations.layers);
    // Before hours are spent: names that cannot be directories.
    for (const seed of spec.seeds)
      runDirectory(probeIdentity(spec, { start, source, method: spec.method, seed }));
    const fits = await unlessTooFew(() =>
      Sweep.run({ spec, data, activations, method, candidates, context, services }),
    );
    const scores = await uncertainties(examples, runs, lake, snapshot, signal);
    const reports: SeedReport[] = [];
    for (const [i, own] of fits.entries()) {
      progress({ stage: 'judge', done: i, total: fits.length });
      const { resamples } = spec;
      const options = { method, resamples, seed: own.seed, signal, uncertainties: scores };
      const report = await seedReport(data, own, options);
      const run = { spec, start, source, activations, fits: own, report, snapshot: snapshot.token };
      await writeSeedRun(run, context, services);
      context.log(
        'info',
        `seed ${own.seed}: AUROC ${report.auroc.toFixed(3)}, layer ${keptOf(own).takes.join(', ')}`,
      );
      reports.push(report);
    }
    progress({ stage: 'ingest', done: 0 });
    const runIds = await ingestResults(services, `${prefix}/runs`, signal);
    const keys: string[] = [];
    for await (const { key } of store.list({ prefix: fitsPrefix(job.id), signal })) keys.push(key);
    await store.delete(keys, { signal });
    const { n, mean, halfWidth } = summarise(reports.map(({ auroc }) => auroc));
    return {
      runIds,
      examples: examples.length,
      layers: fits.flatMap((own) => keptOf(own).takes),
      auroc: { mean: defined(mean), half_width_t95: defined(halfWidth), seeds: n },
    };
  },
};

/** Too few examples of a class is nothing that another attempt could mend. */
async function unlessTooFew<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof InvalidArgumentError)) throw error;
    const message = `${error.message}; expected ${error.expected ?? 'more examples'}`;
    throw new PermanentTaskError('TOO_FEW_EXAMPLES', message, error);
  }
}

/** Layers of the probes that are candidates. @throws PermanentTaskError */
function candidateLayers(
  { layers }: ProbeSpec,
  method: ProbeMethod,
  present: readonly number[],
): readonly (readonly number[])[] {
  const last = present.at(-1) ?? 0;
  const wanted = layers?.map((layer) => (layer < 0 ? last + 1 + layer : layer));
  const missing = wanted?.find((layer) => !present.includes(layer));
  if (missing !== undefined) {
    const message = `the runs have no activations of layer ${missing}; expected some of ${present.join(', ')}`;
    throw new PermanentTaskError('NO_SUCH_LAYER', message);
  }
  return method.units(wanted && [...new Set(wanted)].sort((a, b) => a - b), present);
}

function keptOf({ fits, kept }: SeedFits): Fit {
  return fits[kept]!;
}

interface SeedRun extends Pick<ScoredRun, 'source' | 'activations' | 'report' | 'start' | 'snapshot'> {
  readonly spec: ProbeSpec;
  readonly fits: SeedFits;
}

async function writeSeedRun(run: SeedRun, context: TaskContext, { store }: TaskServices): Promise<void> {
  const { spec, fits, ...shared } = run;
  const { job, signal } = context;
  const kept = keptOf(fits);
  const identity = probeIdentity(spec, { ...shared, method: spec.method, seed: fits.seed });
  const layers = fits.fits.map(layersOf);
  const root = await writeScoredRun(
    {
      ...shared,
      identity,
      note: 'probe',
      config: {
        training: { ...kept.training },
        probe: { ...probeConfig(spec), layers, file: PROBE_FILE, onnx: ONNX_FILE },
      },
      training: fits.fits.flatMap(trainingLog),
    },
    context,
    store,
  );
  const onnx = await store.get(`${fitsPrefix(job.id)}${kept.onnx}`, { signal });
  await store.put(`${root}/${ONNX_FILE}`, onnx, { signal });
  const { dim } = run.activations;
  const method = methodOf(spec);
  const document = probeDocument(kept, { spec, method, identity, dim, onnx, jobId: job.id });
  await store.put(`${root}/${PROBE_FILE}`, Buffer.from(`${JSON.stringify(document)}\n`), { signal });
}

function trainingLog(fit: Fit): JsonObject[] {
  const { log, finishedAt, validation } = fit;
  return log.map((entry, i) => ({
    time: finishedAt,
    split: 'train',
    ...entry,
    layer: layersOf(fit),
    ...(i === log.length - 1 && { validation_auroc: validation.at(-1) ?? null }),
  }));
}

/** One layer as a number, several as a list. */
function layersOf({ layers }: Fit): number | number[] {
  return layers.length === 1 ? layers[0]! : [...layers];
}

function probeConfig(spec: ProbeSpec): JsonObject {
  const { method, site, segment, token, abstentions, protocol, testRuns, regularisation, innerFolds } = spec;
  return {
    method,
    site,
    segment,
    token,
    abstentions,
    protocol: testRuns === undefined ? protocol : 'test_runs',
    ...(testRuns === undefined &&
      (protocol === 'holdout' ? { test_share: spec.testShare } : { folds: spec.folds })),
    regularisation: [...regularisation],
    inner_folds: innerFolds,
    bootstrap_resamples: spec.resamples,
    ...(spec.shuffles !== undefined && { shuffles: spec.shuffles }),
    ...(method === 'saplma' && { saplma: { ...spec.saplma } }),
    ...(method === 'contrastive_v1' && { contrastive: { ...spec.contrastive } }),
    seeds: [...spec.seeds],
  };
}

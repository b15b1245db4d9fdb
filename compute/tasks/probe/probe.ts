import { z } from 'zod';
import type { JsonObject } from '../../../ingest/contracts/json-value.ts';
import { modelSlug, promptHash } from '../../../ingest/families/hallulens/identity.ts';
import { summarise } from '../../../ingest/stats/index.ts';
import { InvalidArgumentError } from '../../../lake/errors.ts';
import { PermanentTaskError, type TaskContext } from '../../jobs/worker.ts';
import {
  type ContractExample,
  type RunIdentity,
  runDirectory,
  writeContractRun,
} from '../contract-run/contract-run.ts';
import { ingestResults } from '../contract-run/ingest-results.ts';
import { type JobStart, jobStart, writtenOnce } from '../contract-run/provenance.ts';
import { activationLogging, inferenceConfig } from '../contract-run/source-config.ts';
import { jobPrefix, type TaskDefinition, type TaskServices } from '../task.ts';
import { ProbeActivations } from './activations.ts';
import { uncertainties } from './controls/uncertainty.ts';
import { type ProbeExamples, probeExamples } from './examples.ts';
import { defined } from './judge.ts';
import type { Fit, ProbeMethod } from './method.ts';
import { methodOf } from './methods.ts';
import { ONNX_FILE, PROBE_FILE } from './probe-document.ts';
import { type ProbeSpec, probeSpec } from './probe-spec.ts';
import { type SeedReport, seedReport } from './seed-run.ts';
import { fitsPrefix, probeData, type SeedFits, Sweep } from './sweep.ts';
import { probeDocument } from './written-probe.ts';

/** Trains probes that tell hallucinations from activations in the lake, and puts one run a seed into the lake. */
export const probeTask: TaskDefinition<ProbeSpec> = {
  kind: 'probe',
  doc: 'Trains hallucination probes on activations in the lake, layer by layer with controls, and puts one run a seed into the lake.',
  spec: probeSpec,

  async run(spec, context, services) {
    const { job, signal, progress } = context;
    const { store, lake } = services;
    const prefix = jobPrefix(job.id);
    const start = await jobStart(store, job.id, spec.date, signal);
    progress({ stage: 'read', done: 0 });
    const schema = z.object({ snapshot: z.string() });
    const pinned = await writtenOnce(store, `${prefix}/source.json`, schema, signal, async () => ({
      snapshot: (await lake.snapshot({}, { signal })).token,
    }));
    const snapshot = await lake.snapshot(pinned, { signal });
    const source = await probeExamples(spec, lake, snapshot, signal);
    const { examples, runs, dropped } = source;
    for (const [reason, count] of Object.entries(dropped))
      if (count > 0) context.log('info', `${count} examples left out: ${reason}`);
    const activations = await ProbeActivations.find(examples, runs, spec, lake, snapshot, signal);
    const data = probeData(examples);
    const method = methodOf(spec);
    const candidates = candidateLayers(spec, method, activations.layers);
    // Before hours are spent: names that cannot be directories.
    for (const seed of spec.seeds) runDirectory(identityOf(spec, start, source, seed));
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
      const { snapshot: token } = pinned;
      const run = { spec, start, source, activations, fits: own, report, snapshot: token };
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

function identityOf(spec: ProbeSpec, { date }: JobStart, { runs }: ProbeExamples, seed: number): RunIdentity {
  const benchmarks = [...new Set(runs.map(({ benchmark }) => benchmark))].sort();
  return {
    date,
    method: spec.name ?? spec.method,
    modelId: runs[0]!.modelId,
    // Names of other families may have slashes; those of directories have none.
    benchmark: spec.benchmark ?? modelSlug(benchmarks.join('+')),
    split: 'test',
    seed,
  };
}

interface SeedRun {
  readonly spec: ProbeSpec;
  readonly start: JobStart;
  readonly source: ProbeExamples;
  readonly fits: SeedFits;
  readonly report: SeedReport;
  readonly snapshot: string;
  readonly activations: ProbeActivations;
}

async function writeSeedRun(
  run: SeedRun,
  { job, signal }: TaskContext,
  { store }: TaskServices,
): Promise<void> {
  const { spec, start, source, activations, fits, report, snapshot } = run;
  const { runs, dropped } = source;
  const { seed } = fits;
  const kept = keptOf(fits);
  const identity = identityOf(spec, start, source, seed);
  const logging = activationStores(source, activations, store.uri);
  const { root } = await writeContractRun(
    store,
    jobPrefix(job.id),
    {
      identity,
      config: {
        ...inferenceConfig(runs[0]!),
        activation_logging: logging,
        training: { ...kept.training },
        probe: { ...probeConfig(spec), layers: fits.fits.map(layersOf), file: PROBE_FILE, onnx: ONNX_FILE },
      },
      manifest: {
        created_at: start.createdAt,
        git: { ...start.git },
        environment: { ...start.environment },
        notes: `made by Runlake, job ${job.id}: probe on activations of ${runs.length} runs`,
        job: job.id,
        source_runs: runs.map(({ runId }) => runId),
        snapshot,
        left_out: { ...dropped },
      },
      examples: scoredExamples(run, logging['enabled'] === true),
      scoreColumns: [...report.others.keys()].map((name) => `score_${name}`),
      metrics: () => report.metrics,
      training: fits.fits.flatMap(trainingLog),
    },
    signal,
  );
  const onnx = await store.get(`${fitsPrefix(job.id)}${kept.onnx}`, { signal });
  await store.put(`${root}/${ONNX_FILE}`, onnx, { signal });
  const { dim } = activations;
  const method = methodOf(spec);
  const document = probeDocument(kept, { spec, method, identity, dim, onnx, jobId: job.id });
  await store.put(`${root}/${PROBE_FILE}`, Buffer.from(`${JSON.stringify(document)}\n`), { signal });
}

/**
 * Points to the stores of the activations, so that the run is linked to them; to none where one is out of reach, or where the key of an
 * example does not say in which of them its entry is.
 */
function activationStores(
  { runs }: ProbeExamples,
  { stores: used, isKeyed }: ProbeActivations,
  ownUri: string,
): JsonObject {
  const all = used.map((id) => {
    const run = runs.find(({ stores }) => stores.some((store) => store.id === id));
    const store = run?.stores.find((one) => one.id === id);
    const place = { config: run?.config ?? {}, storeUri: store?.uri, storeFormat: store?.format };
    return activationLogging(place, ownUri);
  });
  const [first] = all;
  if (first === undefined || !isKeyed || all.some(({ enabled }) => enabled !== true))
    return activationLogging({ config: {}, storeUri: undefined, storeFormat: undefined }, ownUri);
  const stores = all.map(({ path = '', format = '' }) => ({ path, format }));
  return all.length === 1 ? first : { ...first, stores };
}

async function* scoredExamples(
  { source, report }: SeedRun,
  isLinked: boolean,
): AsyncGenerator<ContractExample> {
  const { examples } = source;
  const counts = new Map<string, number>();
  for (const { exampleId } of examples) counts.set(exampleId, (counts.get(exampleId) ?? 0) + 1);
  for (const [i, row] of report.rows.entries()) {
    const example = examples[row]!;
    const { exampleId, prompt, response, reference, run, activationKey, abstained } = example;
    yield {
      // Runs may use the same ids for different examples.
      exampleId: counts.get(exampleId) === 1 ? exampleId : `${exampleId}@${run.runId}`,
      prompt,
      response,
      ...(reference !== undefined && { reference }),
      label: {
        halu: example.halu,
        label_source: example.labelSource,
        ...(abstained !== null && { abstained }),
      },
      generationParams: example.generationParams,
      link: isLinked ? { activation_key: activationKey } : { hashkey: promptHash(prompt) },
      extra: { source: { run_id: run.runId, example_id: exampleId, split: example.split } },
      score: report.scores[i]!,
      otherScores: [...report.others.values()].map((scores) => scores[i]!),
    };
  }
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
    ...(method === 'saplma' && { saplma: { ...spec.saplma } }),
    ...(method === 'contrastive_v1' && { contrastive: { ...spec.contrastive } }),
    seeds: [...spec.seeds],
  };
}

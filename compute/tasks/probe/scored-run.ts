import type { JsonObject } from '../../../ingest/contracts/json-value.ts';
import { modelSlug, promptHash } from '../../../ingest/families/hallulens/identity.ts';
import type { ObjectStore } from '../../../lake/store/object-store.ts';
import type { TaskContext } from '../../jobs/worker.ts';
import { type ContractExample, type RunIdentity, writeContractRun } from '../contract-run/contract-run.ts';
import type { JobStart } from '../contract-run/provenance.ts';
import { activationLogging, inferenceConfig } from '../contract-run/source-config.ts';
import { jobPrefix } from '../task.ts';
import type { ProbeActivations } from './activations.ts';
import type { ProbeExamples } from './examples.ts';
import type { ProbeSpec } from './probe-spec.ts';
import type { SeedReport } from './seed-run.ts';

/** Examples that a probe has scored, and what is to be said of them. */
export interface ScoredRun {
  readonly identity: RunIdentity;
  readonly start: JobStart;
  readonly source: ProbeExamples;
  readonly activations: ProbeActivations;
  readonly report: SeedReport;
  /** Token of the state of the lake that was read. */
  readonly snapshot: string;
  /** What the run is, in a few words. */
  readonly note: string;
  /** Members of `config.json` beside the model's and the stores'. */
  readonly config: JsonObject;
  /** Lines of `train_metrics.jsonl`. */
  readonly training?: readonly JsonObject[];
}

/** What names the run of a probe. */
export function probeIdentity(
  { name, benchmark }: Pick<ProbeSpec, 'name' | 'benchmark'>,
  run: Pick<ScoredRun, 'start' | 'source'> & { readonly method: string; readonly seed: number },
): RunIdentity {
  const { runs } = run.source;
  const benchmarks = [...new Set(runs.map((one) => one.benchmark))].sort();
  return {
    date: run.start.date,
    method: name ?? run.method,
    modelId: runs[0]!.modelId,
    // Names of other families may have slashes; those of directories have none.
    benchmark: benchmark ?? modelSlug(benchmarks.join('+')),
    split: 'test',
    seed: run.seed,
  };
}

/** Writes the six files of a run. @returns the key of its directory */
export async function writeScoredRun(
  run: ScoredRun,
  { job, signal }: TaskContext,
  store: ObjectStore,
): Promise<string> {
  const { identity, start, source, activations, report, snapshot, note, config, training } = run;
  const { runs, dropped } = source;
  const logging = activationStores(source, activations, store.uri);
  const { root } = await writeContractRun(
    store,
    jobPrefix(job.id),
    {
      identity,
      config: { ...inferenceConfig(runs[0]!), activation_logging: logging, ...config },
      manifest: {
        created_at: start.createdAt,
        git: { ...start.git },
        environment: { ...start.environment },
        notes: `made by Runlake, job ${job.id}: ${note} on activations of ${runs.length} runs`,
        job: job.id,
        source_runs: runs.map(({ runId }) => runId),
        snapshot,
        left_out: { ...dropped },
      },
      examples: scoredExamples(run, logging['enabled'] === true),
      scoreColumns: [...report.others.keys()].map((name) => `score_${name}`),
      metrics: () => report.metrics,
      ...(training !== undefined && { training }),
    },
    signal,
  );
  return root;
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
  { source, report }: ScoredRun,
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

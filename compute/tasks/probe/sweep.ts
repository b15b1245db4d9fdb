import { z } from 'zod';
import type { TaskContext } from '../../jobs/worker.ts';
import { seededRandom } from '../../stats/index.ts';
import { jobPrefix, type TaskServices } from '../task.ts';
import type { ProbeActivations } from './activations.ts';
import { type ControlScores, controlScoresSchema, textControls } from './controls/controls.ts';
import { type ProbeExample, promptGroups } from './examples.ts';
import { indexOfBest } from './linear/fit-path.ts';
import { Products } from './linear/products.ts';
import type { FeatureMatrix } from './matrix.ts';
import { type Fit, type FitInput, fitSchema, type ProbeMethod } from './method.ts';
import { TrainingCheckpoint } from './network/checkpoint.ts';
import type { ProbeSpec } from './probe-spec.ts';
import { mask, type Protocol, type Split, splitsOf } from './splits.ts';

/** Everything that was fitted for one seed. */
export interface SeedFits {
  readonly seed: number;
  /** Splits whose test rows are judged. */
  readonly splits: readonly Split[];
  /** By layer, ascending. */
  readonly fits: readonly Fit[];
  /** Of `fits`, the one that is reported, for every split. */
  readonly chosen: readonly number[];
  /** Of `fits`, the one whose probe is kept. */
  readonly kept: number;
  readonly controls: ControlScores;
  /** AUROCs of probes that learnt shuffled labels. */
  readonly shuffled: readonly number[];
}

/** The examples of a probe as numbers. */
export interface ProbeData {
  readonly examples: readonly ProbeExample[];
  /** 1 for a hallucination. */
  readonly labels: Uint8Array;
  /** Prompt of every example. */
  readonly groups: Int32Array;
}

/** Examples with their labels, grouped by prompt. */
export function probeData(examples: readonly ProbeExample[]): ProbeData {
  return {
    examples,
    labels: mask(examples.length, (row) => examples[row]!.halu),
    groups: promptGroups(examples),
  };
}

/** Where fits are kept until the runs are in the lake. */
export const fitsPrefix = (jobId: string): string => `${jobPrefix(jobId)}/fits/`;

export interface SweepInput {
  readonly spec: ProbeSpec;
  readonly data: ProbeData;
  readonly activations: ProbeActivations;
  readonly method: ProbeMethod;
  /** Layers of every probe of which the reported one is chosen. */
  readonly candidates: readonly (readonly number[])[];
  readonly context: TaskContext;
  readonly services: TaskServices;
}

/** Of networks, which take a while. */
const SHUFFLES = { linear: 10, network: 1 } as const;
/** Work of a training that may be lost, where the services do not say. */
const CHECKPOINT_MS = 2000;

/**
 * Fits the probes of all layers and seeds, and their controls. Each result is in the store before the next is begun; what is there
 * already is not fitted again.
 */
export class Sweep {
  readonly #input: SweepInput;
  /** The candidates, and the embedding as a control. */
  readonly #units: readonly (readonly number[])[];
  readonly #products: Products;
  /** Features of the layers that were used last. */
  readonly #features = new Map<number, FeatureMatrix>();
  #done = 0;

  private constructor(input: SweepInput, products: Products) {
    this.#input = input;
    const { activations, candidates } = input;
    const isThere = candidates.some(isEmbedding);
    this.#units = activations.layers.includes(0) && !isThere ? [[0], ...candidates] : candidates;
    this.#products = products;
  }

  static async run(input: SweepInput): Promise<SeedFits[]> {
    const products = await Products.open(input.spec.threads);
    const sweep = new Sweep(input, products);
    try {
      return await sweep.#run();
    } finally {
      await sweep.#release([]);
      await products.close();
    }
  }

  async #run(): Promise<SeedFits[]> {
    const plans = this.#input.spec.seeds.map((seed) => this.#plan(seed));
    const fits: Fit[][] = plans.map(() => []);
    // Layer by layer, since reading a layer is what seeds can share.
    for (const layers of this.#units) {
      for (const [i, plan] of plans.entries()) fits[i]!.push(await this.#fit(layers, plan));
    }
    const results: SeedFits[] = [];
    for (const [i, plan] of plans.entries()) {
      const { seed, splits } = plan;
      const { chosen, kept } = this.#choose(fits[i]!, splits.length);
      const { signal } = this.#input.context;
      const controls = await this.#kept(`texts-${seed}`, controlScoresSchema, async () => {
        const { examples, labels } = this.#input.data;
        const { regularisation } = this.#input.spec;
        return textControls(examples, labels, splits, regularisation, this.#products, signal);
      });
      const shuffled = await this.#shuffled(fits[i]![kept]!, plan);
      results.push({ seed, splits, fits: fits[i]!, chosen, kept, controls, shuffled });
    }
    return results;
  }

  #plan(seed: number): Plan {
    const { innerFolds, testRuns, protocol: kind, testShare, folds } = this.#input.spec;
    const { examples } = this.#input.data;
    const test = mask(examples.length, (row) => examples[row]!.isTest);
    const protocol: Protocol =
      testRuns !== undefined
        ? { kind: 'given', test }
        : kind === 'holdout'
          ? { kind, testShare }
          : { kind, folds };
    const splits = splitsOf(this.#input.data, protocol, innerFolds, seededRandom(seed, SPLITTING));
    if (protocol.kind !== 'cross_validation') return { seed, splits, all: splits };
    // The probe that is kept learns from everything; nothing is tested on it.
    const none = { kind: 'given', test: new Uint8Array(examples.length) } as const;
    const whole = splitsOf(this.#input.data, none, innerFolds, seededRandom(seed, SPLITTING, 1));
    return { seed, splits, all: [...splits, ...whole] };
  }

  async #fit(layers: readonly number[], { seed, all }: Plan): Promise<Fit> {
    const { spec, context, method } = this.#input;
    const total = this.#units.length * spec.seeds.length;
    const before = this.#done++;
    const onProgress = (share: number): void =>
      context.progress({ stage: 'fit', done: Math.round(STEPS * (before + share)), total: STEPS * total });
    const name = `layers-${layers.join('+')}-${seed}`;
    return this.#kept(name, fitSchema, async () =>
      method.fit(layers, await this.#fitInput(name, layers, seed, all, onProgress)),
    );
  }

  /** AUROCs of probes like one that learnt shuffled labels; those that are no number are left out. */
  async #shuffled(like: Fit, { seed, splits }: Plan): Promise<number[]> {
    const { spec, method, context } = this.#input;
    const shuffles = spec.shuffles ?? (like.direction === undefined ? SHUFFLES.network : SHUFFLES.linear);
    const name = `shuffled-${seed}`;
    const total = STEPS * spec.seeds.length;
    const before = STEPS * spec.seeds.indexOf(seed);
    const onProgress = (share: number): void =>
      context.progress({ stage: 'shuffled labels', done: before + Math.round(STEPS * share), total });
    const found = await this.#kept(name, z.array(z.number().nullable()), async () => {
      const input = await this.#fitInput(name, like.layers, seed, splits, onProgress);
      return (await method.shuffled(like, shuffles, input)).map((auroc) =>
        Number.isNaN(auroc) ? null : auroc,
      );
    });
    return found.flatMap((auroc) => auroc ?? []);
  }

  async #fitInput(
    name: string,
    layers: readonly number[],
    seed: number,
    splits: readonly Split[],
    onProgress: (share: number) => void,
  ): Promise<FitInput> {
    const { spec, data, context, services, activations, candidates } = this.#input;
    const { signal, job } = context;
    const { store, checkpointMs = CHECKPOINT_MS } = services;
    const prefix = fitsPrefix(job.id);
    return {
      ...{ spec, seed, splits, signal, onProgress },
      features: await this.#matrices(layers),
      labels: data.labels,
      groups: data.groups,
      depth: activations.layers.at(-1) ?? 0,
      isCompared: candidates.length > 1,
      products: this.#products,
      checkpoint: (part) =>
        new TrainingCheckpoint(store, `${prefix}${name}.${part}.checkpoint`, checkpointMs),
      keep: async (onnx) => {
        await store.put(`${prefix}${name}.onnx`, onnx, { signal });
        return `${name}.onnx`;
      },
    };
  }

  /** The layer that does best on held-out training rows of each split, never on its test rows. */
  #choose(fits: readonly Fit[], splits: number): Pick<SeedFits, 'chosen' | 'kept'> {
    const { candidates } = this.#input;
    const places = fits.flatMap((_, i) => (candidates.includes(this.#units[i]!) ? [i] : []));
    const best = (split: number): number =>
      places[indexOfBest(places.map((i) => fits[i]!.validation[split] ?? Number.NaN))]!;
    const last = (fits[0]?.validation.length ?? 1) - 1;
    return { chosen: Array.from({ length: splits }, (_, split) => best(split)), kept: best(last) };
  }

  /** The features of some layers, which together keep within the memory; those of others are let go. */
  async #matrices(layers: readonly number[]): Promise<ReadonlyMap<number, FeatureMatrix>> {
    await this.#release(layers);
    const { services, context, spec, activations } = this.#input;
    const { job, signal } = context;
    const memoryBytes = Math.floor(spec.memoryBytes / layers.length);
    for (const layer of layers) {
      if (this.#features.has(layer)) continue;
      const options = { memoryBytes, scratch: services.scratch, name: `${job.id}-${layer}` };
      this.#features.set(layer, await activations.matrix(layer, options, signal));
    }
    return new Map(layers.map((layer) => [layer, this.#features.get(layer)!]));
  }

  async #release(but: readonly number[]): Promise<void> {
    for (const [layer, matrix] of this.#features) {
      if (but.includes(layer)) continue;
      this.#features.delete(layer);
      await matrix.close();
    }
  }

  /** A result from the store, else made and put there. */
  async #kept<T>(name: string, schema: z.ZodType<T>, make: () => Promise<T>): Promise<T> {
    const { store } = this.#input.services;
    const { job, signal } = this.#input.context;
    const key = `${fitsPrefix(job.id)}${name}.json`;
    if ((await store.head(key, { signal })) !== undefined)
      return schema.parse(JSON.parse(Buffer.from(await store.get(key, { signal })).toString('utf8')));
    const made = await make();
    await store.put(key, Buffer.from(JSON.stringify(made)), { signal });
    return made;
  }
}

/** Whether a probe takes the embedding alone: it sees one token at a time. */
export function isEmbedding(layers: readonly number[]): boolean {
  return layers.length === 1 && layers[0] === 0;
}

interface Plan {
  readonly seed: number;
  readonly splits: readonly Split[];
  /** Those, and where another probe is kept than is tested, its training rows. */
  readonly all: readonly Split[];
}

/** Of progress, a fit. */
const STEPS = 100;
/** Key of the random numbers of this purpose. */
const SPLITTING = 1;

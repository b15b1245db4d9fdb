import { z } from 'zod';
import type { TaskContext } from '../../jobs/worker.ts';
import { seededRandom } from '../../stats/index.ts';
import { jobPrefix, type TaskServices } from '../task.ts';
import type { ProbeActivations } from './activations.ts';
import {
  type ControlScores,
  controlScoresSchema,
  shuffledLabels,
  textControls,
} from './controls/controls.ts';
import { type ProbeExample, promptGroups } from './examples.ts';
import { fitLayer, type LayerFit, layerFitSchema } from './layer-fit.ts';
import { indexOfBest } from './linear/fit-path.ts';
import { Products } from './linear/products.ts';
import type { FeatureMatrix } from './matrix.ts';
import type { ProbeSpec } from './probe-spec.ts';
import { mask, type Protocol, type Split, splitsOf } from './splits.ts';

/** Everything that was fitted for one seed. */
export interface SeedFits {
  readonly seed: number;
  /** Splits whose test rows are judged. */
  readonly splits: readonly Split[];
  /** By layer, ascending. */
  readonly layers: readonly LayerFit[];
  /** Of `layers`, the one that is reported, for every split. */
  readonly chosen: readonly number[];
  /** Of `layers`, the one whose probe is kept. */
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
  /** Layers among which the reported one is chosen, ascending. */
  readonly candidates: readonly number[];
  readonly context: TaskContext;
  readonly services: TaskServices;
}

/**
 * Fits the probes of all layers and seeds, and their controls. Each result is in the store before the next is begun; what is there
 * already is not fitted again.
 */
export class Sweep {
  readonly #input: SweepInput;
  /** The candidates, and the embedding as a control. */
  readonly #layers: readonly number[];
  readonly #products: Products;
  /** Features of the layer that was used last. */
  #features: { readonly layer: number; readonly matrix: FeatureMatrix } | undefined;
  #done = 0;

  private constructor(input: SweepInput, products: Products) {
    this.#input = input;
    const controls = input.activations.layers.includes(0) ? [0] : [];
    this.#layers = [...new Set([...controls, ...input.candidates])];
    this.#products = products;
  }

  static async run(input: SweepInput): Promise<SeedFits[]> {
    const products = await Products.open(input.spec.threads);
    const sweep = new Sweep(input, products);
    try {
      return await sweep.#run();
    } finally {
      await sweep.#release();
      await products.close();
    }
  }

  async #run(): Promise<SeedFits[]> {
    const { seeds, shuffles } = this.#input.spec;
    const { signal } = this.#input.context;
    const plans = seeds.map((seed) => this.#plan(seed));
    const fits: LayerFit[][] = plans.map(() => []);
    // Layer by layer, since reading a layer is what seeds can share.
    for (const layer of this.#layers) {
      for (const [i, plan] of plans.entries()) fits[i]!.push(await this.#layerFit(layer, plan));
    }
    const results: SeedFits[] = [];
    for (const [i, plan] of plans.entries()) {
      const { seed, splits } = plan;
      const { chosen, kept } = this.#choose(fits[i]!, splits.length);
      const controls = await this.#kept(`texts-${seed}`, controlScoresSchema, async () => {
        const { regularisation: path, memoryBytes } = this.#input.spec;
        const { examples, labels } = this.#input.data;
        return textControls(examples, labels, splits, { path, memoryBytes }, this.#products, signal);
      });
      const best = fits[i]![kept]!;
      const shuffled = await this.#kept(`shuffled-${seed}`, z.array(z.number().nullable()), async () => {
        const matrix = await this.#matrix(best.layer);
        const settings = { c: best.c, shuffles, seed };
        const found = await shuffledLabels(
          matrix,
          this.#input.data.labels,
          splits,
          settings,
          this.#products,
          signal,
        );
        return found.map((auroc) => (Number.isNaN(auroc) ? null : auroc));
      });
      results.push({
        ...{ seed, splits, layers: fits[i]!, chosen, kept, controls },
        shuffled: shuffled.flatMap((auroc) => auroc ?? []),
      });
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

  async #layerFit(layer: number, { seed, all }: Plan): Promise<LayerFit> {
    const { regularisation: path, seeds } = this.#input.spec;
    const { signal, progress } = this.#input.context;
    const fits = this.#layers.length * seeds.length;
    const before = this.#done++;
    // Counted in regressions, of which every fit has as many.
    const onProgress = (done: number, total: number): void =>
      progress({ stage: 'fit', done: before * total + done, total: fits * total });
    return this.#kept(`layer-${layer}-${seed}`, layerFitSchema, async () =>
      fitLayer(
        await this.#matrix(layer),
        this.#input.data.labels,
        all,
        { layer, seed },
        { path, validate: this.#input.candidates.length > 1, onProgress },
        this.#products,
        signal,
      ),
    );
  }

  /** The layer that does best on held-out training rows of each split, never on its test rows. */
  #choose(fits: readonly LayerFit[], splits: number): Pick<SeedFits, 'chosen' | 'kept'> {
    const candidates = fits.flatMap(({ layer }, i) => (this.#input.candidates.includes(layer) ? [i] : []));
    const best = (split: number): number =>
      candidates[indexOfBest(candidates.map((i) => fits[i]!.validation[split] ?? Number.NaN))]!;
    const last = (fits[0]?.validation.length ?? 1) - 1;
    return { chosen: Array.from({ length: splits }, (_, split) => best(split)), kept: best(last) };
  }

  async #matrix(layer: number): Promise<FeatureMatrix> {
    if (this.#features?.layer === layer) return this.#features.matrix;
    await this.#release();
    const { scratch } = this.#input.services;
    const { job, signal } = this.#input.context;
    const options = { memoryBytes: this.#input.spec.memoryBytes, scratch, name: job.id };
    const matrix = await this.#input.activations.matrix(layer, options, signal);
    this.#features = { layer, matrix };
    return matrix;
  }

  async #release(): Promise<void> {
    await this.#features?.matrix.close();
    this.#features = undefined;
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

interface Plan {
  readonly seed: number;
  readonly splits: readonly Split[];
  /** Those, and where another probe is kept than is tested, its training rows. */
  readonly all: readonly Split[];
}

/** Key of the random numbers of this purpose. */
const SPLITTING = 1;

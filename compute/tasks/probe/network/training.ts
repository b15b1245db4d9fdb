import { checkSignal } from '../../../../lake/store/abort.ts';
import { PermanentTaskError } from '../../../jobs/worker.ts';
import type { Feed, FloatTensor, Session } from '../../../model/engine/session.ts';
import type { GraphBuilder, Value } from '../../../model/graph/builder.ts';
import { type Random, seededRandom, shuffle } from '../../../stats/index.ts';
import { graphSession } from '../graph-session.ts';
import { adamState, adamStep } from './adam.ts';
import type { LogEntry, TrainingCheckpoint, TrainingState } from './checkpoint.ts';
import {
  type DenseNetwork,
  forwardGraph,
  initialParameters,
  type Loss,
  parameterCount,
  parameterViews,
  trainingGraph,
} from './dense.ts';

/** How a network is trained; the members of the specification with their defaults filled in. */
export interface TrainingSettings {
  readonly learningRate: number;
  readonly batchSize: number;
  /** Epochs, and steps below which they do not end. */
  readonly epochs: number;
  readonly minSteps: number;
  /** Epochs without an improvement on held-out rows after which training ends. */
  readonly patience: number;
  readonly clip?: number;
}

/** What a network learns, and how well it does. */
export interface Lesson {
  /** Rows that it learns from. */
  readonly rows: Int32Array;
  /** What the training graph is fed for some of them, beside parameters and masks. */
  batch(rows: Int32Array, random: Random): Promise<Readonly<Record<string, Feed>>>;
  /** How well parameters do on rows that are held out; the epoch of the greatest value is kept. */
  validate(parameters: Float32Array): Promise<{ readonly value: number; readonly auroc: number }>;
}

export interface TrainingRun {
  /** Keys of its random numbers. */
  readonly seed: readonly number[];
  readonly checkpoint: TrainingCheckpoint | undefined;
  readonly signal: AbortSignal;
  /** Share that is done: the end may come earlier than was thought. */
  readonly onProgress: (share: number) => void;
}

export interface Trained {
  /** Those of the best epoch. */
  readonly parameters: Float32Array;
  readonly epoch: number;
  /** AUROC that they reach on the held-out rows; NaN where these are of one class. */
  readonly auroc: number;
  readonly log: readonly LogEntry[];
}

/** Lines of a training log at most, but for the last: long trainings are logged every few epochs. */
const LOG_LINES = 200;

/** A network with the graphs of its training and of its use on ONNX Runtime; their calls block the thread while they compute. */
export class Trainer {
  readonly network: DenseNetwork;
  readonly #training: Session;
  readonly #forward: Session;
  readonly #told: readonly string[];

  private constructor(network: DenseNetwork, training: Session, forward: Session, told: readonly string[]) {
    this.network = network;
    this.#training = training;
    this.#forward = forward;
    this.#told = told;
  }

  static async open(
    network: DenseNetwork,
    lossOf: (graph: GraphBuilder, output: Value) => Loss,
    threads?: number,
  ): Promise<Trainer> {
    let told: readonly string[] = [];
    const graph = trainingGraph(network, (builder, output) => {
      const loss = lossOf(builder, output);
      told = Object.keys(loss.told ?? {});
      return loss;
    });
    const training = await graphSession(graph, threads);
    return new Trainer(network, training, await graphSession(forwardGraph(network), threads), told);
  }

  /** Rows x output. */
  async output(parameters: Float32Array, features: Float32Array, rows: number): Promise<Float32Array> {
    const feeds = { features: matrixFeed(features, rows), ...this.#parameterFeeds(parameters) };
    const found = await this.#forward.run(feeds, ['output']);
    return found.get('output')!.data;
  }

  /** Loss and what else the graph tells of a batch; the gradients go into `gradients`. */
  async step(
    parameters: Float32Array,
    batch: Readonly<Record<string, Feed>>,
    gradients: Float32Array,
  ): Promise<Record<string, number>> {
    const into = gradientTensors(this.network.widths, gradients);
    const feeds = { ...batch, ...this.#parameterFeeds(parameters) };
    const numbers = ['loss', ...this.#told];
    const found = await this.#training.run(feeds, [...numbers, ...Object.keys(into)], into);
    return Object.fromEntries(numbers.map((name) => [name, found.get(name)!.data[0]!]));
  }

  /**
   * Trains until the steps are done or held-out rows are done no better, from a checkpoint where there is one.
   * @throws PermanentTaskError when the loss overflows; CancelledError between two steps
   */
  async train(lesson: Lesson, settings: TrainingSettings, run: TrainingRun): Promise<Trained> {
    const { widths } = this.network;
    const { seed, checkpoint, signal, onProgress } = run;
    const steps = Math.max(1, Math.ceil(lesson.rows.length / settings.batchSize));
    const epochs = Math.max(settings.epochs, Math.ceil(settings.minSteps / steps));
    const logEvery = Math.ceil(epochs / LOG_LINES);
    const state = (await checkpoint?.read(parameterCount(widths), signal)) ?? fresh(widths, seed);
    const gradients = new Float32Array(state.adam.parameters.length);
    const isOver = (): boolean =>
      state.epoch >= epochs || (state.best !== null && state.epoch - state.best.epoch >= settings.patience);
    while (!isOver()) {
      const random = seededRandom(...seed, EPOCH, state.epoch);
      const order = shuffle(Int32Array.from(lesson.rows), random);
      const means = new Map<string, number>();
      for (let step = 0; step < steps; step++) {
        checkSignal(signal, 'the probe');
        // Batches of nearly the same size: a last one of few rows would be all noise.
        const [start, end] = [step, step + 1].map((i) => Math.floor((i * order.length) / steps));
        const batch = { ...(await lesson.batch(order.subarray(start, end), random)) };
        const rows = batch['features']!.shape[0]!;
        const told = await this.step(
          state.adam.parameters,
          { ...batch, ...this.#masks(rows, random) },
          gradients,
        );
        if (!Number.isFinite(told['loss'])) throw diverged(state.epoch);
        adamStep(state.adam, gradients, settings);
        for (const [name, value] of Object.entries(told))
          means.set(name, (means.get(name) ?? 0) + value / steps);
      }
      state.epoch++;
      const { value, auroc } = await lesson.validate(state.adam.parameters);
      const isBetter = state.best === null || value > state.best.value;
      if (isBetter) {
        state.best = { epoch: state.epoch, value, auroc: numberOrNull(auroc) };
        state.bestParameters.set(state.adam.parameters);
      }
      if (isBetter || isOver() || (state.epoch - 1) % logEvery === 0)
        state.log.push({
          step: state.adam.steps,
          epoch: state.epoch,
          ...Object.fromEntries([...means].map(([name, mean]) => [name, numberOrNull(mean)])),
          auroc: numberOrNull(auroc),
          lr: settings.learningRate,
        });
      onProgress(isOver() ? 1 : state.epoch / epochs);
      if (checkpoint?.isDue === true) await checkpoint.write(state, signal);
    }
    return {
      parameters: state.bestParameters,
      epoch: state.best?.epoch ?? 0,
      auroc: state.best?.auroc ?? Number.NaN,
      log: state.log,
    };
  }

  async close(): Promise<void> {
    await this.#training.release();
    await this.#forward.release();
  }

  #parameterFeeds(parameters: Float32Array): Record<string, Feed> {
    return Object.fromEntries(
      parameterViews(this.network.widths, parameters).flatMap(
        ({ weights, biases, inputs, outputs }, layer) => [
          [`weights_${layer}`, { type: 'float32', data: weights, shape: [inputs, outputs] }],
          [`biases_${layer}`, { type: 'float32', data: biases, shape: [outputs] }],
        ],
      ),
    );
  }

  #masks(rows: number, random: Random): Record<string, Feed> {
    const { widths, dropout } = this.network;
    return Object.fromEntries(
      dropout.flatMap((rate, layer) =>
        rate > 0
          ? [[`mask_${layer}`, matrixFeed(dropoutMask(rows * widths[layer]!, rate, random), rows)]]
          : [],
      ),
    );
  }
}

/** Rows one after the other as a tensor [rows, columns]. */
export function matrixFeed(data: Float32Array, rows: number): Feed {
  return { type: 'float32', data, shape: [rows, data.length / rows] };
}

function fresh(widths: readonly number[], seed: readonly number[]): TrainingState {
  const parameters = initialParameters(widths, seededRandom(...seed, INITIAL));
  return {
    epoch: 0,
    adam: adamState(parameters),
    best: null,
    bestParameters: new Float32Array(parameters),
    log: [],
  };
}

function dropoutMask(length: number, rate: number, random: Random): Float32Array {
  const mask = new Float32Array(length);
  const kept = 1 / (1 - rate);
  for (let i = 0; i < length; i++) if (random.next() >= rate) mask[i] = kept;
  return mask;
}

function gradientTensors(widths: readonly number[], gradients: Float32Array): Record<string, FloatTensor> {
  return Object.fromEntries(
    parameterViews(widths, gradients).flatMap(({ weights, biases, inputs, outputs }, layer) => [
      [`d_weights_${layer}`, { data: weights, shape: [inputs, outputs] }],
      [`d_biases_${layer}`, { data: biases, shape: [outputs] }],
    ]),
  );
}

function diverged(epoch: number): PermanentTaskError {
  const message = `the loss is no number any more in epoch ${epoch}; try a smaller learningRate`;
  return new PermanentTaskError('TRAINING_DIVERGED', message);
}

function numberOrNull(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}

/** Keys of the random numbers of these purposes. */
const INITIAL = 1;
const EPOCH = 2;

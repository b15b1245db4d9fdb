import { seededRandom } from '../../../stats/index.ts';
import { aurocOf } from '../linear/fit-path.ts';
import type { FitInput, ProbeMethod } from '../method.ts';
import { assembleScores, requireClasses, rowsOf, type Split, shuffledLabels } from '../splits.ts';
import type { LogEntry } from './checkpoint.ts';
import { ScaledFeatures } from './scaled-features.ts';
import type { Trainer, TrainingRun, TrainingSettings } from './training.ts';

/** The inner fold whose rows a network does not learn from: they say which epoch is best. */
const HELD_OUT_FOLD = 0;

/** A training of one split. */
export interface NetworkTask {
  readonly spec: FitInput['spec'];
  readonly trainer: Trainer;
  /** By layer, standardised over the training rows. */
  readonly features: ReadonlyMap<number, ScaledFeatures>;
  readonly labels: Uint8Array;
  /** Prompt of every row. */
  readonly groups: Int32Array;
  /** The last layer that is in the lake. */
  readonly depth: number;
  readonly rows: {
    /** All training rows. */
    readonly train: readonly number[];
    /** Training rows that it learns from. */
    readonly fit: readonly number[];
    /** The others, by whose scores its best epoch is found. */
    readonly held: readonly number[];
    readonly test: readonly number[];
  };
  readonly run: TrainingRun;
}

export interface FittedNetwork {
  /** Layers whose activations it scores, in the order in which its file takes them. */
  readonly takes: readonly number[];
  /** Scores of the test rows, by name. */
  readonly scores: Readonly<Record<string, readonly number[]>>;
  /** AUROC on the held-out training rows. */
  readonly validation: number;
  readonly told: Readonly<Record<string, number>>;
  readonly settings: TrainingSettings;
  readonly log: readonly LogEntry[];
  /** The file that scores raw activations. */
  onnx(): Uint8Array;
}

/** A kind of probe that is a network. */
export interface NetworkKind extends Pick<ProbeMethod, 'headline' | 'isLogOdds' | 'units'> {
  /** The network for features of that width, with its graphs. */
  open(spec: FitInput['spec'], dim: number): Promise<Trainer>;
  fit(task: NetworkTask): Promise<FittedNetwork>;
}

/** How networks of a kind are fitted: one training a split, stopped by an inner fold of its training rows. */
export function networkMethod(kind: NetworkKind): ProbeMethod {
  return {
    headline: kind.headline,
    isLogOdds: kind.isLogOdds,
    units: kind.units,

    async fit(layers, input) {
      const { splits, seed, labels } = input;
      const { fits, training } = await withTrainer(kind, input, async (trainer) => {
        const fits = await inOrder(splits, (split, i) =>
          fitSplit(kind, trainer, input, split, labels, {
            seed: [seed, TRAINING, i],
            checkpoint: input.checkpoint(`split-${i}`),
            signal: input.signal,
            onProgress: (share) => input.onProgress((i + share) / splits.length),
          }),
        );
        return { fits, training: trainingOf(trainer, fits.at(-1)!.settings) };
      });
      const kept = fits.at(-1)!;
      const scores = Object.keys(kept.scores).map(
        (name) => [name, fits.map((own) => [...own.scores[name]!])] as const,
      );
      return {
        layers: [...layers],
        takes: [...kept.takes],
        seed,
        validation: fits.map(({ validation }) => (Number.isNaN(validation) ? null : validation)),
        scores: Object.fromEntries(scores),
        told: { ...kept.told },
        training,
        log: [...kept.log],
        finishedAt: new Date().toISOString(),
        onnx: await input.keep(kept.onnx()),
      };
    },

    shuffled(_like, shuffles, input) {
      const { splits, seed, labels, groups } = input;
      const turns = Array.from({ length: shuffles }, (_, turn) => turn);
      return withTrainer(kind, input, (trainer) =>
        inOrder(turns, async (turn) => {
          const fits = await inOrder(splits, (split, i) => {
            const shuffled = shuffledLabels(labels, split.train, seededRandom(seed, SHUFFLED, turn, i));
            return fitSplit(kind, trainer, input, split, shuffled, {
              seed: [seed, SHUFFLED, turn, i],
              checkpoint: input.checkpoint(`shuffle-${turn}-${i}`),
              signal: input.signal,
              onProgress: (share) => input.onProgress((turn + (i + share) / splits.length) / shuffles),
            });
          });
          const own = assembleScores(groups.length, splits, (i) => fits[i]!.scores[kind.headline]!);
          return aurocOf(own, labels, (row) => !Number.isNaN(own[row]!));
        }),
      );
    },
  };
}

async function withTrainer<T>(
  kind: NetworkKind,
  { spec, features }: FitInput,
  use: (trainer: Trainer) => Promise<T>,
): Promise<T> {
  const [first] = features.values();
  const trainer = await kind.open(spec, first?.dim ?? 0);
  try {
    return await use(trainer);
  } finally {
    await trainer.close();
  }
}

async function fitSplit(
  kind: NetworkKind,
  trainer: Trainer,
  { spec, features, groups, depth, signal }: FitInput,
  { train, inner, test }: Split,
  labels: Uint8Array,
  run: TrainingRun,
): Promise<FittedNetwork> {
  const rows = rowsOf(train);
  const fit = rows.filter((row) => inner[row] !== HELD_OUT_FOLD);
  const held = rows.filter((row) => inner[row] === HELD_OUT_FOLD);
  requireClasses(fit, labels);
  requireClasses(held, labels);
  const scaled = new Map<number, ScaledFeatures>();
  for (const [layer, matrix] of features) scaled.set(layer, await ScaledFeatures.over(matrix, train, signal));
  return kind.fit({
    ...{ spec, trainer, labels, groups, depth, run },
    features: scaled,
    rows: { train: rows, fit, held, test: rowsOf(test) },
  });
}

function trainingOf({ network }: Trainer, settings: TrainingSettings) {
  const { learningRate, batchSize, epochs, minSteps, patience, clip } = settings;
  return {
    epochs,
    batch_size: batchSize,
    sub_batch_size: batchSize,
    lr: learningRate,
    optimiser: 'adam',
    min_steps: minSteps,
    patience,
    gradient_clip: clip ?? null,
    widths: [...network.widths],
    dropout: [...network.dropout],
    standardised: true,
  };
}

async function inOrder<T, R>(items: readonly T[], each: (item: T, i: number) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  for (const [i, item] of items.entries()) results.push(await each(item, i));
  return results;
}

/** Keys of the random numbers of these purposes. */
const TRAINING = 4;
const SHUFFLED = 5;

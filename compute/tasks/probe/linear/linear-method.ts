import { seededRandom } from '../../../stats/index.ts';
import type { ProbeMethod } from '../method.ts';
import { probabilityFile } from '../network/onnx-file.ts';
import { assembleScores, rowsOf, shuffledLabels } from '../splits.ts';
import { aurocOf, fitPath, type PathFit } from './fit-path.ts';
import { fitLogistic, type LinearModel, logitsOf } from './logistic.ts';

/** L2-regularised logistic regression on one layer: the last one, or each. */
export function logisticMethod(which: 'last' | 'each'): ProbeMethod {
  return {
    headline: 'log_odds',
    isLogOdds: true,

    units(wanted, present) {
      const layers = wanted ?? present;
      return (which === 'each' ? layers : layers.slice(-1)).map((layer) => [layer]);
    },

    async fit([layer = 0], input) {
      const { spec, seed, labels, splits, products, signal } = input;
      const features = input.features.get(layer)!;
      const fits = await fitPath(features, labels, splits, products, signal, {
        path: spec.regularisation,
        validate: input.isCompared,
        onProgress: (done, total) => input.onProgress(done / total),
      });
      const kept = fits.at(-1)!;
      const finishedAt = new Date().toISOString();
      return {
        layers: [layer],
        takes: [layer],
        seed,
        validation: fits.map(validationOf),
        scores: { log_odds: fits.map(({ scores }, i) => rowsOf(splits[i]!.test).map((row) => scores[row]!)) },
        told: { c: kept.c },
        training: {
          epochs: kept.losses.length,
          batch_size: rowsOf(splits.at(-1)!.train).length,
          sub_batch_size: rowsOf(splits.at(-1)!.train).length,
          lr: 1,
          optimiser: 'lbfgs',
          penalty: 'l2',
          standardised: true,
        },
        log: kept.losses.map((loss, epoch) => ({ epoch, loss })),
        finishedAt,
        direction: {
          weights: [...kept.model.weights],
          bias: kept.model.bias,
          c: fits.map(({ c }) => c),
          converged: kept.converged,
        },
        onnx: await input.keep(onnxOf(kept.model)),
      };
    },

    async shuffled(like, shuffles, { seed, labels, splits, features, products, signal }) {
      const matrix = features.get(like.layers[0]!)!;
      const regressions = Array.from({ length: shuffles }, (_, turn) =>
        splits.map(({ train }, split) => ({
          rows: train,
          labels: shuffledLabels(labels, train, seededRandom(seed, SHUFFLED, turn, split)),
          c: like.direction!.c[split]!,
        })),
      );
      const fits = await fitLogistic(matrix, regressions.flat(), products, signal);
      const models = fits.map(({ model }) => model);
      const scores = await logitsOf(matrix, models, products, signal);
      return regressions.map((_, turn) => {
        const own = assembleScores(labels.length, splits, (split) =>
          rowsOf(splits[split]!.test).map((row) => scores[turn * splits.length + split]![row]!),
        );
        return aurocOf(own, labels, (row) => !Number.isNaN(own[row]!));
      });
    },
  };
}

/** The best AUROC that a penalty reached on inner folds of the training rows. */
function validationOf({ validation }: PathFit): number | null {
  const best = Math.max(...validation.filter((value) => !Number.isNaN(value)));
  return Number.isFinite(best) ? best : null;
}

function onnxOf({ weights, bias }: LinearModel): Uint8Array {
  const dim = weights.length;
  const one = { weights: Float32Array.from(weights), biases: Float32Array.of(bias), inputs: dim, outputs: 1 };
  // Standardisation is folded into the direction.
  const raw = { mean: new Float32Array(dim), inverse: new Float32Array(dim).fill(1) };
  return probabilityFile(raw, [one]);
}

/** Key of the random numbers of this purpose. */
const SHUFFLED = 3;

import { aurocOf } from './linear/fit-path.ts';
import { type DenseNetwork, parameterViews } from './network/dense.ts';
import { crossEntropy } from './network/losses.ts';
import { type NetworkTask, networkMethod } from './network/network-method.ts';
import { probabilityFile } from './network/onnx-file.ts';
import { nearest, scaledLayer, settingsFor } from './network/settings.ts';
import { matrixFeed, Trainer } from './network/training.ts';
import { sigmoid } from './probe-document.ts';
import type { ProbeSpec } from './probe-spec.ts';

/** Layer of HalluLens's probes of one layer, in a model of 32 blocks. */
const LAYER = 22;
/** Hidden widths as shares of the input's: 2,048, 1,024 and 512 of 4,096. */
const HIDDEN = [1 / 2, 1 / 4, 1 / 8] as const;
const LEAST_WIDTH = 8;
/** Rows that are scored at once. */
const ROWS = 1024;

/**
 * A multilayer perceptron on the activation of one token (Azaria & Mitchell, 2023), of HalluLens's proportions. HalluLens reads the
 * last position of a padded window, which is zeros for all but the longest responses; this one reads the token that is asked for.
 */
export const saplma = networkMethod({
  headline: 'log_odds',
  isLogOdds: true,

  units(wanted, present) {
    if (wanted !== undefined) return wanted.map((layer) => [layer]);
    return [[nearest(scaledLayer(LAYER, present.at(-1) ?? 0), present)]];
  },

  open({ saplma: { hidden, dropout }, threads }, dim) {
    return Trainer.open(mlpOf(dim, hidden, dropout), crossEntropy, threads);
  },

  async fit({ spec, trainer, features, labels, rows, run }: NetworkTask) {
    const [[layer, own] = []] = features;
    const { dim } = own!;
    const settings = settingsFor(spec.saplma, rows.fit.length, { learningRate: spec.saplma.learningRate });
    const buffer = new Float32Array(Math.max(settings.batchSize, ROWS) * dim);
    const logOdds = async (parameters: Float32Array, of: readonly number[]): Promise<number[]> => {
      const found: number[] = [];
      for (let at = 0; at < of.length; at += ROWS) {
        const some = of.slice(at, at + ROWS);
        await own!.gather(some, buffer);
        found.push(...(await trainer.output(parameters, buffer.subarray(0, some.length * dim), some.length)));
      }
      return found;
    };
    const heldLabels = rows.held.map((row) => labels[row]!);
    const trained = await trainer.train(
      {
        rows: Int32Array.from(rows.fit),
        async batch(some) {
          await own!.gather(some, buffer);
          const count = some.length;
          return {
            features: matrixFeed(buffer.subarray(0, count * dim), count),
            labels: matrixFeed(
              Float32Array.from(some, (row) => labels[row]!),
              count,
            ),
            row_weights: matrixFeed(new Float32Array(count).fill(1 / count), count),
          };
        },
        async validate(parameters) {
          const found = await logOdds(parameters, rows.held);
          const loss = found.reduce((sum, z, i) => sum + crossEntropyOf(z, heldLabels[i]!), 0);
          return { value: -loss, auroc: aurocOf(found, heldLabels, () => true) };
        },
      },
      settings,
      run,
    );
    const { parameters, auroc, log, epoch } = trained;
    return {
      takes: [layer!],
      scores: { log_odds: await logOdds(parameters, rows.test) },
      validation: auroc,
      told: { best_epoch: epoch },
      settings,
      log,
      onnx: () => probabilityFile(own!, parameterViews(trainer.network.widths, parameters)),
    };
  },
});

function mlpOf(dim: number, hidden: ProbeSpec['saplma']['hidden'], dropout: number): DenseNetwork {
  const widths = hidden ?? HIDDEN.map((share) => Math.max(LEAST_WIDTH, Math.round(dim * share)));
  return { widths: [dim, ...widths, 1], dropout: [0, ...widths.map(() => dropout)] };
}

function crossEntropyOf(logOdds: number, label: number): number {
  const share = label === 1 ? sigmoid(logOdds) : sigmoid(-logOdds);
  // A bound for what is past saying in single precision.
  return -Math.log(Math.max(share, 1e-30));
}

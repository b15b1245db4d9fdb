import type { FeatureMatrix } from '../matrix.ts';
import { requireClasses, rowsOf } from '../splits.ts';
import { Lbfgs } from './lbfgs.ts';
import type { Models, Products, Targets } from './products.ts';

/** One regression of many over the same features. */
export interface Regression {
  /** 1 for the rows it is fitted on. Regressions that share the array share its standardisation. */
  readonly rows: Uint8Array;
  /** 1 for positive rows. */
  readonly labels: Uint8Array;
  /** Inverse strength of the L2 penalty, as in scikit-learn: C x (sum of losses) + |weights|^2 / 2. */
  readonly c: number;
}

/** A linear score of raw features: weights . features + bias, the log odds of the positive class. */
export interface LinearModel {
  readonly weights: Float64Array;
  readonly bias: number;
}

export interface LogisticFit {
  readonly model: LinearModel;
  /** Mean cross entropy plus penalty, after every iteration. */
  readonly losses: readonly number[];
  readonly converged: boolean;
}

export interface LogisticOptions {
  /** Standardise features over the rows of each regression; default true. */
  readonly standardise?: boolean;
  /** Largest member of the gradient of the mean loss at the end; default 1e-4, scikit-learn's. */
  readonly tolerance?: number;
  readonly maxIterations?: number;
  /** Called after every pass over the features with how many regressions are done. */
  readonly onPass?: (finished: number) => void;
}

/** Multiplications of one call of ONNX Runtime: some 100 ms on two cores, after which cancellation is heard. */
const PRODUCT_SIZE = 1e9;
/** Regressions at once: beyond this the products are as fast as they get, and the searches want memory. */
const MAX_COLUMNS = 256;
/** Labels of rows x regressions that are held at once. */
const TARGETS_SIZE = 2e7;
/** Share of the overall variance below which a feature is constant over some rows, to single precision. */
const CONSTANT = 1e-7;

/**
 * Fits L2-regularised logistic regressions with unpenalised intercept, all at once: every iteration of every one is
 * a column of one product with the features.
 * @throws InvalidArgumentError when a regression has rows of one class only; CancelledError
 */
export async function fitLogistic(
  features: FeatureMatrix,
  regressions: readonly Regression[],
  products: Products,
  signal: AbortSignal,
  options: LogisticOptions = {},
): Promise<LogisticFit[]> {
  for (const { rows, labels } of regressions) requireClasses(rowsOf(rows), labels);
  const atOnce = Math.min(MAX_COLUMNS, Math.max(1, Math.floor(TARGETS_SIZE / features.rows)));
  const fits: LogisticFit[] = [];
  for (let at = 0; at < regressions.length; at += atOnce) {
    const onPass = (finished: number) => options.onPass?.(at + finished);
    const part = regressions.slice(at, at + atOnce);
    fits.push(...(await fitTogether(features, part, products, signal, { ...options, onPass })));
  }
  return fits;
}

async function fitTogether(
  features: FeatureMatrix,
  regressions: readonly Regression[],
  products: Products,
  signal: AbortSignal,
  options: LogisticOptions,
): Promise<LogisticFit[]> {
  const { standardise = true, tolerance = 1e-4, maxIterations = 500 } = options;
  const frames = await framesOf(features, regressions, products, signal, standardise);
  const fits = regressions.map((regression) => ({
    regression,
    frame: frames.get(regression.rows)!,
    search: new Lbfgs(new Float64Array(features.dim + 1), { tolerance, maxIterations }),
    losses: [] as number[],
  }));
  let batch = batchOf(features.rows, fits);
  for (;;) {
    const active = fits.filter(({ search }) => search.finished === undefined);
    options.onPass?.(fits.length - active.length);
    if (active.length === 0) break;
    // Finished ones are left out when there are enough of them to pay for copying the targets.
    if (active.length < 0.75 * batch.fits.length) batch = batchOf(features.rows, active);
    await evaluate(features, batch, products, signal);
  }
  return fits.map(({ frame, search, losses }) => ({
    model: rawModel(features, frame, search.trial),
    losses,
    converged: search.finished === 'converged',
  }));
}

/** Logits of all rows under each model: one array a model. */
export async function logitsOf(
  features: FeatureMatrix,
  models: readonly LinearModel[],
  products: Products,
  signal: AbortSignal,
): Promise<Float64Array[]> {
  if (models.length === 0) return [];
  const { dim, mean, scale } = features;
  const stacked = emptyModels(models.length, dim);
  models.forEach(({ weights, bias }, m) => {
    // From raw to the standardised columns of the matrix.
    let shift = bias;
    for (let j = 0; j < dim; j++) {
      stacked.weights[m * dim + j] = weights[j]! * scale[j]!;
      shift += weights[j]! * mean[j]!;
    }
    stacked.biases[m] = shift;
  });
  const scores = models.map(() => new Float64Array(features.rows));
  for await (const { start, rows, data } of features.blocks(blockRows(dim, models.length), signal)) {
    const logits = await products.logits(data, rows, stacked);
    for (let row = 0, at = 0; row < rows; row++) for (const own of scores) own[start + row] = logits[at++]!;
  }
  return scores;
}

/** Mean and inverse scale of the matrix's columns over some rows. */
interface Frame {
  readonly mean: Float64Array;
  readonly inverse: Float64Array;
  readonly rows: number;
}

interface Fit {
  readonly regression: Regression;
  readonly frame: Frame;
  readonly search: Lbfgs;
  readonly losses: number[];
}

/** Regressions that take part in a pass, with the room they need. */
interface Batch {
  readonly fits: readonly Fit[];
  readonly targets: Targets;
  readonly models: Models;
}

function emptyModels(count: number, dim: number): Models {
  return { count, weights: new Float32Array(count * dim), biases: new Float32Array(count) };
}

function blockRows(dim: number, models: number): number {
  return Math.max(64, Math.floor(PRODUCT_SIZE / (dim * models)));
}

async function framesOf(
  features: FeatureMatrix,
  regressions: readonly Regression[],
  products: Products,
  signal: AbortSignal,
  standardise: boolean,
): Promise<Map<Uint8Array, Frame>> {
  const { dim } = features;
  const sets = [...new Set(regressions.map(({ rows }) => rows))];
  const sums = sets.map(() => new Float64Array(dim));
  const squares = sets.map(() => new Float64Array(dim));
  for await (const { start, rows, data } of standardise
    ? features.blocks(blockRows(dim, sets.length), signal)
    : []) {
    const weights = new Float32Array(rows * sets.length);
    sets.forEach((members, set) => {
      for (let row = 0; row < rows; row++) weights[row * sets.length + set] = members[start + row]!;
    });
    const part = await products.sums(data, rows, weights);
    sets.forEach((_, set) => {
      for (let j = 0; j < dim; j++) {
        sums[set]![j]! += part.sums[set * dim + j]!;
        squares[set]![j]! += part.squares[set * dim + j]!;
      }
    });
  }
  return new Map(
    sets.map((members, set) => {
      const rows = members.reduce((count, member) => count + member, 0);
      if (!standardise) {
        // Back to the raw features.
        const mean = features.mean.map((value, j) => -value / features.scale[j]!);
        return [members, { rows, mean, inverse: features.scale }] as const;
      }
      const mean = sums[set]!.map((sum) => sum / rows);
      const inverse = squares[set]!.map((square, j) => {
        const variance = square / rows - mean[j]! ** 2;
        return variance > CONSTANT ? 1 / Math.sqrt(variance) : 1;
      });
      return [members, { rows, mean, inverse }] as const;
    }),
  );
}

function batchOf(rows: number, fits: readonly Fit[]): Batch {
  const count = fits.length;
  const labels = new Float32Array(rows * count);
  const weights = new Float32Array(rows * count);
  fits.forEach(({ regression, frame }, m) => {
    for (let row = 0; row < rows; row++) {
      labels[row * count + m] = regression.labels[row]!;
      weights[row * count + m] = regression.rows[row]! / frame.rows;
    }
  });
  const dim = (fits[0]?.search.trial.length ?? 1) - 1;
  return { fits, targets: { labels, weights }, models: emptyModels(count, dim) };
}

/** Evaluates every regression at its trial point and tells its search. */
async function evaluate(
  features: FeatureMatrix,
  { fits, targets, models }: Batch,
  products: Products,
  signal: AbortSignal,
): Promise<void> {
  const { dim } = features;
  const count = fits.length;
  fits.forEach(({ frame, search }, m) => {
    const { trial } = search;
    let shift = trial[dim]!;
    for (let j = 0; j < dim; j++) {
      const weight = trial[j]! * frame.inverse[j]!;
      models.weights[m * dim + j] = weight;
      shift -= weight * frame.mean[j]!;
    }
    models.biases[m] = shift;
  });
  const losses = new Float64Array(count);
  const residuals = new Float64Array(count);
  const gradients = new Float64Array(count * dim);
  for await (const { start, rows, data } of features.blocks(blockRows(dim, count), signal)) {
    const part = await products.loss(data, rows, models, {
      labels: targets.labels.subarray(start * count, (start + rows) * count),
      weights: targets.weights.subarray(start * count, (start + rows) * count),
    });
    for (let row = 0, at = 0; row < rows; row++) {
      for (let m = 0; m < count; m++, at++) {
        losses[m]! += part.losses[at]!;
        residuals[m]! += part.residuals[at]!;
      }
    }
    for (let at = 0; at < gradients.length; at++) gradients[at]! += part.gradients[at]!;
  }
  fits.forEach(({ regression, frame, search, losses: log }, m) => {
    if (search.finished !== undefined) return;
    const { trial } = search;
    const penalty = 1 / (regression.c * frame.rows);
    const gradient = new Float64Array(dim + 1);
    let square = 0;
    for (let j = 0; j < dim; j++) {
      // The features of the regression are (column - mean) x inverse.
      const data = frame.inverse[j]! * (gradients[m * dim + j]! - frame.mean[j]! * residuals[m]!);
      gradient[j] = data + penalty * trial[j]!;
      square += trial[j]! ** 2;
    }
    gradient[dim] = residuals[m]!;
    const before = search.iterations;
    search.tell(losses[m]! + (penalty * square) / 2, gradient);
    if (search.iterations > before || log.length === 0) log.push(search.value);
  });
}

/** The model of raw features: both standardisations folded in. */
function rawModel({ dim, mean, scale }: FeatureMatrix, frame: Frame, point: Float64Array): LinearModel {
  const weights = new Float64Array(dim);
  let bias = point[dim]!;
  for (let j = 0; j < dim; j++) {
    const inner = point[j]! * frame.inverse[j]!;
    weights[j] = inner / scale[j]!;
    bias -= inner * frame.mean[j]! + weights[j]! * mean[j]!;
  }
  return { weights, bias };
}

import { crossValidatedAuroc, seededRandom } from '../stats/index.ts';
import { folds } from '../tasks/probe/splits.ts';
import { difference, norm } from './arithmetic.ts';
import { type Moments, meanOf, momentsOf, unite } from './moments.ts';
import type { VectorSet } from './vector-set.ts';

export interface SeparationOptions {
  /** Parts of the groups of which each is judged by the others. */
  readonly folds: number;
  readonly seed: number;
  readonly confidence: number;
}

/** Two labelled classes of vectors, one entry a vector. */
export interface LabelledVectors {
  readonly set: VectorSet;
  /** 1 for positives, 0 for negatives. */
  readonly labels: Uint8Array;
  /** Vectors of a group (the same prompt) are never on both sides of a fold. */
  readonly groups: Int32Array;
}

/** How far two classes of vectors lie apart. A number that is not defined for them is null. */
export interface ClassSeparation {
  readonly positives: number;
  readonly negatives: number;
  readonly groups: number;
  /** Folds that both classes were judged in. */
  readonly folds: number;
  /**
   * Mean over the folds of the AUROC of (difference of the class means of the other folds) . vector, with an interval that
   * takes the vectors of a group for one observation.
   */
  readonly auroc: number | null;
  readonly low: number | null;
  readonly high: number | null;
  /**
   * Cohen's d of the same scores (of unit directions): the mean over the folds of the difference of the class means, over the
   * standard deviation within folds and classes.
   */
  readonly cohensD: number | null;
  /** tr(S_B) / tr(S_W): scatter between over scatter within the classes (Fukunaga 1990, 10.2). Times n - 2 it is the index of Calinski & Harabasz. */
  readonly fisherRatio: number | null;
  /**
   * Mean silhouette (Rousseeuw 1987) with squared Euclidean distances: (b - a) / max(a, b) of the mean distances of a vector to
   * the others of its class (a) and to the other class (b).
   */
  readonly silhouette: number | null;
}

/**
 * Two passes over the vectors: one for the means of every fold and class, one for what each vector makes of them.
 * @throws InvalidArgumentError, CancelledError
 */
export async function classSeparation(
  { set, labels, groups }: LabelledVectors,
  options: SeparationOptions,
): Promise<ClassSeparation> {
  const everything = new Uint8Array(set.count).fill(1);
  const foldOf = folds({ groups, labels }, everything, options.folds, seededRandom(options.seed));
  // Cell 2 f + c holds class c of fold f.
  const cells = Int32Array.from(labels, (label, row) => 2 * foldOf[row]! + label);
  const moments = await momentsOf(set, cells, 2 * options.folds);
  const parts = Array.from({ length: options.folds }, (_, fold) => fold);
  const classes = unite(
    moments,
    [0, 1].map((label) => parts.map((fold) => 2 * fold + label)),
  );
  const [negatives = 0, positives = 0] = classes.counts;
  const counted = { positives, negatives, groups: new Set(groups).size };
  if (positives === 0 || negatives === 0) return { ...counted, ...UNDEFINED };
  const directions = parts.map((fold) => directionWithout(moments, fold, parts));
  const { scores, silhouette } = await judge(set, { labels, foldOf, directions, classes });
  const judged = Array.from(foldOf.keys()).filter((row) => directions[foldOf[row]!] !== undefined);
  const pick = (values: ArrayLike<number>) => judged.map((row) => values[row]!);
  const inFolds = { scores: pick(scores), labels: pick(labels), folds: pick(foldOf), clusters: pick(groups) };
  const { auroc, low, high, folds: used } = crossValidatedAuroc(inFolds, options.confidence);
  const both = unite(classes, [[0, 1]]);
  const within = classes.scatter[0]! + classes.scatter[1]!;
  return {
    ...counted,
    folds: used,
    auroc: defined(auroc),
    low: defined(low),
    high: defined(high),
    cohensD: defined(cohensD(inFolds)),
    fisherRatio: defined((both.scatter[0]! - within) / within),
    silhouette: defined(silhouette),
  };
}

const UNDEFINED = {
  folds: 0,
  auroc: null,
  low: null,
  high: null,
  cohensD: null,
  fisherRatio: null,
  silhouette: null,
};

function defined(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}

/** Unit vector of the difference of the class means outside a fold; undefined where one is missing or they are the same. */
function directionWithout(
  moments: Moments,
  fold: number,
  parts: readonly number[],
): Float64Array | undefined {
  const others = parts.filter((part) => part !== fold);
  const classes = unite(
    moments,
    [0, 1].map((label) => others.map((part) => 2 * part + label)),
  );
  if (classes.counts[0] === 0 || classes.counts[1] === 0) return undefined;
  const direction = difference(meanOf(classes, 1), meanOf(classes, 0));
  const length = norm(direction);
  return length > 0 ? direction.map((value) => value / length) : undefined;
}

/** The score of every vector by the direction of its fold, and the mean silhouette. */
async function judge(
  set: VectorSet,
  {
    labels,
    foldOf,
    directions,
    classes,
  }: {
    readonly labels: Uint8Array;
    readonly foldOf: Uint8Array;
    readonly directions: readonly (Float64Array | undefined)[];
    readonly classes: Moments;
  },
): Promise<{ readonly scores: Float64Array; readonly silhouette: number }> {
  const { dim } = set;
  const means = [meanOf(classes, 0), meanOf(classes, 1)] as const;
  const nothing = new Float64Array(dim);
  const scores = new Float64Array(set.count);
  let silhouettes = 0;
  for await (const { start, rows, data } of set.blocks()) {
    for (let row = 0; row < rows; row++) {
      const label = labels[start + row] === 1 ? 1 : 0;
      const own = means[label];
      const other = means[1 - label]!;
      const direction = directions[foldOf[start + row]!] ?? nothing;
      const at = row * dim;
      let score = 0;
      let toOwn = 0;
      let toOther = 0;
      for (let j = 0; j < dim; j++) {
        const value = data[at + j]!;
        const fromOwn = value - own[j]!;
        const fromOther = value - other[j]!;
        // From the point between the classes, so that what all vectors share costs no digits.
        score += ((fromOwn + fromOther) / 2) * direction[j]!;
        toOwn += fromOwn * fromOwn;
        toOther += fromOther * fromOther;
      }
      scores[start + row] = score;
      silhouettes += silhouetteOf(classes, label, toOwn, toOther);
    }
  }
  return { scores, silhouette: silhouettes / set.count };
}

/** Of a vector of class `label` whose squared distances from the class means are known. */
function silhouetteOf({ counts, scatter }: Moments, label: 0 | 1, toOwn: number, toOther: number): number {
  const other = 1 - label;
  const members = counts[label]!;
  if (members === 1) return 0;
  // The mean squared distance to the vectors of a class is that to their mean plus their mean distance from it.
  const a = ((toOwn + scatter[label]! / members) * members) / (members - 1);
  const b = toOther + scatter[other]! / counts[other]!;
  return Math.max(a, b) > 0 ? (b - a) / Math.max(a, b) : 0;
}

function cohensD({
  scores,
  labels,
  folds: foldOf,
}: {
  readonly scores: number[];
  readonly labels: number[];
  readonly folds: number[];
}): number {
  const cells = new Map<number, [Summary, Summary]>();
  scores.forEach((score, i) => {
    const fold = cells.get(foldOf[i]!) ?? [newSummary(), newSummary()];
    cells.set(foldOf[i]!, fold);
    const own = fold[labels[i] === 1 ? 1 : 0];
    own.n++;
    const apart = score - own.mean;
    own.mean += apart / own.n;
    own.squares += apart * (score - own.mean);
  });
  const judged = [...cells.values()].filter(([negative, positive]) => negative.n > 0 && positive.n > 0);
  const total = (of: (fold: [Summary, Summary]) => number) => judged.reduce((sum, fold) => sum + of(fold), 0);
  const apart = total(([negative, positive]) => positive.mean - negative.mean) / judged.length;
  const freedom = total(([negative, positive]) => positive.n + negative.n - 2);
  return apart / Math.sqrt(total(([negative, positive]) => positive.squares + negative.squares) / freedom);
}

interface Summary {
  n: number;
  mean: number;
  squares: number;
}

function newSummary(): Summary {
  return { n: 0, mean: 0, squares: 0 };
}

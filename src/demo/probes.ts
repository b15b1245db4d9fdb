/** One line of a training log. */
export interface TrainStep {
  readonly epoch: number;
  readonly loss: number;
  readonly lr: number;
  /** Mean cosine similarity of the views of an example, where the method has views. */
  readonly cosineSim?: number;
}

export interface TrainedProbe {
  /** Score of an example's views; higher means more likely a hallucination. */
  readonly score: (views: readonly Float64Array[]) => number;
  readonly threshold: number;
  readonly log: readonly TrainStep[];
}

export interface ProbeSettings {
  readonly epochs: number;
  readonly lr: number;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

function sigmoid(x: number): number {
  return 1 / (1 + Math.exp(-x));
}

/** log(1 + e^x) without overflow. */
function softplus(x: number): number {
  return Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
}

/** Weight decay: 75 examples in 64 dimensions are separable, so without it nothing would generalise. */
const DECAY = 0.05;

/** Logistic regression on the first view by full-batch gradient descent. Scores are probabilities. */
export function trainLogistic(
  examples: readonly (readonly Float64Array[])[],
  labels: readonly boolean[],
  { epochs, lr }: ProbeSettings,
): TrainedProbe {
  const inputs = examples.map((views) => views[0]!);
  const weights = new Float64Array(inputs[0]?.length ?? 0);
  let bias = 0;
  const log: TrainStep[] = [];
  for (let epoch = 0; epoch < epochs; epoch++) {
    const gradient = new Float64Array(weights.length);
    let biasGradient = 0;
    let loss = 0;
    inputs.forEach((x, n) => {
      const logit = dot(weights, x) + bias;
      loss += softplus(labels[n] ? -logit : logit) / inputs.length;
      const error = (sigmoid(logit) - (labels[n] ? 1 : 0)) / inputs.length;
      biasGradient += error;
      for (let i = 0; i < weights.length; i++) gradient[i]! += error * x[i]!;
    });
    log.push({ epoch, loss, lr });
    bias -= lr * biasGradient;
    for (let i = 0; i < weights.length; i++) weights[i]! -= lr * (gradient[i]! + DECAY * weights[i]!);
  }
  return { score: (views) => sigmoid(dot(weights, views[0]!) + bias), threshold: 0.5, log };
}

function cosine(a: Float64Array, b: Float64Array): number {
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
}

/**
 * A direction that ranks hallucinated above truthful examples in every view, trained on all pairs with a logistic
 * loss at a temperature. The score is the mean over views and no probability; the threshold is the training median.
 */
export function trainContrastive(
  examples: readonly (readonly Float64Array[])[],
  labels: readonly boolean[],
  { epochs, lr }: ProbeSettings,
  temperature: number,
): TrainedProbe {
  const positives = examples.filter((_, n) => labels[n]);
  const negatives = examples.filter((_, n) => !labels[n]);
  const dim = examples[0]?.[0]?.length ?? 0;
  const weights = new Float64Array(dim);
  const score = (views: readonly Float64Array[]): number =>
    views.reduce((sum, view) => sum + dot(weights, view), 0) / views.length;
  const similarity =
    examples.reduce((sum, views) => sum + cosine(views[0]!, views.at(-1)!), 0) / examples.length;
  const log: TrainStep[] = [];
  const pairs = positives.length * negatives.length;
  for (let epoch = 0; epoch < epochs; epoch++) {
    const gradient = new Float64Array(dim);
    let loss = 0;
    const negativeScores = negatives.map(score);
    for (const positive of positives) {
      const own = score(positive);
      negatives.forEach((negative, n) => {
        const margin = (own - negativeScores[n]!) / temperature;
        loss += softplus(-margin) / pairs;
        const pull = (sigmoid(margin) - 1) / (temperature * pairs * positive.length);
        positive.forEach((view, v) => {
          for (let i = 0; i < dim; i++) gradient[i]! += pull * (view[i]! - negative[v]![i]!);
        });
      });
    }
    log.push({ epoch, loss, lr, cosineSim: similarity });
    for (let i = 0; i < dim; i++) weights[i]! -= lr * (gradient[i]! + DECAY * weights[i]!);
  }
  const ordered = examples.map(score).sort((a, b) => a - b);
  return { score, threshold: ordered[Math.floor(ordered.length / 2)] ?? 0, log };
}

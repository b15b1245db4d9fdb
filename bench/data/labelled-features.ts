import { seededRandom } from '../../compute/stats/index.ts';

/** Features with a strong common part, as activations have, and labels that a direction half explains. */
export function labelledFeatures(
  rows: number,
  dim: number,
  seed: number,
): { features: Float32Array; labels: Buffer } {
  const random = seededRandom(seed);
  const direction = Float64Array.from({ length: dim }, () => random.normal() / Math.sqrt(dim));
  const common = Float64Array.from({ length: dim }, () => random.normal());
  const features = new Float32Array(rows * dim);
  const labels = Buffer.alloc(rows);
  for (let row = 0; row < rows; row++) {
    const strength = random.normal();
    let logit = random.normal();
    for (let j = 0; j < dim; j++) {
      const own = random.next() * 4 - 2;
      features[row * dim + j] = own + strength * common[j]! + (j % 7);
      logit += 2 * own * direction[j]!;
    }
    labels[row] = logit > 0 ? 1 : 0;
  }
  return { features, labels };
}

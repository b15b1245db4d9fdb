/** How a token is chosen from logits. */
export interface Sampling {
  /** 0: the most probable. */
  readonly temperature: number;
  readonly topP: number;
  /** 0: all. */
  readonly topK: number;
}

/**
 * Chooses a token. At temperature 0 the largest logit, of equal ones the first. Else logits are divided by the temperature,
 * cut to the `topK` largest (ties with the last of them stay), then to the fewest that hold `topP` of what is left (of
 * equal ones the first come first), and the token is the one in which `uniform` falls when the probabilities that remain
 * are laid end to end in the order of token ids. That order does not depend on the logits, so a difference of 1e-6 in
 * them moves borders by as much and changes a token about once in a million.
 * @param uniform in [0, 1)
 */
export function chooseToken(logits: Float32Array, sampling: Sampling, uniform: () => number): number {
  const { temperature, topP, topK } = sampling;
  const largest = indexOfLargest(logits);
  if (temperature === 0) return largest;
  const weights = Float64Array.from(logits, (logit) => Math.exp((logit - logits[largest]!) / temperature));
  if (topK > 0 && topK < logits.length) keepLargest(weights, logits, topK);
  return tokenAt(topP < 1 ? withinTopP(weights, topP) : weights, uniform());
}

/** Sets the weights of tokens whose logit is below the `count` largest to 0. */
function keepLargest(weights: Float64Array, logits: Float32Array, count: number): void {
  const threshold = logits[largestTokens(logits, count).at(-1)!]!;
  for (const [token, logit] of logits.entries()) if (logit < threshold) weights[token] = 0;
}

/** The weights of the fewest tokens that have `part` of the sum; of the others, 0. */
function withinTopP(weights: Float64Array, part: number): Float64Array {
  const sum = total(weights);
  // Tokens lighter than this have together less than what `part` leaves out, so the fewest are among the others.
  const floor = ((1 - part) * sum) / weights.length;
  const heavy: number[] = [];
  for (const [token, weight] of weights.entries()) if (weight >= floor) heavy.push(token);
  heavy.sort((a, b) => weights[b]! - weights[a]! || a - b);
  const kept = new Float64Array(weights.length);
  let held = 0;
  for (const token of heavy) {
    if (held >= part * sum) break;
    held += weights[token]!;
    kept[token] = weights[token]!;
  }
  return kept;
}

/** The token in which the fraction `at` of the sum of weights falls. */
function tokenAt(weights: Float64Array, at: number): number {
  const goal = at * total(weights);
  let passed = 0;
  let last = 0;
  for (let token = 0; token < weights.length; token++) {
    if (weights[token] === 0) continue;
    last = token;
    passed += weights[token]!;
    if (passed > goal) break;
  }
  return last;
}

function total(weights: Float64Array): number {
  let sum = 0;
  for (const weight of weights) sum += weight;
  return sum;
}

/** Index of the largest value, of equal ones the first; 0 for none. */
export function indexOfLargest(values: Float32Array): number {
  let at = 0;
  for (let i = 1; i < values.length; i++) if (values[i]! > values[at]!) at = i;
  return at;
}

/** Tokens of the largest logits, largest first, of equal ones the first first. */
export function largestTokens(logits: Float32Array, count: number): number[] {
  const best: number[] = [];
  for (let token = 0; token < logits.length; token++) {
    const value = logits[token]!;
    if (best.length === count && value <= logits[best[count - 1]!]!) continue;
    let at = best.length;
    while (at > 0 && logits[best[at - 1]!]! < value) at--;
    best.splice(at, 0, token);
    if (best.length > count) best.pop();
  }
  return best;
}

/** ln Σ exp(logit): what a logit lacks to a log-probability. */
export function logSumExp(logits: Float32Array): number {
  const largest = logits[indexOfLargest(logits)]!;
  let sum = 0;
  for (let i = 0; i < logits.length; i++) sum += Math.exp(logits[i]! - largest);
  return largest + Math.log(sum);
}

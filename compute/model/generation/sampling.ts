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
  if (temperature === 0) return indexOfLargest(logits);
  const largest = logits[indexOfLargest(logits)]!;
  const weight = (token: number) => Math.exp((logits[token]! - largest) / temperature);
  const candidates = withinTopP(withinTopK(logits, topK), weight, topP, logits.length);
  if (candidates === undefined) return lay(logits.length, (i) => i, weight, uniform());
  candidates.sort((a, b) => a - b);
  return lay(candidates.length, (i) => candidates[i]!, weight, uniform());
}

/** The item in which the fraction `at` of the sum of weights falls. */
function lay(
  count: number,
  item: (i: number) => number,
  weight: (item: number) => number,
  at: number,
): number {
  let sum = 0;
  for (let i = 0; i < count; i++) sum += weight(item(i));
  let passed = 0;
  let last = item(0);
  for (let i = 0; i < count; i++) {
    const one = weight(item(i));
    if (one === 0) continue;
    last = item(i);
    passed += one;
    if (passed > at * sum) break;
  }
  return last;
}

/** Tokens of the `count` largest logits, and those as large as the last of them; undefined: all. */
function withinTopK(logits: Float32Array, count: number): number[] | undefined {
  if (count === 0 || count >= logits.length) return undefined;
  const last = largestTokens(logits, count).at(-1)!;
  const threshold = logits[last]!;
  const tokens: number[] = [];
  for (let token = 0; token < logits.length; token++) if (logits[token]! >= threshold) tokens.push(token);
  return tokens;
}

/** The fewest tokens that together have the part `topP` of the weight; undefined: all of the vocabulary. */
function withinTopP(
  among: number[] | undefined,
  weight: (token: number) => number,
  topP: number,
  vocabulary: number,
): number[] | undefined {
  if (topP >= 1) return among;
  const tokens = among ?? Array.from({ length: vocabulary }, (_, token) => token);
  const weights = new Map<number, number>();
  let sum = 0;
  for (const token of tokens) sum += weight(token);
  // Those below, all together, have less than what topP leaves out, so the fewest are among the others.
  const floor = ((1 - topP) * sum) / tokens.length;
  for (const token of tokens) {
    const one = weight(token);
    if (one >= floor) weights.set(token, one);
  }
  const sorted = [...weights].sort(([a, x], [b, y]) => y - x || a - b);
  let held = 0;
  const end = sorted.findIndex(([, one]) => {
    held += one;
    return held >= topP * sum;
  });
  return sorted.slice(0, end < 0 ? undefined : end + 1).map(([token]) => token);
}

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

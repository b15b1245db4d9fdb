/** Parameters and their moments: what Adam (Kingma & Ba, 2015) knows between two steps. */
export interface AdamState {
  readonly parameters: Float32Array;
  readonly first: Float32Array;
  readonly second: Float32Array;
  /** Steps that were taken. */
  steps: number;
}

export interface AdamOptions {
  readonly learningRate: number;
  /** Gradients longer than this are shortened to it, all parameters taken together. */
  readonly clip?: number;
}

const BETA = { first: 0.9, second: 0.999 } as const;
const EPSILON = 1e-8;

/** The state before the first step. `parameters` are kept, not copied. */
export function adamState(parameters: Float32Array): AdamState {
  const { length } = parameters;
  return { parameters, first: new Float32Array(length), second: new Float32Array(length), steps: 0 };
}

/**
 * Takes one step, in place. A loop beside the graph: it touches every number once, which ONNX Runtime's separate operations would
 * do ten times.
 */
export function adamStep(
  state: AdamState,
  gradients: Float32Array,
  { learningRate, clip }: AdamOptions,
): void {
  const { parameters, first, second } = state;
  const steps = ++state.steps;
  const shortening = clip === undefined ? 1 : Math.min(1, clip / (lengthOf(gradients) + 1e-6));
  const rate = learningRate / (1 - BETA.first ** steps);
  const correction = 1 / (1 - BETA.second ** steps);
  for (let i = 0; i < parameters.length; i++) {
    const gradient = gradients[i]! * shortening;
    const mean = BETA.first * first[i]! + (1 - BETA.first) * gradient;
    const square = BETA.second * second[i]! + (1 - BETA.second) * gradient * gradient;
    first[i] = mean;
    second[i] = square;
    parameters[i]! -= (rate * mean) / (Math.sqrt(square * correction) + EPSILON);
  }
}

function lengthOf(values: Float32Array): number {
  let square = 0;
  for (let i = 0; i < values.length; i++) square += values[i]! * values[i]!;
  return Math.sqrt(square);
}

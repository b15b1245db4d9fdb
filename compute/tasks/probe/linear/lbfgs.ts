export interface LbfgsOptions {
  /** The search ends when no member of the gradient is larger. */
  readonly tolerance: number;
  readonly maxIterations: number;
}

/** Pairs of steps and changes of the gradient that stand for the curvature. */
const MEMORY = 10;
/** Share of the decrease promised by the slope that a step has to bring (Armijo). */
const SUFFICIENT = 1e-4;
/** Values are sums of single-precision products: differences below this share of them mean nothing. */
const NOISE = 1e-8;
const MAX_BACKTRACKS = 20;

/**
 * Minimises a smooth convex function by L-BFGS (Liu & Nocedal, 1989) without calling it: it asks for the value and gradient at
 * `trial` and is told them, so that many minimisations take part in one batched evaluation.
 */
export class Lbfgs {
  /** Where the function is to be evaluated next; once `finished`, the minimum. */
  readonly trial: Float64Array;
  /** Of the best point so far. */
  value = Number.POSITIVE_INFINITY;
  iterations = 0;
  finished: 'converged' | 'exhausted' | 'stalled' | undefined;

  readonly #options: LbfgsOptions;
  readonly #point: Float64Array;
  readonly #gradient: Float64Array;
  readonly #direction: Float64Array;
  readonly #steps: Float64Array[] = [];
  readonly #changes: Float64Array[] = [];
  readonly #curvatures: number[] = [];
  #length = 1;
  #slope = 0;
  #backtracks = 0;

  constructor(start: Float64Array, options: LbfgsOptions) {
    this.#options = options;
    this.trial = Float64Array.from(start);
    this.#point = Float64Array.from(start);
    this.#gradient = new Float64Array(start.length);
    this.#direction = new Float64Array(start.length);
  }

  /** Takes the function's value and gradient at `trial`. */
  tell(value: number, gradient: Float64Array): void {
    const isFirst = this.value === Number.POSITIVE_INFINITY;
    const enough = this.value + SUFFICIENT * this.#length * this.#slope + NOISE * Math.abs(this.value);
    if (!isFirst && !(value <= enough)) {
      this.#backtrack(value);
      return;
    }
    if (!isFirst) {
      this.iterations++;
      this.#remember(gradient);
    }
    this.value = value;
    this.#point.set(this.trial);
    this.#gradient.set(gradient);
    if (gradient.every((one) => Math.abs(one) <= this.#options.tolerance)) this.#finish('converged');
    else if (this.iterations >= this.#options.maxIterations) this.#finish('exhausted');
    else this.#advance(isFirst);
  }

  #finish(how: NonNullable<Lbfgs['finished']>): void {
    this.finished = how;
    this.trial.set(this.#point);
  }

  #backtrack(value: number): void {
    if (++this.#backtracks > MAX_BACKTRACKS) {
      this.#finish('stalled');
      return;
    }
    // The minimum of the parabola through both values and the slope, kept within reason.
    const gained = this.#length * this.#slope;
    const share = -gained / (2 * (value - this.value - gained));
    this.#length *= share >= 0.1 && share <= 0.5 ? share : value > this.value ? 0.1 : 0.5;
    this.#step();
  }

  #remember(gradient: Float64Array): void {
    const step = new Float64Array(gradient.length);
    const change = new Float64Array(gradient.length);
    for (let i = 0; i < step.length; i++) {
      step[i] = this.trial[i]! - this.#point[i]!;
      change[i] = gradient[i]! - this.#gradient[i]!;
    }
    const curvature = dot(step, change);
    if (!(curvature > 1e-12 * dot(change, change))) return;
    this.#steps.push(step);
    this.#changes.push(change);
    this.#curvatures.push(curvature);
    if (this.#steps.length <= MEMORY) return;
    this.#steps.shift();
    this.#changes.shift();
    this.#curvatures.shift();
  }

  #advance(isFirst: boolean): void {
    const direction = this.#direction;
    for (let i = 0; i < direction.length; i++) direction[i] = -this.#gradient[i]!;
    this.#length = isFirst ? Math.min(1, 1 / Math.sqrt(dot(direction, direction))) : 1;
    this.#applyCurvature(direction);
    this.#slope = dot(direction, this.#gradient);
    if (!(this.#slope < 0)) {
      this.#finish('stalled');
      return;
    }
    this.#backtracks = 0;
    this.#step();
  }

  /** The two-loop recursion: from the negative gradient to the quasi-Newton direction. */
  #applyCurvature(direction: Float64Array): void {
    const last = this.#steps.length - 1;
    const shares = new Float64Array(last + 1);
    for (let k = last; k >= 0; k--) {
      shares[k] = dot(this.#steps[k]!, direction) / this.#curvatures[k]!;
      addScaled(direction, -shares[k]!, this.#changes[k]!);
    }
    const change = this.#changes[last];
    if (change !== undefined) {
      const scale = this.#curvatures[last]! / dot(change, change);
      for (let i = 0; i < direction.length; i++) direction[i]! *= scale;
    }
    for (let k = 0; k <= last; k++) {
      const share = dot(this.#changes[k]!, direction) / this.#curvatures[k]!;
      addScaled(direction, shares[k]! - share, this.#steps[k]!);
    }
  }

  #step(): void {
    this.trial.set(this.#point);
    addScaled(this.trial, this.#length, this.#direction);
  }
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

function addScaled(to: Float64Array, factor: number, values: Float64Array): void {
  for (let i = 0; i < to.length; i++) to[i]! += factor * values[i]!;
}

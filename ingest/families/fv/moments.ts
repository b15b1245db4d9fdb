/** Mean, mean of the absolute values and population standard deviation of numbers that come one by one. */
export class Moments {
  n = 0;
  mean = 0;
  meanAbs = 0;
  #squares = 0;

  add(value: number): void {
    this.n += 1;
    const delta = value - this.mean;
    this.mean += delta / this.n;
    this.#squares += delta * (value - this.mean);
    this.meanAbs += (Math.abs(value) - this.meanAbs) / this.n;
  }

  /** 0 for fewer than two values, as in Python's `pstdev` of one. */
  get std(): number {
    return this.n < 2 ? 0 : Math.sqrt(this.#squares / this.n);
  }
}

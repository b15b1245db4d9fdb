/** A value that JSON cannot carry, so that the response has null in its place. */
export interface ValueIssue {
  readonly path: readonly (string | number)[];
  /** `NaN`, `Infinity`, `-Infinity`, or the text that is not JSON. */
  readonly value: string;
  readonly message: string;
}

/** So that a broken table does not multiply the size of its answer. */
const MAX_REPORTED = 100;
const MAX_TEXT = 200;

/** Collects the values of one response that had to become null. */
export class ValueIssues {
  readonly reported: ValueIssue[] = [];
  #count = 0;

  add(path: readonly (string | number)[], value: string, message: string): void {
    this.#count++;
    if (this.reported.length >= MAX_REPORTED) return;
    const text = value.length > MAX_TEXT ? `${value.slice(0, MAX_TEXT)}…` : value;
    this.reported.push({ path: [...path], value: text, message });
  }

  get count(): number {
    return this.#count;
  }
}

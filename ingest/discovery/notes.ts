import type { Issue } from '../family.ts';

/** Issues of one code beyond this many are counted, not listed. */
const MAX_PER_CODE = 50;

/** Passes on what discovery has to say about a tree, and keeps it short. */
export class DiscoveryNotes {
  readonly #emit: (issue: Issue) => void;
  readonly #counts = new Map<string, { severity: Issue['severity']; count: number }>();

  constructor(emit: (issue: Issue) => void = () => {}) {
    this.#emit = emit;
  }

  add(issue: Issue): void {
    const seen = this.#counts.get(issue.code) ?? { severity: issue.severity, count: 0 };
    this.#counts.set(issue.code, { ...seen, count: seen.count + 1 });
    if (seen.count < MAX_PER_CODE) this.#emit(issue);
  }

  /** Says how many were counted only. */
  finish(): void {
    for (const [code, { severity, count }] of this.#counts) {
      const rest = count - MAX_PER_CODE;
      if (rest > 0) this.#emit({ severity, code, message: `${rest} more of this kind are not listed` });
    }
  }
}

import type { Issue } from '../../../family.ts';
import type { IssueLog } from '../../../run-files/issue-log.ts';

type Deviation = Omit<Issue, 'severity'>;

/** Deviations of one code that are kept; of the others only the number is. */
const MAX_KEPT = 100;

/**
 * Deviations from the contract that the benchmark's own runner produces on odd items: an id that occurs twice, a truth
 * that is neither TRUE nor FALSE, items without an id that vanish. Where `metrics.json` was computed from exactly
 * these records they are the run's own history, and warnings; otherwise the records were changed later: errors.
 */
export class Deviations {
  readonly #kept = new Map<string, { readonly list: Deviation[]; count: number }>();

  add(deviation: Deviation): void {
    const seen = this.#kept.get(deviation.code) ?? { list: [], count: 0 };
    seen.count++;
    if (seen.list.length < MAX_KEPT) seen.list.push(deviation);
    this.#kept.set(deviation.code, seen);
  }

  /** @param confirmed whether the run's own metrics agree with the records */
  settle(log: IssueLog, confirmed: boolean): void {
    const report = confirmed ? log.warn : log.record;
    for (const { list, count } of this.#kept.values()) {
      for (const deviation of list) report(deviation);
      const { code, file } = list[0]!;
      if (count > list.length) {
        const message = `${count - list.length} further issues of this kind are not listed`;
        report({ code, ...(file === undefined ? {} : { file }), message });
      }
    }
  }
}

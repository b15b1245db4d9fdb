import type { Family, FamilyName, Issue, RunCandidate } from '../family.ts';

export interface FoundRun {
  readonly family: Family;
  readonly candidate: RunCandidate;
}

/**
 * Sees to it that every run is found once and every file is read by one family.
 *
 * Where families claim the same directory or the same file at the same time, the most specific claim holds: that of the
 * family whose runs explain most files there, the earlier registered of equals. A directory or file that was
 * given away stays so; children are visited before their parents, so the nearer claim holds.
 */
export class Claims {
  readonly #issue: (issue: Issue) => void;
  readonly #runs = new Map<string, string>();
  readonly #owners = new Map<string, FamilyName>();

  constructor(issue: (issue: Issue) => void) {
    this.#issue = issue;
  }

  /** Those of the runs found at one place that are read; the others become issues. */
  settle(found: readonly FoundRun[]): FoundRun[] {
    return [...bySpecificity(found)].filter((run) => this.#isUndisputed(run) && this.#isNew(run));
  }

  #isUndisputed({ candidate: { family, root, files, runId } }: FoundRun): boolean {
    const keys = [`${root}/`, ...files.map((file) => file.key)];
    const taken = keys.find((key) => (this.#owners.get(key) ?? family) !== family);
    if (taken === undefined) {
      for (const key of keys) this.#owners.set(key, family);
      return true;
    }
    this.#issue({
      severity: 'warning',
      code: 'CLAIMED_TWICE',
      file: taken.replace(/\/$/, ''),
      message: `looks like the ${family} run ${runId} too, but is read as ${this.#owners.get(taken)}, which explains more of it`,
    });
    return false;
  }

  #isNew({ candidate: { root, runId } }: FoundRun): boolean {
    const first = this.#runs.get(runId);
    if (first === undefined) {
      this.#runs.set(runId, root);
      return true;
    }
    this.#issue({
      severity: 'warning',
      code: 'DUPLICATE_RUN',
      file: root,
      message: `${first} is the run ${runId} already; this one is left out`,
    });
    return false;
  }
}

/** Runs of the family that explains most files first; the order of a family's own runs stays. */
function bySpecificity(found: readonly FoundRun[]): Iterable<FoundRun> {
  const explained = new Map<Family, Set<string>>();
  for (const { family, candidate } of found) {
    const keys = explained.get(family) ?? new Set<string>();
    for (const file of candidate.files) keys.add(file.key);
    explained.set(family, keys);
  }
  if (explained.size < 2) return found;
  return found.toSorted((a, b) => explained.get(b.family)!.size - explained.get(a.family)!.size);
}

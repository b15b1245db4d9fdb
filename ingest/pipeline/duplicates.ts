import type { RunEntry } from '../../lake/visibility.ts';
import type { Issue, RunCandidate } from '../family.ts';

/** What is known of a run's measurement before it is read. */
export interface Measurement {
  /** Hash of `RunCandidate.results`. */
  readonly sha256: string;
  /** The run that holds the same measurement already. */
  readonly duplicateOf?: string;
}

/** A run that may turn out to be the original of others. */
interface Claim {
  readonly runId: string;
  /** Whether the run is accepted, once that is certain. */
  readonly accepted: Promise<boolean>;
  settle(accepted: boolean): void;
}

/**
 * Finds runs that are copies of one measurement: their result files have the same bytes. The one that is in the lake
 * already, else the first accepted one, is the original; copies are marked, so that nobody counts twice. Namespaces are
 * worlds of their own.
 */
export class Duplicates {
  /** The first run found of each measurement that was not rejected. */
  readonly #claims = new Map<string, Claim>();
  /** Every run that was asked about: what the lake has of it may be out of date. */
  readonly #measured = new Map<string, string>();

  /**
   * To be asked in the order in which the runs were found; every run that was asked about is to be settled. Waits for the
   * fate of an earlier run with the same measurement.
   */
  async of(
    runId: string,
    sha256: string,
    visible: ReadonlyMap<string, RunEntry> = new Map(),
  ): Promise<Measurement> {
    const key = `${namespaceOf(runId)} ${sha256}`;
    this.#measured.set(runId, sha256);
    const known = this.#inLake(runId, sha256, visible);
    if (known !== undefined) return { sha256, ...(known === runId ? {} : { duplicateOf: known }) };
    for (;;) {
      const claim = this.#claims.get(key);
      if (claim === undefined) break;
      if (await claim.accepted) return { sha256, duplicateOf: claim.runId };
      if (this.#claims.get(key) === claim) this.#claims.delete(key);
    }
    this.#claims.set(key, newClaim(runId));
    return { sha256 };
  }

  /** Says what became of a run; a rejected one is nobody's original. */
  settle(runId: string, accepted: boolean): void {
    const sha256 = this.#measured.get(runId);
    if (sha256 === undefined) return;
    const claim = this.#claims.get(`${namespaceOf(runId)} ${sha256}`);
    if (claim?.runId === runId) claim.settle(accepted);
  }

  #inLake(runId: string, sha256: string, visible: ReadonlyMap<string, RunEntry>): string | undefined {
    const originals: string[] = [];
    for (const entry of visible.values()) {
      if (entry.results_sha256 !== sha256 || entry.duplicate_of !== undefined) continue;
      if ((this.#measured.get(entry.run_id) ?? sha256) !== sha256) continue;
      if (namespaceOf(entry.run_id) === namespaceOf(runId)) originals.push(entry.run_id);
    }
    // Two that were ingested at the same time by two processes are told apart by name.
    return originals.sort()[0];
  }
}

function newClaim(runId: string): Claim {
  let settle: Claim['settle'] = () => undefined;
  const accepted = new Promise<boolean>((resolve) => {
    settle = resolve;
  });
  return { runId, accepted, settle };
}

function namespaceOf(runId: string): string {
  return runId.slice(0, runId.indexOf('/'));
}

/** How a copy reads in a report. */
export function duplicateIssue({ root, results }: RunCandidate, original: string): Issue {
  const file = results?.key.slice(root === '' ? 0 : root.length + 1);
  return {
    severity: 'warning',
    code: 'DUPLICATE_CONTENT',
    ...(file === undefined ? {} : { file }),
    message: `${file ?? 'the result file'} has the same bytes as that of ${original}; the run is marked as its duplicate, which aggregates leave out`,
  };
}

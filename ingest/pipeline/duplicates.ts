import type { RunEntry } from '../../lake/visibility.ts';
import type { Issue, RunCandidate } from '../family.ts';

/** What is known of a run's measurement before it is read. */
export interface Measurement {
  /** Hash of `RunCandidate.results`. */
  readonly sha256: string;
  /** The run that holds the same measurement already. */
  readonly duplicateOf?: string;
}

/**
 * Finds runs that are copies of one measurement: their result files have the same bytes. The one that is in the lake
 * already, else the first one found, is the original; copies are marked, so that nobody counts twice. Namespaces are
 * worlds of their own.
 */
export class Duplicates {
  /** The first run found of each measurement. */
  readonly #found = new Map<string, string>();
  /** Every run that was asked about: what the lake has of it may be out of date. */
  readonly #measured = new Map<string, string>();

  /** To be asked in the order in which the runs were found. */
  of(runId: string, sha256: string, visible: ReadonlyMap<string, RunEntry> = new Map()): Measurement {
    const key = `${namespaceOf(runId)} ${sha256}`;
    this.#measured.set(runId, sha256);
    const known = this.#inLake(runId, sha256, visible) ?? this.#found.get(key);
    if (known === undefined) this.#found.set(key, runId);
    return { sha256, ...(known === undefined || known === runId ? {} : { duplicateOf: known }) };
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

import { FINGERPRINT_UNAVAILABLE } from '../../../../ingest/contracts/chaosbench/run-manifest.ts';
import type { AuditRun } from './model.ts';

/** What a stored dataset fingerprint is, compared with the frozen dataset. */
export type FingerprintState = 'frozen' | 'legacy formula' | 'other' | 'not recorded' | 'not comparable';

/** The runs that store one fingerprint. */
export interface FingerprintGroup {
  readonly sha256: string;
  readonly state: FingerprintState;
  readonly runs: readonly AuditRun[];
}

/** What the fingerprint that a run stores is. */
export function fingerprintState({ manifest, failed, flags }: AuditRun): FingerprintState {
  const stored = manifest?.dataset_global_sha256 ?? FINGERPRINT_UNAVAILABLE;
  if (stored === FINGERPRINT_UNAVAILABLE) return 'not recorded';
  if (flags.includes('dataset_unknown')) return 'not comparable';
  if (!failed.includes('dataset_global_sha256')) return 'frozen';
  return flags.includes('sha_matches_legacy_formula') ? 'legacy formula' : 'other';
}

/** Groups of runs by the fingerprint they store, most frequent first; runs without a manifest are in none. */
export function fingerprintGroups(runs: readonly AuditRun[]): FingerprintGroup[] {
  const groups = new Map<string, { sha256: string; state: FingerprintState; runs: AuditRun[] }>();
  for (const run of runs) {
    if (run.manifest === undefined) continue;
    const sha256 = run.manifest.dataset_global_sha256;
    const state = fingerprintState(run);
    const key = `${sha256} ${state}`;
    const group = groups.get(key) ?? { sha256, state, runs: [] };
    group.runs.push(run);
    groups.set(key, group);
  }
  return [...groups.values()].sort((a, b) => b.runs.length - a.runs.length || (a.sha256 < b.sha256 ? -1 : 1));
}

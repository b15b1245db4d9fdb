import type { QidStatus } from '../../contracts/fv/qid-status.ts';
import type { RunStatus } from '../../family.ts';
import type { IssueLog } from '../../run-files/issue-log.ts';
import type { FvLayout, FvRole } from './layout.ts';
import { firstIndices, rangesOf } from './model-shape.ts';

/** What the contract asks of a completed relation query, beside the injections. */
const REQUIRED: readonly (readonly [role: FvRole, file: string])[] = [
  ['trials', 'sampled_trials.json'],
  ['aie', 'aie_scores.csv'],
  ['trial-metrics', 'trial_metrics.jsonl'],
  ['top-heads', 'top_heads.json'],
  ['fv-global', 'fv_global_resid.pt'],
  ['fv-by-layer', 'fv_by_layer.pt'],
];

/** What is known of the run when its completeness is judged. */
export interface Evidence {
  readonly layout: FvLayout;
  /** Directory of the artifacts with a trailing slash, or empty. */
  readonly base: string;
  /** Depth of the model; undefined when nothing tells. */
  readonly layers: number | undefined;
  /** Layers whose results and summary are there. */
  readonly injected: ReadonlySet<number>;
}

/** A file that the contract requires of a completed relation query and that is not there. */
export interface MissingFile {
  readonly file: string;
  readonly message: string;
}

/** What is missing by the contract's rule: every layer of the model counts, not every layer that happens to be there. */
export function missingFiles({ layout, base, layers, injected }: Evidence): MissingFile[] {
  const message = 'the contract requires this file of a completed relation query';
  const missing = REQUIRED.filter(([role]) => layout.first(role) === undefined).map(([, file]) => ({
    file: `${base}${file}`,
    message,
  }));
  const absent = firstIndices(layers ?? 0).filter((layer) => !injected.has(layer));
  if (absent.length > 0) {
    const message = `no step6_results_*.json with eval_summary.json for layer ${rangesOf(absent)} of ${layers}`;
    missing.push({ file: `${base}step6`, message });
  }
  if (!layout.sweeps.some(({ summary }) => summary !== undefined))
    missing.push({ file: `${base}step6/step6_all_layers_summary.json`, message });
  return missing;
}

/** Says when the layers that the status file expects are not those of the model. */
export function checkExpectedLayers(
  file: string,
  { expected_layers: expected }: QidStatus,
  layers: number | undefined,
  log: IssueLog,
): void {
  if (expected === undefined || expected === null || layers === undefined) return;
  const [found, want] = [rangesOf(expected.toSorted((a, b) => a - b)), rangesOf(firstIndices(layers))];
  if (found === want) return;
  const message = `[${found}]; the model has the layers [${want}]`;
  log.warn({ code: 'STATUS_MISMATCH', file, pointer: '/expected_layers', message });
}

/** The status of a run with a status file; where that file and the others disagree, an issue says so. */
export function judgeStatus(
  file: string,
  status: QidStatus,
  missing: readonly MissingFile[],
  hasArtifacts: boolean,
  log: IssueLog,
): RunStatus {
  const reason = status.reason ?? 'no reason given';
  const disagree = (message: string) =>
    log.warn({ code: 'STATUS_MISMATCH', file, pointer: '/status', message });
  if (status.status === 'completed') {
    if (missing.length === 0) return 'completed';
    for (const item of missing) log.warn({ code: 'MISSING_FILE', ...item });
    disagree(`completed; not everything is there that makes a run complete`);
    return 'partial';
  }
  if (missing.length === 0) disagree(`${status.status}; every file of a completed run is there`);
  switch (status.status) {
    case 'failed':
      log.warn({ code: 'RUN_FAILED', file, pointer: '/reason', message: reason });
      return 'failed';
    case 'skipped':
      log.info({ code: 'RUN_SKIPPED', file, pointer: '/reason', message: reason });
      checkSkip(status, hasArtifacts, disagree);
      return 'skipped';
    case 'running': {
      const since = status.updated_at ?? 'an unknown time';
      const message = `running since ${since}: still at it, or interrupted`;
      log.info({ code: 'RUN_UNFINISHED', file, pointer: '/status', message });
      return 'running';
    }
    default:
      if (hasArtifacts && missing.length > 0)
        disagree(`${status.status}; artifacts of an earlier attempt are there`);
      return 'pending';
  }
}

function checkSkip(status: QidStatus, hasArtifacts: boolean, disagree: (message: string) => void): void {
  const { q_row_count: rows, config } = status;
  const demos = config.n_demos;
  if (typeof rows === 'number' && typeof demos === 'number' && rows > demos)
    disagree(`skipped with ${rows} rows; ${demos} demonstrations and a query need ${demos + 1}`);
  if (hasArtifacts) disagree('skipped; artifacts of an earlier attempt are there');
}

import type { RunColumns } from '../family.ts';

const UNKNOWN: Omit<RunColumns, 'status'> = {
  method: null,
  model_id: null,
  benchmark: null,
  split: null,
  seed: null,
  run_date: null,
  created_at: null,
  verdict: null,
  verdict_reasons: null,
  git_commit: null,
  git_dirty: null,
  config: null,
  manifest: null,
  compliance: null,
};

/** The columns of a run; what its artifacts do not tell is null. */
export function runColumns(known: Partial<RunColumns> & Pick<RunColumns, 'status'>): RunColumns {
  return { ...UNKNOWN, ...known };
}

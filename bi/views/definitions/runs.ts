import { RUNS } from '../../../lake/tables/tables.ts';
import { from, type ViewColumn } from '../view.ts';

/** Columns of the run that a row of a view belongs to, `runs` being in FROM as `r`. */
export function runColumns(names: readonly string[] = RUN_COLUMNS): ViewColumn[] {
  return names.map((name) => from('r', RUNS, name));
}

const RUN_COLUMNS = ['run_id', 'family', 'method', 'model_id', 'benchmark', 'split', 'seed', 'run_date'];

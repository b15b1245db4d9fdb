import { ACTIVATIONS, RUN_STORES, RUNS } from '../../../lake/tables/tables.ts';
import { from, view } from '../view.ts';
import { runColumns } from './runs.ts';

export const RUN_ACTIVATIONS = view({
  name: 'run_activations',
  description:
    'One row a vector that a run can see: activations joined to runs through run_stores. Several runs may share a store, so a vector may have a row for each.',
  tables: [RUNS, RUN_STORES, ACTIVATIONS],
  columns: [
    ...runColumns(['run_id', 'family', 'method', 'benchmark', 'seed']),
    ...ACTIVATIONS.columns
      .filter((column) => column.name !== 'ingest_id')
      .map((column) => from('a', ACTIVATIONS, column.name)),
  ],
  from: `FROM activations a
    JOIN run_stores s ON s.store_id = a.store_id AND s.store_ingest_id = a.ingest_id
    JOIN runs r ON r.run_id = s.run_id`,
});

import { TABLES } from '../../lake/tables/tables.ts';
import { RUN_ACTIVATIONS } from './definitions/activations.ts';
import { ENTROPY_ETAS } from './definitions/entropy.ts';
import { EXAMPLE_PREDICTIONS, EXAMPLES } from './definitions/examples.ts';
import { HEADS, LAYERS } from './definitions/function-vectors.ts';
import { RUN_METRICS } from './definitions/run-metrics.ts';
import { type Listed, listedTable, type View } from './view.ts';

export type { Listed, ListedColumn, View } from './view.ts';

/** Views that every door for SQL shows beside the tables. */
export const VIEWS: readonly View[] = [
  RUN_METRICS,
  EXAMPLES,
  EXAMPLE_PREDICTIONS,
  RUN_ACTIVATIONS,
  HEADS,
  LAYERS,
  ENTROPY_ETAS,
];

/** Everything that SQL can read, tables first. */
export const CATALOG: readonly Listed[] = [...TABLES.map(listedTable), ...VIEWS];

import { TABLES } from '../../lake/tables/tables.ts';
import { RUN_METRICS } from './definitions/run-metrics.ts';
import { type Listed, listedTable, type View } from './view.ts';

export type { Listed, ListedColumn, View } from './view.ts';

/** Views that every door for SQL shows beside the tables. */
export const VIEWS: readonly View[] = [RUN_METRICS];

/** Everything that SQL can read, tables first. */
export const CATALOG: readonly Listed[] = [...TABLES.map(listedTable), ...VIEWS];

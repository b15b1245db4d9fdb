/** Columns of the table of runs, in the order in which it has them. */
export const COLUMN_IDS = [
  'method',
  'modelId',
  'benchmark',
  'split',
  'seed',
  'result',
  'verdict',
  'issues',
  'status',
  'family',
  'nGenerations',
  'nPredictions',
  'nActivations',
  'createdAt',
  'ingestedAt',
  'gitCommit',
  'id',
] as const;
export type ColumnId = (typeof COLUMN_IDS)[number];

export interface RunColumn {
  readonly title: string;
  /** In rem. */
  readonly width: number;
  /** What the API sorts by; nothing where it cannot. */
  readonly order?: string;
  readonly numeric?: boolean;
}

export const COLUMNS: Readonly<Record<ColumnId, RunColumn>> = {
  method: { title: 'Method', width: 11, order: 'METHOD' },
  modelId: { title: 'Model', width: 10.5, order: 'MODEL_ID' },
  benchmark: { title: 'Benchmark', width: 9, order: 'BENCHMARK' },
  split: { title: 'Split', width: 6.5, order: 'SPLIT' },
  seed: { title: 'Seed', width: 4.2, order: 'SEED', numeric: true },
  result: { title: 'Result', width: 15.5 },
  verdict: { title: 'Verdict', width: 8.5, order: 'VERDICT' },
  issues: { title: 'Issues', width: 8, order: 'N_ISSUES' },
  status: { title: 'Status', width: 6.8, order: 'STATUS' },
  family: { title: 'Family', width: 8, order: 'FAMILY' },
  nGenerations: { title: 'Generations', width: 7.5, order: 'N_GENERATIONS', numeric: true },
  nPredictions: { title: 'Predictions', width: 7.5, order: 'N_PREDICTIONS', numeric: true },
  nActivations: { title: 'Activations', width: 7.5, order: 'N_ACTIVATIONS', numeric: true },
  createdAt: { title: 'Created', width: 11, order: 'CREATED_AT' },
  ingestedAt: { title: 'Ingested', width: 11, order: 'INGESTED_AT' },
  gitCommit: { title: 'Code', width: 8, order: 'GIT_COMMIT' },
  id: { title: 'Id', width: 28, order: 'ID' },
};

/** It names the row and leads to the run: it is always there. */
export const FIRST_COLUMN: ColumnId = 'method';

export const DEFAULT_COLUMNS: readonly ColumnId[] = [
  'method',
  'modelId',
  'benchmark',
  'seed',
  'result',
  'verdict',
  'issues',
  'status',
  'family',
  'ingestedAt',
];

export const ORDERS: ReadonlySet<string> = new Set(COLUMN_IDS.flatMap((id) => COLUMNS[id].order ?? []));

/** Width of a column that shows a metric by its name. */
export const METRIC_WIDTH = 12;

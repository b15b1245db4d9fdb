/** A column of the table of runs: its title, the field of the API that sorts by it, and its width. */
export interface RunColumn {
  readonly title: string;
  readonly order: string;
  readonly width: string;
  readonly numeric?: boolean;
}

export const COLUMNS: readonly RunColumn[] = [
  { title: 'Family', width: '7rem', order: 'FAMILY' },
  { title: 'Method', width: '12rem', order: 'METHOD' },
  { title: 'Model', width: '10.5rem', order: 'MODEL_ID' },
  { title: 'Benchmark', width: '9.5rem', order: 'BENCHMARK' },
  { title: 'Seed', width: '4rem', order: 'SEED', numeric: true },
  { title: 'Status', width: '7rem', order: 'STATUS' },
  { title: 'Verdict', width: '8rem', order: 'VERDICT' },
  { title: 'Predictions', width: '7rem', order: 'N_PREDICTIONS', numeric: true },
  { title: 'Issues', width: '4.8rem', order: 'N_ISSUES', numeric: true },
  { title: 'Ingested', width: '10.5rem', order: 'INGESTED_AT' },
];

export const DEFAULT_ORDER = { field: 'INGESTED_AT', descending: true } as const;

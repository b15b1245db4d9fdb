/** A column of the table of runs: its title, the field of the API that sorts by it, and its width. */
export interface RunColumn {
  readonly title: string;
  readonly order: string;
  readonly width: string;
  readonly numeric?: boolean;
}

export const COLUMNS: readonly RunColumn[] = [
  { title: 'Family', width: '8.2rem', order: 'FAMILY' },
  { title: 'Method', width: '10.7rem', order: 'METHOD' },
  { title: 'Model', width: '9.8rem', order: 'MODEL_ID' },
  { title: 'Benchmark', width: '9.2rem', order: 'BENCHMARK' },
  { title: 'Seed', width: '4.4rem', order: 'SEED', numeric: true },
  { title: 'Status', width: '6.8rem', order: 'STATUS' },
  { title: 'Verdict', width: '8.2rem', order: 'VERDICT' },
  { title: 'Predictions', width: '7.6rem', order: 'N_PREDICTIONS', numeric: true },
  { title: 'Issues', width: '5.2rem', order: 'N_ISSUES', numeric: true },
  { title: 'Ingested', width: '11.4rem', order: 'INGESTED_AT' },
];

export const DEFAULT_ORDER = { field: 'INGESTED_AT', descending: true } as const;

import type { TableSpec } from './schema.ts';

/** Tables of entropy experiments, in the order in which an ingest commits them. */
export const ENTROPY_TABLES = [] as const satisfies readonly TableSpec[];

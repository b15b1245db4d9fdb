import type { TableSpec } from './schema.ts';

/** Tables of function-vector experiments, in the order in which an ingest commits them. */
export const FV_TABLES = [] as const satisfies readonly TableSpec[];

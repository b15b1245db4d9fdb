import type { Column, TableSpec } from './schema.ts';

/** Rows a row group of a table of text and numbers (docs/decisions/257-row-groups-of-text.md). */
export const TEXT_ROW_GROUP = 32_768;
/** Rows a row group of a table of vectors. */
export const VECTOR_ROW_GROUP = 2_048;

export const runId: Column = {
  name: 'run_id',
  type: 'string',
  nullable: false,
  doc: 'Stable readable identity of the run.',
};
export const ingestId: Column = {
  name: 'ingest_id',
  type: 'string',
  nullable: false,
  doc: 'The ingest that wrote the row; current iff a row of runs names it.',
};
export const exampleId: Column = {
  name: 'example_id',
  type: 'string',
  nullable: false,
  doc: 'Identity of the example within the run.',
};
export const extra: Column = {
  name: 'extra',
  type: 'json',
  doc: "The artifact's keys that have no column of their own, as JSON.",
};

/** A table of text and numbers unless `rowGroupSize` says otherwise. */
export function table(spec: Omit<TableSpec, 'rowGroupSize'> & { rowGroupSize?: number }): TableSpec {
  return Object.freeze({ rowGroupSize: TEXT_ROW_GROUP, ...spec });
}

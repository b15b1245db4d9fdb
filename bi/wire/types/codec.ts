import type { Vector } from '../../../lake/engine/vector.ts';
import type { PgType } from '../../catalog/pg-types.ts';
import type { Output } from '../protocol/output.ts';

/** Writes the value of a row, which is not null, behind what is in the output. */
export type ValueWriter = (row: number, out: Output) => void;

/** One of PostgreSQL's forms of a type, for the values of a vector. */
export type Form = (vector: Vector) => ValueWriter;

/** How values of a DuckDB type travel to a Postgres client. */
export interface Codec {
  readonly type: PgType;
  /** Precision and scale of numeric, -1 otherwise. */
  readonly modifier: number;
  /** PostgreSQL's output function. */
  readonly text: Form;
  /** PostgreSQL's send function. */
  readonly binary: Form;
}

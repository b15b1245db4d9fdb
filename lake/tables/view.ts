/** A name for a SELECT over tables of the lake, which SQL from users may read like a table. */
export interface LakeView {
  readonly name: string;
  /** One SELECT over `tables`, by their names. */
  readonly sql: string;
  /** The tables that it reads. */
  readonly tables: readonly string[];
}

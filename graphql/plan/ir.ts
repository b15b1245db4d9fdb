import type { PruneCondition, SqlValue } from '../../lake/engine/types.ts';
import type { Column } from '../../lake/tables/schema.ts';
import type { Entity, Relationship, ScalarName } from './entities.ts';

/**
 * Which rows are wanted. Two-valued: a comparison with a null is false, so `not` is the exact complement of
 * what it negates (SQL's third value never reaches a client).
 */
export type Condition =
  | { readonly kind: 'all' | 'any'; readonly items: readonly Condition[] }
  | { readonly kind: 'not'; readonly item: Condition }
  | { readonly kind: 'compare'; readonly column: Column; readonly op: CompareOp; readonly value: SqlValue }
  | { readonly kind: 'in'; readonly column: Column; readonly values: readonly SqlValue[] }
  | { readonly kind: 'null'; readonly column: Column }
  | { readonly kind: 'contains'; readonly column: Column; readonly value: string }
  /** The row's run matches. `source` is the relation of `runs`. */
  | { readonly kind: 'run'; readonly source: number; readonly where: Condition }
  /** The row comes at or after a position in an order. */
  | { readonly kind: 'from'; readonly keys: readonly KeyPosition[] };

export type CompareOp = 'eq' | 'gt' | 'gte' | 'lt' | 'lte';

export interface OrderKey {
  readonly column: Column;
  readonly direction: 'ASC' | 'DESC';
  readonly nulls: 'FIRST' | 'LAST';
}

export interface KeyPosition extends OrderKey {
  readonly value: SqlValue;
}

/** A table that the statement reads, and what is known of the rows it needs. */
export interface Source {
  readonly table: string;
  readonly prune: readonly PruneCondition[];
}

/** A value that the statement returns for each row of a `Rows` node. `id` is unique in the statement. */
export type Slot =
  | { readonly kind: 'column'; readonly id: number; readonly column: Column }
  | { readonly kind: 'list'; readonly id: number; readonly rows: Rows }
  | { readonly kind: 'count'; readonly id: number; readonly rows: Rows }
  /** Its columns are flattened into the parent row; the slot itself says whether the row exists. */
  | { readonly kind: 'one'; readonly id: number; readonly rows: Rows };

/** Rows of one table: the root page, or for each parent row the rows that a relationship reaches. */
export interface Rows {
  readonly id: number;
  readonly entity: Entity;
  readonly source: number;
  readonly relationship?: Relationship;
  /** The relation of `run_stores` when the relationship goes through it. */
  readonly bridge?: number;
  readonly where: Condition;
  /** -1 is the last layer of the row's store and site, -2 the one before… */
  readonly layerFromTop?: number;
  readonly order: readonly OrderKey[];
  /** Rows for each parent (or in all, at the root). */
  readonly limit?: number;
  readonly offset?: number;
  readonly slots: readonly Slot[];
}

/** How the response object is made of the slots. */
export type ShapeField =
  | { readonly kind: 'typename'; readonly key: string; readonly name: string }
  | {
      readonly kind: 'value';
      readonly key: string;
      readonly slot: number;
      readonly scalar: ScalarName;
      readonly base64?: boolean;
      /** For lists of objects inside a JSON column: response key and property. */
      readonly properties?: readonly (readonly [key: string, property: string])[];
    }
  | { readonly kind: 'one'; readonly key: string; readonly slot: number; readonly fields: Shape }
  | { readonly kind: 'list'; readonly key: string; readonly slot: number; readonly fields: Shape };

export type Shape = readonly ShapeField[];

/** One statement. */
export interface Statement {
  readonly rows: Rows | undefined;
  /** Counts every row that matches `where`, whatever the page. */
  readonly total: Rows | undefined;
  /** Whether these are exactly the rows that the page is the beginning of. */
  readonly pageIsOfTotal?: boolean;
  readonly sources: readonly Source[];
  /** Upper bound of the number of nodes in the answer. */
  readonly nodes: number;
}

/** A statement written by hand: the tables it reads, and its text once their relations are known. */
export interface PrintedPlan {
  readonly sources: readonly Source[];
  readonly print: (relations: readonly string[]) => {
    readonly text: string;
    readonly params: readonly SqlValue[];
  };
}

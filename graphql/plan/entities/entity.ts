import type { Column, TableSpec } from '../../../lake/tables/schema.ts';

/** The GraphQL object types that stand for rows of a table. */
export type EntityName =
  | 'Run'
  | 'Generation'
  | 'Prediction'
  | 'Metric'
  | 'TrainMetric'
  | 'Activation'
  | 'Token'
  | 'ActivationStore'
  | 'EntropyUpdate'
  | 'EntropyPoint'
  | 'EntropyComparison'
  | 'EntropySequence'
  | 'EntropyFeature'
  | 'FvHead'
  | 'FvTrial'
  | 'FvVector'
  | 'FvInjection'
  | 'FvInjectionTrial'
  | 'Issue';

/** How a field of one entity reaches rows of another. Data only: the planner makes the join of it. */
export interface Relationship {
  readonly kind: 'list' | 'one' | 'count';
  readonly target: EntityName;
  /** Pairs of columns that are equal: ours, theirs. */
  readonly on: readonly (readonly [own: string, target: string])[];
  /** Columns of both that are the same, be it null. */
  readonly alike?: readonly string[];
  /**
   * The first pair does not match directly but through `run_stores`: our column equals its `from`, its `to`
   * equals theirs.
   */
  readonly through?: { readonly from: string; readonly to: string };
  /** Rows a parent when the query does not say. */
  readonly first?: number;
  readonly doc: string;
}

export interface EntityField {
  readonly name: string;
  readonly column: Column;
  readonly scalar: ScalarName;
}

export type ScalarName =
  | 'ID'
  | 'String'
  | 'Int'
  | 'BigInt'
  | 'Float'
  | 'Boolean'
  | 'JSON'
  | 'DateTime'
  | 'Date'
  | 'Vector'
  | 'ComplianceItem'
  | 'IdentityCheck'
  | 'StringList'
  | 'BigIntList'
  | 'FloatList';

export interface Entity {
  readonly name: EntityName;
  readonly table: TableSpec;
  /** Columns that identify a row; they end every ORDER BY, so that pages do not depend on chance. */
  readonly identity: readonly string[];
  /** Whether `identity` alone is known to be a key (then a to-one join needs no ranking). */
  readonly unique: boolean;
  readonly fields: ReadonlyMap<string, EntityField>;
  readonly columns: ReadonlyMap<string, Column>;
  readonly relationships: ReadonlyMap<string, Relationship>;
}

const SCALARS: Readonly<Record<Column['type'], ScalarName>> = {
  string: 'String',
  json: 'JSON',
  long: 'BigInt',
  integer: 'Int',
  double: 'Float',
  boolean: 'Boolean',
  timestamp: 'DateTime',
  date: 'Date',
  'float[]': 'Vector',
  'string[]': 'StringList',
  'long[]': 'BigIntList',
};

/** Positions and counts fit 32 bits; seeds and token ids of other people's tools need not. */
const SMALL = /^(n_\w+|line|source_line|step|epoch)$/;

/** `score_halu` -> `scoreHalu`. */
export function camelCase(column: string): string {
  return column.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

function scalarOf(table: string, column: Column): ScalarName {
  if (table === 'runs' && column.name === 'compliance') return 'ComplianceItem';
  if (column.type === 'json' && column.name === 'checks') return 'IdentityCheck';
  if (column.type === 'float[]' && column.name !== 'vector') return 'FloatList';
  return column.type === 'long' && SMALL.test(column.name) ? 'Int' : SCALARS[column.type];
}

interface EntityParts {
  readonly name: EntityName;
  readonly table: TableSpec;
  readonly identity: readonly string[];
  readonly unique?: boolean;
  readonly relationships: Readonly<Record<string, Relationship>>;
}

/** An entity of a table: a field a column, in camel case; a run's first column is its `id`. */
export function entity({ name, table, identity, unique = false, relationships }: EntityParts): Entity {
  const fields = new Map<string, EntityField>();
  const first = table.columns[0];
  if (name === 'Run' && first) fields.set('id', { name: 'id', column: first, scalar: 'ID' });
  for (const column of table.columns) {
    const field = camelCase(column.name);
    fields.set(field, { name: field, column, scalar: scalarOf(table.name, column) });
  }
  return Object.freeze({
    name,
    table,
    identity,
    unique,
    fields,
    columns: new Map(table.columns.map((column) => [column.name, column])),
    relationships: new Map(Object.entries(relationships)),
  });
}

/** The column of an entity by its name. @throws TypeError when the entity table is wrong (a programming error) */
export function columnOf(owner: Entity, name: string): Column {
  const column = owner.columns.get(name);
  if (column === undefined) throw new TypeError(`${owner.name} has no column ${name}`);
  return column;
}

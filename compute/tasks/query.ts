import type {
  EngineValue,
  LakeReader,
  LakeSnapshot,
  PruneCondition,
  QueryOptions,
} from '../../lake/engine/types.ts';

/** A table that a statement reads, and what is known of the wanted rows. */
export interface QuerySource {
  readonly table: string;
  readonly prune?: readonly PruneCondition[];
}

export type QueryRow = Readonly<Record<string, EngineValue>>;

/**
 * Runs one statement over tables of a snapshot; `sql` gets what stands for each source after FROM.
 * @returns rows by column name
 */
export async function queryRows(
  reader: LakeReader,
  snapshot: LakeSnapshot,
  sources: readonly QuerySource[],
  sql: (relations: readonly string[]) => string,
  options: QueryOptions = {},
): Promise<QueryRow[]> {
  const relations = await Promise.all(
    sources.map(({ table, prune = [] }) => reader.relation(snapshot, table, prune, options)),
  );
  try {
    const { columns, rows } = await reader.query(sql(relations.map((relation) => relation.sql)), options);
    return rows.map((row) => Object.fromEntries(columns.map(({ name }, i) => [name, row[i] ?? null])));
  } finally {
    for (const relation of relations) relation.release?.();
  }
}

/** A value of a VARCHAR column; null reads as the empty text. */
export function text(value: EngineValue | undefined): string {
  return typeof value === 'string' ? value : '';
}

/** A value of a nullable VARCHAR column. */
export function textOrNull(value: EngineValue | undefined): string | null {
  return typeof value === 'string' ? value : null;
}

/** A value of a numeric column; null reads as NaN. */
export function number(value: EngineValue | undefined): number {
  return typeof value === 'bigint' ? Number(value) : typeof value === 'number' ? value : Number.NaN;
}

/** A value of a VARCHAR[] column; null reads as no texts. */
export function textList(value: EngineValue | undefined): string[] {
  return Array.isArray(value) ? value.map((item: EngineValue) => text(item)) : [];
}

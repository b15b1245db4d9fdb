import type { Engine } from '../engine/engine.ts';
import { sqlName, sqlString } from '../engine/sql-text.ts';
import type {
  LakeSnapshot,
  LeadingRelation,
  LeadingRowsRequest,
  PruneCondition,
  QueryOptions,
} from '../engine/types.ts';
import { ROW_FILE, ROW_NUMBER, relationSql, type VisibleFile } from '../relation.ts';
import { type Relations, sizeOf, type VisibleTable } from '../relations.ts';
import type { TableSpec } from '../tables/schema.ts';
import { inSpan } from '../telemetry.ts';
import { KeptRows, type RowNumbers } from './kept-rows.ts';
import { type HeldTable, KeptTables } from './kept-tables.ts';
import { digest, type Unit, unitsOf } from './units.ts';

export interface LeadingRowsLimits {
  /** Visible rows below which one statement over all of them is as fast. */
  readonly fromRows: number;
  /** Rows from which on a file is searched for itself. */
  readonly unitRows: number;
  /** Rows that are remembered of each unit, for one condition and order. */
  readonly candidates: number;
  /** Units, and rows of an answer, above which one statement over all rows is better. */
  readonly maxUnits: number;
  readonly maxRows: number;
  /** Rows after a page that are read along with it where that costs little. */
  readonly ahead: number;
  /** Memory for what is remembered, estimated. */
  readonly maxBytes: number;
  readonly maxTables: number;
}

export const LEADING_ROWS_LIMITS: LeadingRowsLimits = Object.freeze({
  fromRows: 200_000,
  unitRows: 100_000,
  candidates: 2000,
  maxUnits: 64,
  maxRows: 5000,
  ahead: 300,
  maxBytes: 64e6,
  maxTables: 512,
});

/** Bytes of a row in memory for each of its bytes in a file. */
const UNPACKED = 4;
/** Part of the memory that one reading of rows may take. */
const LARGEST_PART = 0.25;

/** A state of a table that has been committed to. */
type StoredTable = VisibleTable & { readonly state: NonNullable<VisibleTable['state']> };

/** A unit and where its first rows in the order are remembered. */
interface Searched extends Unit {
  readonly candidates: HeldTable;
}

interface LeadingRowsOptions {
  readonly engine: Engine;
  readonly relations: Relations;
  readonly limits?: Partial<LeadingRowsLimits> | undefined;
}

/**
 * Finds the rows that come first in an order by reading nothing but the columns that condition and order name, and then reads the
 * other columns of these few. Data files never change: which of their rows come first, and what is in them, is remembered, so that
 * the next page, the same question, and the same question after a commit read little or nothing.
 */
export class LeadingRows {
  readonly #engine: Engine;
  readonly #relations: Relations;
  readonly #limits: LeadingRowsLimits;
  readonly #tables: KeptTables;
  readonly #rows: KeptRows;

  constructor({ engine, relations, limits }: LeadingRowsOptions) {
    this.#engine = engine;
    this.#relations = relations;
    this.#limits = { ...LEADING_ROWS_LIMITS, ...limits };
    this.#tables = new KeptTables({ engine, ...this.#limits });
    this.#rows = new KeptRows(this.#tables);
  }

  /** How much is remembered. */
  get remembered(): { readonly tables: number; readonly bytes: number } {
    return this.#tables.size;
  }

  /** As `LakeReader.leadingRows`. @throws QueryTimeoutError, CancelledError, QueryMemoryError, QueryError */
  async relation(
    snapshot: LakeSnapshot,
    name: string,
    prune: readonly PruneCondition[],
    request: LeadingRowsRequest,
    options: QueryOptions,
  ): Promise<LeadingRelation | undefined> {
    const { spec, state, files } = await this.#relations.visible(snapshot, name, prune, options);
    if (state === undefined || files.length === 0 || sizeOf(files).rows < this.#limits.fromRows)
      return undefined;
    // Rows with one value of a sort key lie together: row groups are skipped by it.
    if (prune.some(({ column, in: values }) => values !== undefined && spec.sortBy.includes(column)))
      return undefined;
    const units = unitsOf(files, this.#limits.unitRows);
    if (units.length > this.#limits.maxUnits) return undefined;
    const table: StoredTable = { spec, state, files };
    return inSpan('leading rows', { 'runlake.table': name, 'runlake.files': files.length }, () =>
      this.#among(units, table, request, options),
    );
  }

  async #among(
    units: readonly Unit[],
    table: StoredTable,
    request: LeadingRowsRequest,
    options: QueryOptions,
  ): Promise<LeadingRelation | undefined> {
    const searched: Searched[] = [];
    try {
      for (const unit of units) {
        searched.push({ ...unit, candidates: await this.#candidates(unit, table, request, options) });
      }
      const first = await this.#first(searched, request, options);
      return first && (await this.#read(first, searched, table, request, options));
    } finally {
      for (const { candidates } of searched) candidates.release();
    }
  }

  /**
   * The first rows of a unit in the order: `ROW_FILE` (which of its files), `ROW_NUMBER` and the order keys. When the unit has more,
   * there are only those before a row without `ROW_NUMBER`, where it becomes unknown which rows come.
   */
  async #candidates(
    unit: Unit,
    { spec, state }: StoredTable,
    { where, order }: LeadingRowsRequest,
    options: QueryOptions,
  ): Promise<HeldTable> {
    const keys = order.map(({ column, direction, nulls }) => [column.name, direction, nulls]);
    const key = digest([spec.name, unit.key, where.key, where.params, keys]);
    const known = this.#tables.hold(key);
    if (known !== undefined) return known;
    const { candidates } = this.#limits;
    const { located, release } = await this.#relations.locate(state, unit.files, options);
    try {
      const relation = relationSql(spec, state.spec, located, undefined, true);
      const columns = order.map(({ column }) => sqlName(column.name)).join(', ');
      const top = `SELECT ${ROW_FILE}, ${ROW_NUMBER}, ${columns} FROM ${relation} t WHERE ${where.sql} ORDER BY ${sortKeys(order)} LIMIT ${candidates + 1}`;
      const ranked = `SELECT *, rank() OVER (ORDER BY ${sortKeys(order)}) AS __rank, count(*) OVER () > ${candidates} AS __more FROM (${top}) t`;
      const paths = located.map(({ local }) => sqlString(local)).join(', ');
      const select = `SELECT list_position([${paths}], ${ROW_FILE}) - 1 AS ${ROW_FILE},
        CASE WHEN NOT __more OR __rank < max(__rank) OVER () THEN ${ROW_NUMBER} END AS ${ROW_NUMBER}, ${columns} FROM (${ranked})`;
      const { params } = where;
      return await this.#tables.make(
        key,
        select,
        order.map(({ column }) => column),
        { ...options, params },
      );
    } finally {
      release();
    }
  }

  /** Which rows are wanted, and which come after them; undefined when it is not known, or they are too many. */
  async #first(
    units: readonly Searched[],
    { order, from, rows }: LeadingRowsRequest,
    options: QueryOptions,
  ): Promise<{ wanted: RowNumbers; next: RowNumbers } | undefined> {
    const where = from === undefined ? '' : ` WHERE ${ROW_NUMBER} IS NULL OR ${from.atOrAfter}`;
    // Rows that are equal to the place are ranked for themselves: they are all wanted, and do not count.
    const apart = from === undefined ? '' : `PARTITION BY coalesce(${from.equal}, false) `;
    const { maxRows, ahead } = this.#limits;
    const { rows: found, truncated } = await this.#engine.query(
      `SELECT __unit, ${ROW_FILE}, ${ROW_NUMBER}, rank() OVER (${apart}ORDER BY ${sortKeys(order)}) <= ${rows} AS __wanted
       FROM (${candidatesOf(units, order)}) t${where}
       QUALIFY rank() OVER (${apart}ORDER BY ${sortKeys(order)}) <= ${rows + ahead}`,
      { ...options, params: from?.params ?? [], maxRows },
    );
    const wanted = found.filter(([, , , isWanted]) => isWanted === true);
    if (truncated || wanted.some((place) => place.includes(null))) return undefined;
    const next = found.filter((place) => place[3] === false && !place.includes(null));
    return { wanted: numbersByPath(units, wanted), next: numbersByPath(units, next) };
  }

  async #read(
    { wanted, next }: { readonly wanted: RowNumbers; readonly next: RowNumbers },
    units: readonly Searched[],
    table: StoredTable,
    { columns }: LeadingRowsRequest,
    options: QueryOptions,
  ): Promise<LeadingRelation | undefined> {
    const { spec, state } = table;
    const found = this.#rows.find(spec.name, columns, wanted);
    if (found.missing.size === 0)
      return { sql: unionSql(table, columns, found.selects), release: found.release };
    found.release();
    const paths = new Map(units.flatMap(({ files }) => files.map((file) => [file.path, file] as const)));
    const most = LARGEST_PART * this.#limits.maxBytes;
    if (estimate(paths, found.missing) > most) return undefined;
    const more = withNeighbours(found.missing, next, state.spec.rowGroupSize);
    const rows = estimate(paths, more) > most ? found.missing : more;
    const files = [...rows.keys()].map((path) => paths.get(path)!);
    const { located, release } = await this.#relations.locate(state, files, options);
    try {
      const byPath = new Map(located.map((file) => [file.path, file]));
      const rowsOf = (path: string) =>
        relationSql(narrowed(spec, columns), state.spec, [byPath.get(path)!], undefined, true);
      await this.#rows.read(spec.name, columns, rows, rowsOf, options);
    } finally {
      release();
    }
    const complete = this.#rows.find(spec.name, columns, wanted);
    if (complete.missing.size === 0)
      return { sql: unionSql(table, columns, complete.selects), release: complete.release };
    complete.release();
    return undefined;
  }
}

/** Rows, and those of `next` that share row groups with them: unpacking a row group costs more than taking further rows from it. */
function withNeighbours(rows: RowNumbers, next: RowNumbers, rowGroupSize: number): RowNumbers {
  const groupOf = (number: number) => Math.floor(number / rowGroupSize);
  return new Map(
    [...rows].map(([path, numbers]) => {
      const groups = new Set(numbers.map(groupOf));
      const near = (next.get(path) ?? []).filter((number) => groups.has(groupOf(number)));
      return [path, [...numbers, ...near]];
    }),
  );
}

function sortKeys(order: LeadingRowsRequest['order']): string {
  return order
    .map(({ column, direction, nulls }) => `t.${sqlName(column.name)} ${direction} NULLS ${nulls}`)
    .join(', ');
}

/** What is remembered of all units in one relation. */
function candidatesOf(units: readonly Searched[], order: LeadingRowsRequest['order']): string {
  const columns = [ROW_FILE, ROW_NUMBER, ...order.map(({ column }) => sqlName(column.name))].join(', ');
  return units
    .map(({ candidates }, i) => `SELECT ${i} AS __unit, ${columns} FROM ${candidates.sql}`)
    .join(' UNION ALL ');
}

function numbersByPath(units: readonly Unit[], places: readonly (readonly unknown[])[]): RowNumbers {
  const numbers = new Map<string, number[]>();
  for (const [unit, file, number] of places) {
    const { path } = units[Number(unit)]!.files[Number(file)]!;
    const known = numbers.get(path);
    if (known === undefined) numbers.set(path, [Number(number)]);
    else known.push(Number(number));
  }
  return numbers;
}

/** About how many bytes of memory rows take. */
function estimate(files: ReadonlyMap<string, VisibleFile>, rows: RowNumbers): number {
  let bytes = 0;
  for (const [path, numbers] of rows) {
    const { rows: all, bytes: stored } = sizeOf([files.get(path)!]);
    bytes += (numbers.length * stored * UNPACKED) / Math.max(1, all);
  }
  return bytes;
}

/** A table without the columns that are not wanted. */
function narrowed(spec: TableSpec, columns: LeadingRowsRequest['columns']): TableSpec {
  return { ...spec, columns };
}

function unionSql(
  { spec }: StoredTable,
  columns: LeadingRowsRequest['columns'],
  selects: readonly string[],
): string {
  const none = narrowed(spec, columns);
  return selects.length === 0 ? relationSql(none, none, []) : `(${selects.join(' UNION ALL ')})`;
}

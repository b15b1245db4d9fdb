import type { LakeSnapshot, LeadingRowsRequest } from '../../lake/engine/types.ts';
import type { RequestContext } from '../context.ts';
import { columnOf } from './entities.ts';
import { inTime } from './in-time.ts';
import type { Condition, KeyPosition, OrderKey, Rows, Statement } from './ir.ts';
import { Printer, pageColumns } from './sql.ts';

/** A statement and the relations of its sources. */
export interface BoundStatement {
  readonly statement: Statement;
  readonly relations: readonly string[];
}

/**
 * Gives `work` a statement whose page is taken from the few rows that can be on it, where the lake finds these faster than a
 * statement over all rows would; else the statement as it is. The answers are the same.
 */
export async function overLeadingRows<T>(
  context: RequestContext,
  snapshot: LakeSnapshot,
  bound: BoundStatement,
  work: (bound: BoundStatement) => Promise<T>,
): Promise<T> {
  const { reader } = context;
  const { statement, relations } = bound;
  const { rows, sources } = statement;
  const source = rows && sources[rows.source];
  if (rows?.limit === undefined || source === undefined || reader.leadingRows === undefined)
    return work(bound);
  if (rows.order.length === 0 || rows.layerFromTop !== undefined) return work(bound);
  const { filter, from } = divided(rows.where);
  const request = leadingRowsRequest(rows, rows.limit, filter, from, bound, snapshot);
  const leading = await inTime(context, (options) =>
    reader.leadingRows!(snapshot, source.table, source.prune, request, options),
  );
  if (leading === undefined) return work(bound);
  try {
    return await work({
      statement: {
        ...statement,
        rows: { ...rows, source: relations.length, where: { kind: 'all', items: from } },
      },
      relations: [...relations, leading.sql],
    });
  } finally {
    leading.release();
  }
}

type From = Extract<Condition, { kind: 'from' }>;

/** What rows are wanted, and where their page begins. */
function divided(where: Condition): { filter: Condition; from: readonly From[] } {
  const items = where.kind === 'all' ? where.items : [where];
  const from = items.filter((item) => item.kind === 'from');
  return { filter: { kind: 'all', items: items.filter((item) => item.kind !== 'from') }, from };
}

function leadingRowsRequest(
  rows: Rows,
  limit: number,
  filter: Condition,
  [from]: readonly From[],
  { statement, relations }: BoundStatement,
  snapshot: LakeSnapshot,
): LeadingRowsRequest {
  const order = leadingKeys(rows);
  const printer = new Printer(relations);
  const sql = printer.condition(filter, 't');
  // Relations are named by places of files, which tell nothing; the state of its table says what is in one.
  const states = statement.sources.map(({ table }) => `${table}@${snapshot.versions[table] ?? ''}`);
  const text = new Printer(states).condition(filter, 't');
  return {
    where: { sql, params: printer.params, key: text },
    order,
    ...(from && { from: place(from.keys.slice(0, order.length)) }),
    rows: limit + (rows.offset ?? 0),
    columns: pageColumns(rows).map((name) => columnOf(rows.entity, name)),
  };
}

/**
 * The keys that the query names, at least one. The identity of the rows, which ends every order, decides among few, and reading it of
 * all rows would cost the most.
 */
function leadingKeys({ order, entity }: Rows): readonly OrderKey[] {
  const identity = order.findIndex(({ column }) => entity.identity.includes(column.name));
  return order.slice(0, identity < 0 ? order.length : Math.max(1, identity));
}

function place(keys: readonly KeyPosition[]): LeadingRowsRequest['from'] {
  const printer = new Printer([]);
  const equal = keys.map(
    ({ column, value }): Condition =>
      value === null ? { kind: 'null', column } : { kind: 'compare', column, op: 'eq', value },
  );
  return {
    atOrAfter: printer.condition({ kind: 'from', keys }, 't'),
    equal: printer.condition({ kind: 'all', items: equal }, 't'),
    params: printer.params,
  };
}

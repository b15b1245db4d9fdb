import type { SqlValue } from '../../lake/engine/types.ts';
import type { Column } from '../../lake/tables/schema.ts';
import type { Relationship } from './entities.ts';
import type { Condition, KeyPosition, OrderKey, Rows, Slot, Statement } from './ir.ts';

/** Text for the engine. Every value of the query is a parameter; every identifier comes from the table specifications. */
export interface PrintedStatement {
  readonly text: string;
  readonly params: readonly SqlValue[];
  /** Column of the result for the slots that are columns of it; deeper slots are struct fields `s<id>`. */
  readonly positions: ReadonlyMap<number, number>;
  /** Column that is null in the row that only carries the total; undefined when there is no such row. */
  readonly presence: number | undefined;
  readonly total: number | undefined;
}

const CASTS: Readonly<Partial<Record<Column['type'], string>>> = {
  string: 'VARCHAR',
  json: 'VARCHAR',
  long: 'BIGINT',
  integer: 'INTEGER',
  double: 'DOUBLE',
  boolean: 'BOOLEAN',
  timestamp: 'TIMESTAMPTZ',
  date: 'DATE',
  'string[]': 'VARCHAR',
  'long[]': 'BIGINT',
};

/** The place of a row among those of its parent, from 1. */
export const RANK = 'rn';

/** The number of rows that a page is the beginning of. */
const TOTAL = '__total';

/** The field of a struct that carries a slot. */
export function slotName(id: number): string {
  return `s${id}`;
}

function quote(identifier: string): string {
  return `"${identifier}"`;
}

/** ` ORDER BY …`, or nothing when every key is fixed. */
function orderBy(keys: readonly OrderKey[], alias: string): string {
  if (keys.length === 0) return '';
  const list = keys
    .map(({ column, direction, nulls }) => `${alias}.${quote(column.name)} ${direction} NULLS ${nulls}`)
    .join(', ');
  return ` ORDER BY ${list}`;
}

/** What a row contributes to the SELECT that returns it: expressions by slot, and the joins they need. */
interface Projection {
  readonly columns: readonly (readonly [slot: number, expression: string])[];
  readonly joins: readonly string[];
}

/** Collects the text and the parameters of one statement. */
export class Printer {
  readonly params: SqlValue[] = [];
  readonly ctes: string[] = [];
  readonly #relations: readonly string[];

  constructor(relations: readonly string[]) {
    this.#relations = relations;
  }

  relation(source: number): string {
    const sql = this.#relations[source];
    if (sql === undefined) throw new TypeError(`no relation for source ${source}`);
    return sql;
  }

  param(value: SqlValue, column: Column): string {
    this.params.push(value);
    return `$${this.params.length}::${CASTS[column.type] ?? 'VARCHAR'}`;
  }

  /** Values of one type, none of them null. */
  list(values: readonly (string | number)[], type: string): string {
    this.params.push(values);
    return `$${this.params.length}::${type}[]`;
  }

  number(value: number): string {
    this.params.push(BigInt(value));
    return `$${this.params.length}::BIGINT`;
  }

  condition(condition: Condition, alias: string, negated = false): string {
    switch (condition.kind) {
      case 'all':
      case 'any': {
        const conjunction = (condition.kind === 'all') !== negated;
        const parts = condition.items.map((item) => this.condition(item, alias, negated));
        if (parts.length === 0) return conjunction ? 'true' : 'false';
        return parts.length === 1 ? String(parts[0]) : `(${parts.join(conjunction ? ' AND ' : ' OR ')})`;
      }
      case 'not':
        return this.condition(condition.item, alias, !negated);
      case 'null':
        return `${alias}.${quote(condition.column.name)} IS ${negated ? 'NOT ' : ''}NULL`;
      case 'compare':
        return this.#compare(condition, alias, negated);
      case 'in': {
        if (condition.values.length === 0) return negated ? 'true' : 'false';
        const field = `${alias}.${quote(condition.column.name)}`;
        const list = condition.values.map((value) => this.param(value, condition.column)).join(', ');
        return negated ? `(${field} NOT IN (${list}) OR ${field} IS NULL)` : `${field} IN (${list})`;
      }
      case 'contains': {
        const field = `${alias}.${quote(condition.column.name)}`;
        const isList = condition.column.type.endsWith('[]');
        const test = `${isList ? 'list_contains' : 'contains'}(${field}, ${this.param(condition.value, condition.column)})`;
        return negated ? `(NOT ${test} OR ${field} IS NULL)` : test;
      }
      case 'run': {
        const inner = `SELECT q.run_id FROM ${this.relation(condition.source)} q WHERE ${this.condition(condition.where, 'q')}`;
        return `${alias}.run_id ${negated ? 'NOT ' : ''}IN (${inner})`;
      }
      case 'from': {
        const test = this.#from(condition.keys, alias);
        return negated ? `NOT ${test}` : test;
      }
    }
  }

  #compare({ column, op, value }: Condition & { kind: 'compare' }, alias: string, negated: boolean): string {
    const field = `${alias}.${quote(column.name)}`;
    const operand = this.param(value, column);
    if (!negated) return `${field} ${OPERATORS[op]} ${operand}`;
    if (op === 'eq') return `${field} IS DISTINCT FROM ${operand}`;
    return `(${field} ${COMPLEMENTS[op]} ${operand} OR ${field} IS NULL)`;
  }

  /** Rows at or after a position: key by key, the earlier keys being equal. */
  #from(keys: readonly KeyPosition[], alias: string): string {
    const equal: string[] = [];
    const alternatives: string[] = [];
    for (const { column, direction, nulls, value } of keys) {
      const field = `${alias}.${quote(column.name)}`;
      if (value === null) {
        if (nulls === 'FIRST') alternatives.push([...equal, `${field} IS NOT NULL`].join(' AND '));
        equal.push(`${field} IS NULL`);
        continue;
      }
      const operand = this.param(value, column);
      const later = `${field} ${direction === 'ASC' ? '>' : '<'} ${operand}`;
      const beyond = nulls === 'LAST' ? `(${later} OR ${field} IS NULL)` : later;
      alternatives.push([...equal, beyond].join(' AND '));
      equal.push(`${field} = ${operand}`);
    }
    alternatives.push(equal.length === 0 ? 'true' : equal.join(' AND '));
    return `(${alternatives.map((alternative) => `(${alternative})`).join(' OR ')})`;
  }

  /** Adds the CTE `r<id>` of a root page. @param counted whether each row also has `TOTAL` */
  page(rows: Rows, counted: boolean): void {
    const columns = pageColumns(rows).map((name) => `t.${quote(name)}`);
    if (counted) columns.push(`count(*) OVER () AS ${TOTAL}`);
    if (columns.length === 0) columns.push('1 AS one');
    this.ctes.push(`r${rows.id} AS MATERIALIZED (SELECT ${columns.join(', ')} FROM ${this.ordered(rows)})`);
  }

  /** `relation t … WHERE … ORDER BY … LIMIT …` of rows without a parent. */
  ordered(rows: Rows): string {
    const matching = this.matching(rows);
    const limit = rows.limit === undefined ? '' : ` LIMIT ${this.number(rows.limit)}`;
    const offset = rows.offset ? ` OFFSET ${this.number(rows.offset)}` : '';
    return `${matching}${orderBy(rows.order, 't')}${limit}${offset}`;
  }

  /** `relation t … WHERE …` of rows without a parent. */
  matching(rows: Rows): string {
    const tops = rows.layerFromTop === undefined ? '' : this.#topLayers(rows, undefined);
    const where = [this.condition(rows.where, 't'), ...this.#layerCondition(rows)].join(' AND ');
    return `${this.relation(rows.source)} t${tops} WHERE ${where}`;
  }

  /** The join that gives `m.top`, the last layer of each store and site. */
  #topLayers(rows: Rows, stores: string | undefined): string {
    const only = stores === undefined ? '' : ` WHERE store_id IN (${stores})`;
    return ` JOIN (SELECT store_id, site, max(layer) AS top FROM ${this.relation(rows.source)} u${only} GROUP BY store_id, site) m ON m.store_id = t.store_id AND m.site = t.site`;
  }

  #layerCondition(rows: Rows): string[] {
    return rows.layerFromTop === undefined ? [] : [`t.layer = m.top + ${this.number(rows.layerFromTop + 1)}`];
  }

  /** Adds the CTEs `k<id>` (distinct keys of the parents) and `r<id>` (the rows they reach). */
  related(rows: Rows, parentAlias: string): void {
    const { relationship, id } = rows;
    if (relationship === undefined) throw new TypeError('related rows without a relationship');
    const keys = linksOf(relationship);
    const own = keys.map(({ own: column }, i) => `p.${quote(column)} AS l${i}`);
    const present = relationship.on.map(([column]) => `p.${quote(column)} IS NOT NULL`);
    this.ctes.push(
      `k${id} AS MATERIALIZED (SELECT DISTINCT ${own.join(', ')} FROM ${parentAlias} p WHERE ${present.join(' AND ')})`,
    );
    const { through } = relationship;
    const matches = keys.map(
      ({ target, same }, i) => `t.${quote(target)} ${same} ${i === 0 && through ? 'b.o' : `k.l${i}`}`,
    );
    let from = `k${id} k`;
    let tops = '';
    if (through && rows.bridge !== undefined) {
      const pairs = `SELECT DISTINCT ${through.from} AS i, ${through.to} AS o FROM ${this.relation(rows.bridge)} v WHERE ${through.from} IN (SELECT l0 FROM k${id})`;
      this.ctes.push(`b${id} AS MATERIALIZED (${pairs})`);
      from += ` JOIN b${id} b ON b.i = k.l0`;
      if (rows.layerFromTop !== undefined) tops = this.#topLayers(rows, `SELECT o FROM b${id}`);
    } else if (rows.layerFromTop !== undefined) {
      tops = this.#topLayers(rows, `SELECT l0 FROM k${id}`);
    }
    from += ` JOIN ${this.relation(rows.source)} t ON ${matches.join(' AND ')}${tops}`;
    const links = keys.map((_, i) => `k.l${i}`).join(', ');
    const where = [this.condition(rows.where, 't'), ...this.#layerCondition(rows)].join(' AND ');
    if (relationship.kind === 'count') {
      this.ctes.push(
        `r${id} AS (SELECT ${links}, count(*) AS n FROM ${from} WHERE ${where} GROUP BY ${links})`,
      );
      return;
    }
    const columns = carriedColumns(rows).map((name) => `t.${quote(name)}`);
    const single = relationship.kind === 'one' && isKey(rows);
    const rank = `row_number() OVER (PARTITION BY ${links}${orderBy(rows.order, 't')})`;
    const ranked = single ? [] : [`${rank} AS ${RANK}`];
    const limit = single || rows.limit === undefined ? '' : ` QUALIFY ${RANK} <= ${this.number(rows.limit)}`;
    this.ctes.push(
      `r${id} AS MATERIALIZED (SELECT ${[links, ...columns, ...ranked].join(', ')} FROM ${from} WHERE ${where}${limit})`,
    );
  }

  /** Adds the CTEs of everything nested in `rows`, whose rows are `r<id>` under `alias`. */
  project(rows: Rows, alias: string): Projection {
    const columns: (readonly [number, string])[] = [];
    const joins: string[] = [];
    for (const slot of rows.slots) {
      if (slot.kind === 'column') columns.push([slot.id, `${alias}.${quote(slot.column.name)}`]);
      else this.#projectRelated(slot, rows, alias, columns, joins);
    }
    return { columns, joins };
  }

  #projectRelated(
    slot: Exclude<Slot, { kind: 'column' }>,
    parent: Rows,
    alias: string,
    columns: (readonly [number, string])[],
    joins: string[],
  ): void {
    const child = slot.rows;
    this.related(child, `r${parent.id}`);
    const keys = linksOf(child.relationship);
    const on = (to: string) =>
      keys.map(({ own, same }, i) => `${to}.l${i} ${same} ${alias}.${quote(own)}`).join(' AND ');
    const name = `r${child.id}`;
    if (slot.kind === 'count') {
      joins.push(`LEFT JOIN ${name} ON ${on(name)}`);
      columns.push([slot.id, `coalesce(${name}.n, 0)`]);
      return;
    }
    const inner = this.project(child, name);
    if (slot.kind === 'one') {
      joins.push(`LEFT JOIN ${name} ON ${on(name)}`, ...inner.joins);
      columns.push([slot.id, `${name}.l0 IS NOT NULL`], ...inner.columns);
      return;
    }
    const links = keys.map((_, i) => `${name}.l${i}`).join(', ');
    const fields = inner.columns.map(([id, expression]) => `${slotName(id)} := ${expression}`);
    // Who reads a list puts it in order by its numbers: DuckDB would sort each by itself, a fifth of the time of a page of runs.
    const item = `struct_pack(${[`${RANK} := ${name}.${RANK}`, ...fields].join(', ')})`;
    this.ctes.push(
      `g${child.id} AS (SELECT ${links}, list(${item}) AS v FROM ${[name, ...inner.joins].join(' ')} GROUP BY ${links})`,
    );
    joins.push(`LEFT JOIN g${child.id} ON ${on(`g${child.id}`)}`);
    columns.push([slot.id, `g${child.id}.v`]);
  }
}

const OPERATORS = { eq: '=', gt: '>', gte: '>=', lt: '<', lte: '<=' } as const;
const COMPLEMENTS = { gt: '<=', gte: '<', lt: '>=', lte: '>' } as const;

/** Columns of a row that anything outside its CTE looks at. */
function carriedColumns(rows: Rows): string[] {
  const names = new Set<string>();
  for (const slot of rows.slots) {
    if (slot.kind === 'column') names.add(slot.column.name);
    else for (const { own } of linksOf(slot.rows.relationship)) names.add(own);
  }
  return [...names];
}

/** Columns of a root page: those, and what it is ordered by. */
export function pageColumns(rows: Rows): string[] {
  return [...new Set([...carriedColumns(rows), ...rows.order.map(({ column }) => column.name)])];
}

/** What rows and their parents have in common, and how it is compared. */
function linksOf(
  relationship: Relationship | undefined,
): readonly { readonly own: string; readonly target: string; readonly same: string }[] {
  return [
    ...(relationship?.on ?? []).map(([own, target]) => ({ own, target, same: '=' })),
    ...(relationship?.alike ?? []).map((name) => ({
      own: name,
      target: name,
      same: 'IS NOT DISTINCT FROM',
    })),
  ];
}

/** Whether the relationship's target columns are exactly a key of the target. */
function isKey(rows: Rows): boolean {
  const { entity, relationship } = rows;
  if (!entity.unique || relationship === undefined || relationship.through) return false;
  const targets = new Set(relationship.on.map(([, target]) => target));
  return entity.identity.every((name) => targets.has(name));
}

/**
 * Prints a statement over relations given by source number.
 * @param isSmall whether the relation of the page holds so little that its matching rows are held while they are counted, which
 * saves reading it twice
 */
export function printStatement(
  statement: Statement,
  relations: readonly string[],
  isSmall = false,
): PrintedStatement {
  const printer = new Printer(relations);
  const { rows, total } = statement;
  if (rows && !total && rows.slots.every(({ kind }) => kind === 'column')) return printFlat(printer, rows);
  const counted = isSmall && rows !== undefined && total !== undefined && statement.pageIsOfTotal === true;
  return printNested(printer, rows, total, counted);
}

/** Columns of one table and nothing else. */
function printFlat(printer: Printer, rows: Rows): PrintedStatement {
  const positions = new Map(rows.slots.map(({ id }, i) => [id, i]));
  const { columns } = printer.project(rows, 't');
  const list = columns.length === 0 ? '1' : columns.map(([, expression]) => expression).join(', ');
  const text = `SELECT ${list} FROM ${printer.ordered(rows)}`;
  return { text, params: printer.params, positions, presence: undefined, total: undefined };
}

function printNested(
  printer: Printer,
  rows: Rows | undefined,
  total: Rows | undefined,
  counted: boolean,
): PrintedStatement {
  const positions = new Map<number, number>();
  const columns: string[] = [];
  const from: string[] = [];
  let totalAt: number | undefined;
  let presence: number | undefined;
  if (counted) {
    totalAt = columns.push(`p.${TOTAL}`) - 1;
  } else if (total) {
    printer.ctes.push(`c AS (SELECT count(*) AS n FROM ${printer.matching(total)})`);
    totalAt = columns.push('c.n') - 1;
    from.push('c');
  }
  let order = '';
  if (rows) {
    printer.page(rows, counted);
    const name = `r${rows.id}`;
    const projection = printer.project(rows, 'p');
    if (total && !counted) {
      presence = columns.push('p.present') - 1;
      from.push(`LEFT JOIN (SELECT *, true AS present FROM ${name}) p ON true`);
    } else {
      from.push(`${name} p`);
    }
    for (const [slot, expression] of projection.columns) positions.set(slot, columns.push(expression) - 1);
    from.push(...projection.joins);
    order = orderBy(rows.order, 'p');
  }
  if (columns.length === 0) columns.push('1');
  const text = `WITH ${printer.ctes.join(',\n')}\nSELECT ${columns.join(', ')} FROM ${from.join(' ')}${order}`;
  return { text, params: printer.params, positions, presence, total: totalAt };
}

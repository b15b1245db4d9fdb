import { sqlName } from '../../lake/engine/sql-text.ts';
import type { PruneCondition, SqlValue } from '../../lake/engine/types.ts';
import { RUNS } from '../../lake/tables/tables.ts';
import { BadUserInputError } from '../errors.ts';
import type { Arguments } from './arguments.ts';
import { type CompileOptions, RowsBuilder, StatementBuilder } from './compile.ts';
import { pruneOf } from './conditions.ts';
import { ENTITIES, type Entity, ROOT_ENTITIES } from './entities.ts';
import type { Source } from './ir.ts';
import { Printer, printStatement } from './sql.ts';

/** A statement for the sandbox, which reads tables by their names. */
export interface ExportedStatement {
  readonly sql: string;
  readonly params: readonly SqlValue[];
  /** What is known of the rows that are wanted, by table. */
  readonly prune: ReadonlyMap<string, readonly PruneCondition[]>;
}

/** A table or view, as far as exports need to know it. */
export interface ExportedRelation {
  readonly name: string;
  readonly columns: readonly { readonly name: string }[];
}

/**
 * The statement for a coerced `ExportRows`: the rows that the field of Query of that name would give, without pages.
 * @param relations every table and view that SQL can read
 * @throws BadUserInputError, LimitExceededError
 */
export function compileExport(
  options: CompileOptions,
  rows: Arguments,
  relations: readonly ExportedRelation[],
): ExportedStatement {
  const [asked, ...others] = Object.entries(rows).filter(([, item]) => item !== undefined && item !== null);
  if (asked === undefined || others.length > 0) {
    throw new BadUserInputError('rows', `names ${others.length === 0 ? 'nothing' : 'more than one'}`, {
      expected: 'exactly one table or view',
    });
  }
  const [field, value] = asked;
  const args = argumentsOf(value);
  const entity = ROOT_ENTITIES.get(field);
  return entity === undefined
    ? compileRelation(options, args, relations)
    : compileEntity(options, ENTITIES[entity], args, `rows.${field}`);
}

function argumentsOf(value: unknown): Arguments {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

function compileEntity(
  options: CompileOptions,
  entity: Entity,
  args: Arguments,
  path: string,
): ExportedStatement {
  const limit = limitOf(args, path);
  const statement = new StatementBuilder(options);
  // Sorting all rows of a table for nothing but a fixed order costs more than reading them.
  const unordered = limit === undefined && !(Array.isArray(args['orderBy']) && args['orderBy'].length > 0);
  const builder = new RowsBuilder(statement, {
    entity,
    args,
    ...(unordered && { order: [] }),
    ...(limit !== undefined && { limit }),
  });
  const fields = [...entity.fields.values()].map(({ name, column }) => ({ name: column.name, alias: name }));
  for (const name of chosenColumns(args, fields, path)) builder.column(name);
  const built = builder.build();
  const { sources } = statement;
  const names = sources.map(({ table }) => sqlName(table));
  const { text, params } = printStatement(
    { rows: built, total: undefined, sources, nodes: builder.nodes },
    names,
  );
  return { sql: text, params, prune: pruneByTable(sources) };
}

function compileRelation(
  options: CompileOptions,
  args: Arguments,
  relations: readonly ExportedRelation[],
): ExportedStatement {
  const path = 'rows.relation';
  const relation = relations.find(({ name }) => name === args['name']);
  if (relation === undefined) {
    throw new BadUserInputError(`${path}.name`, `there is no table or view ${String(args['name'])}`, {
      expected: `one of ${relations
        .map(({ name }) => name)
        .sort()
        .join(', ')}`,
    });
  }
  const statement = new StatementBuilder(options);
  const where = statement.filter(ENTITIES.Run, args['run'], `${path}.run`);
  const filtered = args['run'] !== undefined && args['run'] !== null;
  if (filtered && !relation.columns.some(({ name }) => name === 'run_id')) {
    throw new BadUserInputError(`${path}.run`, `rows of ${relation.name} belong to no run`);
  }
  const source = filtered ? statement.source(RUNS.name, pruneOf(where)) : undefined;
  const printer = new Printer(statement.sources.map(({ table }) => sqlName(table)));
  const columns = chosenColumns(args, relation.columns, path).map((name) => `t.${sqlName(name)}`);
  const condition =
    source === undefined ? '' : ` WHERE ${printer.condition({ kind: 'run', source, where }, 't')}`;
  const limit = limitOf(args, path);
  const limited = limit === undefined ? '' : ` LIMIT ${printer.number(limit)}`;
  return {
    sql: `SELECT ${columns.join(', ')} FROM ${sqlName(relation.name)} t${condition}${limited}`,
    params: printer.params,
    // A view may read `runs` itself, and all of it.
    prune: new Map(),
  };
}

function limitOf(args: Arguments, path: string): number | undefined {
  const { first } = args;
  if (first === undefined || first === null) return undefined;
  if (typeof first !== 'number' || first < 0) throw new BadUserInputError(`${path}.first`, 'is negative');
  return first;
}

/** Names of the wanted columns in SQL, each once. @throws BadUserInputError for one that is not there */
function chosenColumns(
  args: Arguments,
  columns: readonly { readonly name: string; readonly alias?: string }[],
  path: string,
): readonly string[] {
  const wanted: unknown = args['columns'];
  if (!Array.isArray(wanted)) return [...new Set(columns.map(({ name }) => name))];
  if (wanted.length === 0) throw new BadUserInputError(`${path}.columns`, 'names no column');
  const chosen = wanted.map((asked: unknown) => {
    const column = columns.find(({ name, alias }) => name === asked || alias === asked);
    if (column !== undefined) return column.name;
    throw new BadUserInputError(`${path}.columns`, `there is no column ${String(asked)}`, {
      expected: columns.map(({ name }) => name).join(', '),
    });
  });
  return [...new Set(chosen)];
}

/** Conditions on tables that are read once: of another use nothing is known. */
function pruneByTable(sources: readonly Source[]): ReadonlyMap<string, readonly PruneCondition[]> {
  const once = sources.filter(({ table }) => sources.filter((other) => other.table === table).length === 1);
  return new Map(once.map(({ table, prune }) => [table, prune]));
}

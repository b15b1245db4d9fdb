import type { DuckDBType } from '@duckdb/node-api';
import type { Token } from '../../../lake/engine/lexer.ts';
import { isListing, namesOfSelect } from '../../../lake/engine/sandbox.ts';
import type { LakeSnapshot, StreamingReader, StreamOptions } from '../../../lake/engine/types.ts';
import type { Catalog } from '../../catalog/catalog.ts';
import { WireError } from '../protocol/sqlstate.ts';
import { withoutPostgresSyntax } from '../sql/dialect.ts';
import { columnNames } from '../sql/names.ts';
import type { RewriteContext } from '../sql/rewrite/context.ts';
import { rewrite } from '../sql/rewrite/rewrite.ts';
import {
  isNode,
  mapTree,
  type Node,
  nodesOf,
  parseTree,
  textConstant,
  textOf,
  treeText,
} from '../sql/tree.ts';
import type { Codec } from '../types/codec.ts';
import { catalogCodecOf, codecOf } from '../types/codecs.ts';
import { parameterNode } from '../types/parameters.ts';
import { chunkSource, type ResultField, type RowSource } from './rows.ts';

/** A SELECT that has been parsed; its tree is never changed. */
export interface ParsedQuery {
  readonly text: string;
  readonly tree: Node;
  /** Numbers of the parameters that it names, in order. */
  readonly parameters: readonly number[];
}

/** What of the session a statement may ask for. */
export type SessionContext = Pick<RewriteContext, 'sessionFunction'>;

/** A statement ready for one of the two engines. */
interface Plan {
  readonly engine: 'lake' | 'catalog';
  readonly sql: string;
}

/** Values of parameters by their number. */
export type ParameterNodes = ReadonlyMap<number, Node>;

/** What a statement takes and gives. */
export interface QueryShape {
  /** Oids of the types of its parameters, as far as they can be told. */
  readonly parameters: ReadonlyMap<number, number>;
  readonly fields: readonly ResultField[];
}

/**
 * Turns SELECTs of Postgres clients into statements for the lake, or for the catalog when they read that.
 * Statements that read no table at all are the catalog's: it has PostgreSQL's functions.
 */
export class Planner {
  readonly #catalog: Catalog;
  readonly #lake: StreamingReader;

  constructor(catalog: Catalog, lake: StreamingReader) {
    this.#catalog = catalog;
    this.#lake = lake;
  }

  snapshot(signal: AbortSignal): Promise<LakeSnapshot> {
    return this.#lake.snapshot({}, { signal });
  }

  /** Whether a name is one of the lake's tables or views. */
  reads(name: string): boolean {
    return this.#catalog.relations.has(name.toLowerCase());
  }

  /** @throws WireError (syntax error, or read-only when it is no SELECT) */
  async parse(text: string, tokens: readonly Token[]): Promise<ParsedQuery> {
    const sql = withoutPostgresSyntax(text, tokens);
    const result = parseTree(await this.#catalog.parse(sql));
    if (result['error'] === true) {
      if (result['error_type'] === 'not implemented') throw readOnly(tokens[0]?.text ?? '');
      const message = textOf(result['error_message']);
      if (message.includes('locking clause')) throw readOnly('SELECT FOR UPDATE');
      throw new WireError('syntaxError', message);
    }
    const tree = unlocated(result);
    const parameters = new Set<number>();
    mapTree(tree, (node) => {
      if (node['type'] === 'VALUE_PARAMETER') parameters.add(parameterNumber(node));
      return node;
    });
    return { text: sql, tree, parameters: [...parameters].sort((a, b) => a - b) };
  }

  /** @param typed parameters whose types the client gave */
  async shape(query: ParsedQuery, typed: ParameterNodes, context: SessionContext): Promise<QueryShape> {
    const plan = await this.#plan(query, typed, context);
    const { parameters: types, columns } = await this.#catalog.describe(plan.sql);
    const codec = codecsOf(plan.engine);
    const parameters = new Map([...types].map(([n, type]) => [n, codec(type).type.oid]));
    if (columns !== undefined) return { parameters, fields: this.#fields(query, plan, columns) };
    // Types that nothing tells are those of literals in quotes, which fit anywhere; this one fits ANY, too.
    const filled = new Map(
      query.parameters.map((n) => {
        const oid = parameters.get(n);
        return [
          n,
          typed.get(n) ?? (oid === undefined ? textConstant('{}') : parameterNode(null, 0, oid)),
        ] as const;
      }),
    );
    const settled = await this.#plan(query, filled, context);
    const described = await this.#catalog.describe(settled.sql);
    return { parameters, fields: this.#fields(query, settled, described.columns ?? []) };
  }

  async open(
    query: ParsedQuery,
    values: ParameterNodes,
    context: SessionContext,
    snapshot: () => Promise<LakeSnapshot>,
    options: StreamOptions,
  ): Promise<RowSource> {
    const plan = await this.#plan(query, values, context);
    const stream =
      plan.engine === 'catalog'
        ? await this.#catalog.stream(plan.sql, options)
        : await this.#lake.sandboxedStream(await snapshot(), plan.sql, options);
    return chunkSource(stream, this.#fields(query, plan, stream.columns));
  }

  async #plan(query: ParsedQuery, values: ParameterNodes, context: SessionContext): Promise<Plan> {
    const tree = rewrite(query.tree, {
      sessionFunction: context.sessionFunction,
      lookUp: (kind, name) => this.#catalog.lookUp(kind, name),
      parameter: (node) => values.get(parameterNumber(node)) ?? node,
    });
    const engine = this.#engineOf(tree);
    const text = treeText(tree);
    // The first of the two fences, before DuckDB sees a statement even to describe it.
    if (!isListing(text))
      namesOfSelect(text, engine === 'lake' ? this.#catalog.relations : this.#catalog.systemRelations);
    // What needs no translation is passed on as it was written.
    if (text === treeText(query.tree)) return { engine, sql: query.text };
    return { engine, sql: await this.#catalog.print(text) };
  }

  #engineOf(tree: Node): Plan['engine'] {
    const names = tableNames(tree);
    const system = [...names].filter((name) => this.#catalog.has(name));
    const lake = [...names].filter((name) => !this.#catalog.has(name));
    if (lake.length > 0 && system.length > 0) {
      if (lake.every((name) => this.#catalog.relations.has(name))) {
        throw new WireError(
          'featureNotSupported',
          `${lake[0]} and ${system[0]} cannot be read by one statement`,
          {
            remedy: 'ask for the catalog and for the data in statements of their own',
          },
        );
      }
      throw new WireError(
        'undefinedTable',
        `relation "${lake.find((name) => !this.#catalog.relations.has(name))}" does not exist`,
      );
    }
    return lake.length > 0 || isShow(tree) ? 'lake' : 'catalog';
  }

  #fields(
    query: ParsedQuery,
    { engine }: Plan,
    columns: readonly { readonly name: string; readonly type: DuckDBType }[],
  ): ResultField[] {
    const names = columnNames(query.tree);
    const usable = names?.length === columns.length ? names : undefined;
    return columns.map(({ name, type }, i) => ({
      name: usable?.[i] ?? name,
      codec: codecsOf(engine)(type),
    }));
  }
}

function codecsOf(engine: Plan['engine']): (type: DuckDBType) => Codec {
  return engine === 'catalog' ? catalogCodecOf : codecOf;
}

export function readOnly(command: string): WireError {
  return new WireError(
    'readOnlyTransaction',
    `cannot execute ${command.toUpperCase()} in a read-only transaction`,
    {
      expected: 'statements that read',
    },
  );
}

function parameterNumber(node: Node): number {
  return Number(textOf(node['identifier']));
}

function unlocated(tree: Node): Node {
  const mapped = mapTree(tree, (node) => ('query_location' in node ? { ...node, query_location: 0 } : node));
  return isNode(mapped) ? mapped : tree;
}

function isShow(tree: Node): boolean {
  let found = false;
  mapTree(tree, (node) => {
    found ||= node['type'] === 'SHOW_REF';
    return node;
  });
  return found;
}

/** Tables that a statement reads, in lower case, without the names of its WITH queries. */
function tableNames(tree: Node): ReadonlySet<string> {
  const tables = new Set<string>();
  const common = new Set<string>();
  mapTree(tree, (node) => {
    if (node['type'] === 'BASE_TABLE') tables.add(textOf(node['table_name']).toLowerCase());
    const withQueries = isNode(node['cte_map']) ? nodesOf(node['cte_map']['map']) : [];
    for (const { key } of withQueries) common.add(textOf(key).toLowerCase());
    return node;
  });
  return new Set([...tables].filter((name) => !common.has(name)));
}

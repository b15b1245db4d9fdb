import {
  type DocumentNode,
  type ExecutionArgs,
  type ExecutionResult,
  execute,
  type GraphQLError,
  type GraphQLFieldConfig,
  GraphQLNonNull,
  GraphQLObjectType,
  GraphQLScalarType,
  GraphQLSchema,
  getOperationAST,
  isNonNullType,
  OperationTypeNode,
} from 'graphql';
import type { RequestContext } from '../context.ts';
import { compileCompletion, isPlain } from './complete.ts';

export type Executor = (args: Omit<ExecutionArgs, 'schema' | 'rootValue'>) => Promise<ExecutionResult>;

/** What the root fields of one query share. */
interface Root {
  readonly errors: GraphQLError[];
}

/** A value that is part of the answer as it is. */
const COMPLETED = new GraphQLScalarType({ name: 'Completed', serialize: (value) => value });

/** Questions about the schema itself have to be answered by the schema that clients know; without its text, a document may hold some. */
function mayIntrospect({ loc }: DocumentNode): boolean {
  return loc === undefined || /\b__(schema|type)\b/.test(loc.source.body);
}

/**
 * Executes operations. graphql-js resolves the root fields; where the value of one is plain data (rows of tables, groups,
 * points of a plot: all that is large), it is completed by functions compiled for its selection, several times as fast
 * (docs/decisions/199). The answers are the same.
 */
export function createExecutor(schema: GraphQLSchema): Executor {
  const completing = completingSchema(schema);
  return async (args) => {
    const { document, operationName } = args;
    const operation = getOperationAST(document, operationName);
    if (operation?.operation !== OperationTypeNode.QUERY || mayIntrospect(document))
      return execute({ ...args, schema });
    const rootValue: Root = { errors: [] };
    const result = await execute({ ...args, schema: completing, rootValue });
    // What was wrong inside of fields does not matter in an answer that has none.
    if (rootValue.errors.length === 0 || !result.data) return result;
    return { ...result, errors: [...(result.errors ?? []), ...rootValue.errors] };
  };
}

/** The same schema, in which fields of Query whose values are plain give them completed. */
function completingSchema(schema: GraphQLSchema): GraphQLSchema {
  const query = schema.getQueryType();
  if (!query) throw new TypeError('a schema without Query');
  const { fields, ...config } = query.toConfig();
  return new GraphQLSchema({
    query: new GraphQLObjectType({
      ...config,
      fields: Object.fromEntries(
        Object.entries(fields).map(([name, field]) => [
          name,
          isPlain(field.type) ? completed(field, name, query, schema) : field,
        ]),
      ),
    }),
  });
}

type RootField = GraphQLFieldConfig<unknown, RequestContext>;

function completed(
  field: RootField,
  name: string,
  parentType: GraphQLObjectType,
  schema: GraphQLSchema,
): RootField {
  const { type, resolve } = field;
  if (!resolve) throw new TypeError(`Query.${name} has no resolver`);
  return {
    ...field,
    type: isNonNullType(type) ? new GraphQLNonNull(COMPLETED) : COMPLETED,
    async resolve(root, args, context, info) {
      // The planner reads the types that clients know.
      const value: unknown = await resolve(root, args, context, {
        ...info,
        schema,
        parentType,
        returnType: type,
      });
      const [first, ...rest] = info.fieldNodes;
      if (first === undefined) throw new TypeError('a field without nodes');
      const complete = compileCompletion(info, `Query.${name}`, [first, ...rest], type);
      return complete(value, { path: [info.path.key], errors: (root as Root).errors });
    },
  };
}

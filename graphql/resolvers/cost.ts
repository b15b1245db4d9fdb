import {
  type DocumentNode,
  type FragmentDefinitionNode,
  type GraphQLResolveInfo,
  type GraphQLSchema,
  Kind,
  type OperationDefinitionNode,
  parse,
  validate,
} from 'graphql';
import { getVariableValues } from 'graphql/execution/values.js';
import { Arg, Ctx, Info, Query, Resolver } from 'type-graphql';
import { comparedSources } from '../../compute/compare/pairs.ts';
import { AUDITED_TABLES } from '../../compute/tasks/chaos/audit/audit.ts';
import { TABLES } from '../../lake/tables/tables.ts';
import type { RequestContext } from '../context.ts';
import { BadUserInputError, LimitExceededError, NotAvailableError } from '../errors.ts';
import { documentLimits } from '../limits/document.ts';
import { bracketDepth } from '../limits/nesting.ts';
import { estimateNodes } from '../limits/nodes.ts';
import { MEASURE_FIELDS, measureSources } from '../plan/activation-measure.ts';
import { compileVectors, GEOMETRY_FIELDS } from '../plan/activation-vectors.ts';
import { compileAggregate, type Dimension } from '../plan/aggregate.ts';
import type { Arguments } from '../plan/arguments.ts';
import { ENTITIES, ROOT_ENTITIES } from '../plan/entities.ts';
import { comparisonCondition } from '../plan/entropy.ts';
import {
  argumentsOf,
  asOfArgument,
  compileOptions,
  type FieldInfo,
  isIdentifiedBy,
  planConnection,
  planOne,
  sizeSources,
} from '../plan/execute.ts';
import { compileHeatmap, compileLayerCurve, type FvRequest } from '../plan/fv.ts';
import type { Source } from '../plan/ir.ts';
import { selectedFields } from '../plan/selection.ts';
import { AsOfInput } from '../types/inputs.ts';
import { QueryCost } from '../types/query-cost.ts';
import { JsonScalar } from '../types/scalars.ts';

interface Planned {
  readonly language: 'graphql' | 'sql';
  readonly sources: readonly Source[];
  readonly statements: number;
  readonly nodes: number | null;
}

@Resolver()
export class CostResolver {
  @Query(() => QueryCost, {
    description:
      'What a GraphQL query (or a SQL statement for `sql`) would read, from the metadata of the tables.',
  })
  async explainCost(
    @Arg('query', () => String) query: string,
    @Arg('variables', () => JsonScalar, { nullable: true, description: 'Of a GraphQL query.' })
    variables: unknown,
    @Arg('asOf', () => AsOfInput, { nullable: true }) asOf: AsOfInput | undefined,
    @Ctx() context: RequestContext,
    @Info() info: GraphQLResolveInfo,
  ): Promise<QueryCost> {
    const planned: Planned = GRAPHQL.test(query)
      ? await planGraphql(context, info.schema, query, variables)
      : { language: 'sql' as const, sources: await sqlSources(context, query), statements: 1, nodes: null };
    const snapshot = await context.snapshots.at(asOfArgument({ asOf }));
    const sizes = await sizeSources(context, snapshot, planned.sources);
    const tables = planned.sources.map(({ table }, i) => {
      const { files, bytes, rows } = sizes[i] ?? { files: 0, bytes: 0, rows: 0 };
      const groupSize = TABLES.find(({ name }) => name === table)?.rowGroupSize ?? 1;
      return { table, files, bytes, rows, rowGroups: Math.max(files, Math.ceil(rows / groupSize)) };
    });
    const sum = (of: (table: (typeof tables)[number]) => number) =>
      tables.reduce((total, table) => total + of(table), 0);
    const bytes = sum((table) => table.bytes);
    return {
      language: planned.language,
      tables,
      files: sum((table) => table.files),
      bytes,
      rows: sum((table) => table.rows),
      rowGroups: sum((table) => table.rowGroups),
      nodes: planned.nodes,
      statements: planned.statements,
      allowed: bytes <= context.limits.bytesRead && (planned.nodes ?? 0) <= context.limits.nodes,
      snapshot: snapshot.token,
    };
  }
}

/** No SQL statement starts like this. */
const GRAPHQL = /^(\s|,|#[^\n]*\n)*(\{|query\b|fragment\b)/;

async function planGraphql(
  context: RequestContext,
  schema: GraphQLSchema,
  text: string,
  given: unknown,
): Promise<Planned> {
  const { limits } = context;
  const depth = bracketDepth(text);
  if (depth > limits.brackets) throw new LimitExceededError('brackets', limits.brackets, depth, 'nest less');
  const document = parse(text, { maxTokens: limits.documentTokens });
  const [invalid] = validate(schema, document);
  const [tooLarge] = invalid ? [] : validate(schema, document, [documentLimits(limits)]);
  const problem = invalid ?? tooLarge;
  if (problem) throw problem.originalError ?? new BadUserInputError('query', problem.message);
  const operation = onlyQuery(document);
  const inputs = typeof given === 'object' && given !== null ? { ...given } : {};
  const { coerced: variableValues, errors } = getVariableValues(
    schema,
    operation.variableDefinitions ?? [],
    inputs,
  );
  if (variableValues === undefined)
    throw new BadUserInputError('variables', errors[0]?.message ?? 'are wrong');
  const fragments: Record<string, FragmentDefinitionNode> = {};
  for (const definition of document.definitions) {
    if (definition.kind === Kind.FRAGMENT_DEFINITION) fragments[definition.name.value] = definition;
  }
  const parentType = schema.getQueryType();
  if (!parentType) throw new TypeError('the schema has no queries');
  const root = {
    kind: Kind.FIELD as const,
    name: operation.name ?? { kind: Kind.NAME as const, value: 'root' },
    selectionSet: operation.selectionSet,
  };
  const sources: Source[] = [];
  let statements = 0;
  for (const [, fieldNodes] of selectedFields({ fragments, variableValues }, [root], parentType)) {
    const fieldName = fieldNodes[0].name.value;
    const returnType = parentType.getFields()[fieldName]?.type;
    if (returnType === undefined) continue;
    const found = await fieldSources(context, {
      fieldName,
      fieldNodes,
      parentType,
      returnType,
      fragments,
      variableValues,
    });
    if (found.length > 0) statements++;
    sources.push(...found);
  }
  const nodes = estimateNodes({ schema, document, operation, variableValues });
  return { language: 'graphql', sources, statements, nodes };
}

function onlyQuery(document: DocumentNode): OperationDefinitionNode {
  const operations = document.definitions.filter(
    (definition): definition is OperationDefinitionNode => definition.kind === Kind.OPERATION_DEFINITION,
  );
  const [operation] = operations;
  if (operations.length !== 1 || operation?.operation !== 'query') {
    throw new BadUserInputError('query', 'is not exactly one query', {
      expected: 'a document with one query operation',
    });
  }
  return operation;
}

/** What one root field would read. */
async function fieldSources(context: RequestContext, info: FieldInfo): Promise<readonly Source[]> {
  const options = compileOptions(context.limits, info);
  const entity = ROOT_ENTITIES.get(info.fieldName);
  if (entity) return planConnection(options, info, ENTITIES[entity]).plan.statement.sources;
  const args = argumentsOf(info);
  const geometry = GEOMETRY_FIELDS.get(info.fieldName);
  if (geometry) return compileVectors(options, args, geometry).sources;
  switch (info.fieldName) {
    case 'run':
      return planOne(options, info, ENTITIES.Run, isIdentifiedBy(ENTITIES.Run, String(args['id']))).statement
        .sources;
    case 'entropyComparison': {
      const condition = comparisonCondition(String(args['runId']), Number(args['eta']));
      return planOne(options, info, ENTITIES.EntropyComparison, condition).statement.sources;
    }
    case 'aggregateMetrics':
      return compileAggregate(options, {
        metric: String(args['metric']),
        groupBy: (Array.isArray(args['groupBy']) ? args['groupBy'] : []) as Dimension[],
        groupByConfig: (Array.isArray(args['groupByConfig']) ? args['groupByConfig'] : []) as string[],
        filter: args['filter'],
        source: String(args['source']),
        scope: typeof args['scope'] === 'string' ? args['scope'] : undefined,
        split: typeof args['split'] === 'string' ? args['split'] : undefined,
        confidence: Number(args['confidence']),
        detail: false,
      }).sources;
    case 'projectActivations':
    case 'nearestActivations':
      return measureSources(options, args, MEASURE_FIELDS[info.fieldName]);
    case 'compareRuns':
      return comparedSources(String(args['a']), String(args['b']));
    case 'chaosAudit':
      return AUDITED_TABLES.map((table) => ({ table, prune: [] }));
    case 'fvHeatmap':
      return compileHeatmap(fvRequest(args, 'scoreKey')).sources;
    case 'fvLayerCurve':
      return compileLayerCurve({
        ...fvRequest(args, 'metric'),
        vector: 'function_vector',
        querySet: 'extraction',
      }).sources;
    case 'sql':
      return sqlSources(context, String(args['query']));
    default:
      return [];
  }
}

function fvRequest(args: Arguments, column: string): FvRequest {
  return { runId: String(args['runId']), column: String(args[column]), qId: undefined };
}

/** Every table that a SQL text reads, with the conditions that are known of its rows. @throws SandboxError */
async function sqlSources({ reader }: RequestContext, sql: string): Promise<readonly Source[]> {
  if (reader.statementSources === undefined) throw new NotAvailableError('this server reads no SQL');
  return reader.statementSources(sql.toWellFormed());
}

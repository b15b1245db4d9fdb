import { type FieldNode, Kind, type OperationDefinitionNode } from 'graphql';
import { operationsOf } from '../document.ts';
import { pythonOfJson, pythonString } from './python-text.ts';

const HEAD = (origin: string) => `URL = os.environ.get("RUNLAKE_URL", ${pythonString(origin)})
TOKEN = os.environ.get("RUNLAKE_TOKEN")
HEADERS = {"authorization": f"Bearer {TOKEN}"} if TOKEN else {}
`;

const ask = (operationName?: string) => `

def ask(query, variables):
    body = {"query": query, "variables": variables${operationName === undefined ? '' : `, "operationName": ${pythonString(operationName)}`}}
    answer = requests.post(f"{URL}/graphql", json=body, headers=HEADERS, timeout=120).json()
    if "errors" in answer:
        raise RuntimeError(answer["errors"])
    return answer["data"]


`;

const GRAPHQL_IMPORTS = 'import os\n\nimport pandas\nimport requests\n\n';

/** How the rows of a root field are reached in Python. */
interface Rows {
  readonly name: string;
  readonly shape: 'nodes' | 'edges' | 'sql' | 'value';
  /** The variable with the cursor, where every page can be asked for. */
  readonly cursor: string | undefined;
}

/**
 * A program that asks a GraphQL query and puts the rows of each root field into a data frame; all pages of a single connection
 * that takes its cursor from a variable.
 * @param variables JSON, or nothing
 * @param operationName of the operation that is meant, where there are several
 */
export function graphqlPython(
  origin: string,
  query: string,
  variables: string,
  operationName?: string,
): string {
  const asked = `QUERY = ${pythonString(query)}\nVARIABLES = ${pythonOfJson(variables.trim() || '{}')}\n`;
  const rows = rowsIn(rootFields(query, operationName));
  return `${GRAPHQL_IMPORTS}${HEAD(origin)}${asked}${ask(operationName)}${rows}`;
}

/** A program that asks SQL for so many rows, as a data frame. */
export function sqlPython(origin: string, sql: string, rows: number): string {
  const query =
    'query ($sql: String!, $maxRows: Int!) { sql(query: $sql, maxRows: $maxRows) { columns { name } rows truncated } }';
  return `${GRAPHQL_IMPORTS}${HEAD(origin)}SQL = ${pythonString(sql)}
QUERY = ${pythonString(query)}
${ask()}result = ask(QUERY, {"sql": SQL, "maxRows": ${rows}})["sql"]
frame = pandas.DataFrame(result["rows"], columns=[column["name"] for column in result["columns"]])
print(frame)
if result["truncated"]:
    print("there are more rows")
`;
}

/** A program that gets all rows of a statement through the door for exports, with their types. */
export function sqlArrowPython(origin: string, sql: string): string {
  return `import os

import pyarrow
import requests

${HEAD(origin)}SQL = ${pythonString(sql)}

with requests.post(
    f"{URL}/export/query.arrow", json={"sql": SQL}, headers=HEADERS, stream=True, timeout=120
) as response:
    if not response.ok:
        raise RuntimeError(response.text)
    table = pyarrow.ipc.open_stream(response.raw).read_all()
frame = table.to_pandas()
print(frame)
`;
}

function rowsIn(fields: readonly Rows[]): string {
  const [only] = fields;
  if (only === undefined) return 'print(ask(QUERY, VARIABLES))\n';
  if (fields.length > 1) {
    const frames = fields.map((field) => `    ${pythonString(field.name)}: ${frameOf(field)},\n`).join('');
    return `data = ask(QUERY, VARIABLES)
frames = {
${frames}}
for name, frame in frames.items():
    print(name, frame, sep="\\n")
`;
  }
  if (only.cursor !== undefined) return pagesOf(only, only.cursor);
  return `data = ask(QUERY, VARIABLES)\nframe = ${frameOf(only)}\nprint(frame)\n`;
}

function frameOf({ name, shape }: Rows): string {
  const value = `data[${pythonString(name)}]`;
  switch (shape) {
    case 'nodes':
      return `pandas.json_normalize(${value}["nodes"])`;
    case 'edges':
      return `pandas.json_normalize([edge["node"] for edge in ${value}["edges"]])`;
    case 'sql':
      return `pandas.DataFrame(${value}["rows"], columns=[column["name"] for column in ${value}["columns"]])`;
    default:
      return `pandas.json_normalize(${value} or [])`;
  }
}

function pagesOf({ name, shape }: Rows, cursor: string): string {
  const rows = shape === 'edges' ? '[edge["node"] for edge in page["edges"]]' : 'page["nodes"]';
  return `rows, after = [], None
while True:
    page = ask(QUERY, {**VARIABLES, ${pythonString(cursor)}: after})[${pythonString(name)}]
    rows += ${rows}
    if not page["pageInfo"]["hasNextPage"]:
        break
    after = page["pageInfo"]["endCursor"]
frame = pandas.json_normalize(rows)
print(frame)
`;
}

function rootFields(query: string, operationName: string | undefined): readonly Rows[] {
  const operations = readable(query);
  const operation = operations.find(({ name }) => name?.value === operationName) ?? operations[0];
  return (operation?.selectionSet.selections ?? []).flatMap((selection) =>
    selection.kind === Kind.FIELD && !selection.name.value.startsWith('__') ? [rowsOf(selection)] : [],
  );
}

/** The operations of a document; none of one with an error, which the server explains to whoever runs the program. */
function readable(query: string): readonly OperationDefinitionNode[] {
  try {
    return operationsOf(query);
  } catch {
    return [];
  }
}

function rowsOf(field: FieldNode): Rows {
  const has = (name: string) => fieldIn(field, name) !== undefined;
  const shape = has('nodes')
    ? 'nodes'
    : has('edges')
      ? 'edges'
      : has('rows') && has('columns')
        ? 'sql'
        : 'value';
  const page = fieldIn(field, 'pageInfo');
  const pages =
    page !== undefined && ['hasNextPage', 'endCursor'].every((name) => fieldIn(page, name) !== undefined);
  const after = field.arguments?.find(({ name }) => name.value === 'after')?.value;
  const cursor = pages && after?.kind === Kind.VARIABLE ? after.name.value : undefined;
  return { name: (field.alias ?? field.name).value, shape, cursor };
}

function fieldIn({ selectionSet }: FieldNode, name: string): FieldNode | undefined {
  for (const selection of selectionSet?.selections ?? []) {
    // Under another name it could not be reached by this one.
    if (selection.kind === Kind.FIELD && (selection.alias ?? selection.name).value === name) return selection;
  }
  return undefined;
}

import { json, jsonParseLinter } from '@codemirror/lang-json';
import { type Diagnostic, linter } from '@codemirror/lint';
import type { Extension } from '@codemirror/state';
import type { EditorView } from '@codemirror/view';
import { type GraphQLSchema, getVariableValues } from 'graphql';
import { operationAt, operationsOf } from '../document.ts';

/** Variables as JSON, checked against what the operation declares. */
export function variablesLanguage(
  schema: GraphQLSchema | undefined,
  document: () => { readonly query: string; readonly cursor: number },
): Extension {
  const parsing = jsonParseLinter();
  return [
    json(),
    linter((view) => {
      const text = view.state.doc.toString();
      if (text.trim() === '') return [];
      const broken = parsing(view);
      if (broken.length > 0 || schema === undefined) return broken;
      const { query, cursor } = document();
      return wrongVariables(schema, query, operationAt(query, cursor), text).map((message) => ({
        ...placeOf(view, message),
        severity: 'error' as const,
        message,
      }));
    }),
  ];
}

/** What is wrong with the values of variables, as the server would say it. */
export function wrongVariables(
  schema: GraphQLSchema,
  query: string,
  operationName: string | undefined,
  json: string,
): readonly string[] {
  try {
    const values: unknown = JSON.parse(json);
    if (typeof values !== 'object' || values === null || Array.isArray(values))
      return ['variables are an object with a member a variable'];
    const operations = operationsOf(query);
    const operation = operations.find(({ name }) => name?.value === operationName) ?? operations[0];
    const declared = operation?.variableDefinitions ?? [];
    const { errors = [] } = getVariableValues(schema, declared, { ...values });
    const unknown = Object.keys(values).filter((name) =>
      declared.every(({ variable }) => variable.name.value !== name),
    );
    return [
      ...errors.map(({ message }) => message),
      ...unknown.map((name) => `the operation declares no variable "$${name}"`),
    ];
  } catch {
    // What is wrong with the document is said there.
    return [];
  }
}

/** Where the variable is that a message names. */
function placeOf({ state }: EditorView, message: string): Pick<Diagnostic, 'from' | 'to'> {
  const name = /"\$(\w+)"/.exec(message)?.[1];
  const from = name === undefined ? -1 : state.doc.toString().indexOf(`"${name}"`);
  return from < 0 || name === undefined
    ? { from: 0, to: state.doc.length }
    : { from, to: from + name.length + 2 };
}

import type { Completion } from '@codemirror/autocomplete';
import { SQLDialect, sql } from '@codemirror/lang-sql';
import type { Extension } from '@codemirror/state';
import { hoverTooltip } from '@codemirror/view';
import type { CatalogEntry } from '../catalog.ts';
import { FUNCTIONS, KEYWORDS, TYPES } from './sql-keywords.ts';

const DUCKDB = SQLDialect.define({
  keywords: KEYWORDS,
  types: TYPES,
  builtin: FUNCTIONS,
  operatorChars: '+-*/<>=~!@%^&|',
  caseInsensitiveIdentifiers: true,
  doubleDollarQuotedStrings: true,
});

/** SQL as DuckDB reads it, with the names of the lake's tables, views and columns, and their meaning under the pointer. */
export function sqlLanguage(catalog: readonly CatalogEntry[]): Extension {
  const schema = Object.fromEntries(
    catalog.map(({ name, kind, description, columns }) => [
      name,
      {
        self: completion(name, kind.toLowerCase(), description),
        children: columns.map((column) => completion(column.name, column.type, column.description)),
      },
    ]),
  );
  return [sql({ dialect: DUCKDB, schema }), meaning(catalog)];
}

function completion(label: string, detail: string, info: string): Completion {
  return { label, detail, info };
}

function meaning(catalog: readonly CatalogEntry[]): Extension {
  return hoverTooltip(({ state }, position) => {
    const word = state.wordAt(position);
    if (word === null) return null;
    const text = meaningOf(catalog, state.sliceDoc(word.from, word.to), state.doc.toString());
    if (text === undefined) return null;
    return {
      pos: word.from,
      end: word.to,
      create() {
        const dom = document.createElement('div');
        dom.className = 'cm-hover';
        dom.textContent = text;
        return { dom };
      },
    };
  });
}

/** What a name of a statement means: a table, a view, or a column of those that the statement names. */
export function meaningOf(
  catalog: readonly CatalogEntry[],
  word: string,
  statement: string,
): string | undefined {
  const name = word.toLowerCase();
  const relation = catalog.find((entry) => entry.name === name);
  if (relation !== undefined) return `${relation.kind.toLowerCase()} ${name}\n${relation.description}`;
  const words = new Set(statement.toLowerCase().match(/\w+/g));
  const columns = catalog
    .filter((entry) => words.has(entry.name))
    .flatMap((entry) =>
      entry.columns.filter((column) => column.name === name).map((column) => ({ entry, column })),
    );
  if (columns.length === 0) return undefined;
  return columns
    .map(({ entry, column }) => `${entry.name}.${column.name} ${column.type}\n${column.description}`)
    .join('\n');
}

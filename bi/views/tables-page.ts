import type { Listed } from './view.ts';
import { CATALOG } from './views.ts';

/** The page that explains every table and view, in the root of a checkout. */
export const TABLES_PAGE = 'docs/tables.md';

/** What that page holds. */
export function tablesPage(): string {
  const views = CATALOG.filter(({ kind }) => kind === 'view');
  const tables = CATALOG.filter(({ kind }) => kind === 'table');
  return `# Tables and views

Written by \`npm run tables\` from the specifications (\`lake/tables\`, \`bi/views\`); a test keeps it current. Types are those of DuckDB. What identifies a
row, and which rows are current: table-format.md. How to reach them: bi.md.

## Views

Joins that most questions need, over the tables below; in every door for SQL and in \`views.duckdb\`.

${views.map(section).join('\n')}
## Tables

${tables.map(section).join('\n')}`;
}

function section({ name, description, columns }: Listed): string {
  const rows = columns.map(
    (column) =>
      `| \`${column.name}\` | ${column.json ? 'JSON' : column.type} | ${cell(column.description)} |`,
  );
  return `### ${name}\n\n${description}\n\n| column | type | meaning |\n|---|---|---|\n${rows.join('\n')}\n`;
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}

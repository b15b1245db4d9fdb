import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { namesOfSelect } from '../../lake/engine/sandbox.ts';
import { type TemporaryLake, temporaryLake } from '../../test/support/temporary-lake.ts';
import { TABLES_PAGE, tablesPage } from './tables-page.ts';
import { CATALOG, VIEWS } from './views.ts';

let test: TemporaryLake;

async function ask(sql: string): Promise<readonly (readonly unknown[])[]> {
  return (await test.lake.sandboxedQuery(await test.lake.snapshot(), sql)).rows;
}

beforeAll(async () => {
  test = await temporaryLake();
});
afterAll(() => test.remove());

describe('views', () => {
  it.each(CATALOG.map(({ name }) => name))('%s has the columns that are documented', async (name) => {
    const listed = CATALOG.find((entry) => entry.name === name);
    const described = await ask(`DESCRIBE ${name}`);
    expect(described.map(([column, type]) => [column, type])).toEqual(
      listed?.columns.map((column) => [column.name, column.type]),
    );
    expect(await ask(`SELECT * FROM ${name}`)).toEqual([]);
  });

  it.each(VIEWS)('$name reads the tables that it names, and nothing else', async ({ sql, tables }) => {
    const { rows } = await test.lake.query('SELECT json_serialize_sql($1::VARCHAR)', { params: [sql] });
    const read = namesOfSelect(String(rows[0]?.[0]), new Set(test.lake.specs.keys()));
    expect([...read].sort()).toEqual([...tables].sort());
  });

  it('have names of their own, and a sentence for each column', () => {
    expect(new Set(CATALOG.map(({ name }) => name)).size).toBe(CATALOG.length);
    for (const { name, description, columns } of CATALOG) {
      expect(description, name).toMatch(/\.$/);
      expect(new Set(columns.map((column) => column.name)).size, name).toBe(columns.length);
      for (const column of columns) expect(column.description, `${name}.${column.name}`).toMatch(/\.\)?$/);
    }
  });

  it('are listed with the tables', async () => {
    const names = CATALOG.map(({ name }) => [name]).sort();
    for (const statement of ['SHOW TABLES', 'show all tables;', 'DESCRIBE'])
      expect(await ask(statement)).toEqual(names);
  });

  it('are explained by a page', () => {
    const page = readFileSync(new URL(`../../${TABLES_PAGE}`, import.meta.url), 'utf8');
    expect(page, `${TABLES_PAGE} is written by 'npm run tables'`).toBe(tablesPage());
  });
});

import { DuckDBInstance } from '@duckdb/node-api';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { messageOf } from '../errors.ts';
import { pointedAt, withPlace } from './error-place.ts';
import { QueryError } from './errors.ts';
import { namesOfSelect } from './sandbox.ts';

let instance: DuckDBInstance;
beforeAll(async () => {
  instance = await DuckDBInstance.create();
});
afterAll(() => instance.closeSync());

async function messageFor(sql: string): Promise<string> {
  const connection = await instance.connect();
  try {
    await connection.run('CREATE TEMP TABLE runs AS SELECT 1 AS method');
    await connection.run(sql);
    return '';
  } catch (error) {
    return messageOf(error);
  } finally {
    connection.closeSync();
  }
}

const many = Array.from({ length: 40 }, (_, i) => `method AS m${i}`).join(', ');

it.each([
  'SELECT foo FROM runs',
  'SELECT method,\n  foo FROM runs',
  'SELECT method\r\n, foo FROM runs',
  'SELECT\tmethod,\tfoo FROM runs',
  "SELECT 'é', '日本', '😀', foo FROM runs",
  `SELECT ${many}, foo, ${many} FROM runs`,
])('finds what DuckDB points at: %j', async (sql) => {
  const offset = pointedAt(await messageFor(sql), sql);
  expect([...sql].slice(offset).join('')).toMatch(/^foo/);
});

it('says nothing where DuckDB points nowhere, or into another text', async () => {
  expect(pointedAt('Invalid Input Error: no', 'SELECT 1')).toBeUndefined();
  expect(pointedAt(await messageFor('SELECT foo FROM runs'), 'SELECT * FROM view')).toBeUndefined();
  expect(pointedAt(await messageFor('SELECT 1,\nfoo FROM runs'), 'FROM view')).toBeUndefined();
});

it('keeps errors what they are', async () => {
  const sql = 'SELECT foo FROM runs';
  const error = new QueryError('no foo', { remedy: 'look', cause: new Error(await messageFor(sql)) });
  expect(withPlace(error, sql, sql)).toMatchObject({
    name: 'QueryError',
    message: 'no foo',
    remedy: 'look',
    where: { offset: 7 },
  });
  expect(withPlace(error, 'SELECT 1', sql)).toBe(error);
  expect(withPlace('other', sql, sql)).toBe('other');
  expect(withPlace(error, sql, `-- é😀\n${sql};`)).toMatchObject({ where: { offset: 13 } });
  expect(withPlace(error, sql, 'DESCRIBE runs')).toHaveProperty('where', undefined);
});

it('knows the places of what the sandbox refuses', () => {
  const tables = new Set(['runs']);
  const refused = (tree: object, text: string) => {
    try {
      namesOfSelect(JSON.stringify(tree), tables, text);
      return undefined;
    } catch (error) {
      return withPlace(error, text, `/* 1 */ ${text}`);
    }
  };
  const broken = { error: true, error_type: 'parser', error_message: 'syntax error', position: '3' };
  expect(refused(broken, 'SELEC 1')).toMatchObject({ name: 'SandboxError', where: { offset: 11 } });
  const missing = {
    type: 'BASE_TABLE',
    schema_name: '',
    catalog_name: '',
    table_name: 'nope',
    query_location: 21,
  };
  const text = "SELECT 'é😀' FROM nope";
  expect(refused({ error: false, statements: [missing] }, text)).toMatchObject({
    message: 'there is no table nope',
    where: { offset: 8 + [...text].indexOf('n') },
  });
});

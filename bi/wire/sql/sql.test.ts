import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SandboxError } from '../../../lake/engine/errors.ts';
import { statementsOf, tokensOf } from '../../../lake/engine/lexer.ts';
import { commandOf } from './commands/commands.ts';
import { strftimeFormat } from './date-format.ts';
import { withoutPostgresSyntax } from './dialect.ts';

const translated = (sql: string) => withoutPostgresSyntax(sql, tokensOf(sql));
const command = (sql: string) => {
  const [statement] = statementsOf(sql);
  return statement === undefined ? undefined : commandOf(statement);
};

describe('statements', () => {
  it('end at semicolons that are no part of a string, a name or a comment', () => {
    const sql = `select ';', "a;b", $x$ ; $x$, E'\\';' -- ;\n /* ; /* ; */ ; */ ; begin;; ; commit`;
    expect(statementsOf(sql).map(({ text }) => text)).toEqual([
      `select ';', "a;b", $x$ ; $x$, E'\\';'`,
      'begin',
      'commit',
    ]);
  });

  it('have tokens that cover everything but white space and comments, or an error', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'ab1\'"$;.-/*(E\\ \n~é😀') }), (sql) => {
        try {
          const tokens = tokensOf(sql);
          for (const [i, token] of tokens.entries()) {
            expect(sql.slice(token.start, token.end)).toBe(token.text);
            expect(token.text.length).toBeGreaterThan(0);
            expect(token.start).toBeGreaterThanOrEqual(tokens[i - 1]?.end ?? 0);
          }
        } catch (error) {
          expect(error).toBeInstanceOf(SandboxError);
        }
      }),
      { numRuns: 200 },
    );
  });
});

describe('syntax of PostgreSQL', () => {
  it.each([
    ['SELECT c.oid FROM pg_catalog.pg_class c', 'SELECT c.oid FROM pg_class c'],
    ["a OPERATOR(pg_catalog.~) '^(x)$' COLLATE pg_catalog.default", "a  ~@~  '^(x)$' "],
    [`"public"."runs"."family" !~* 'b'`, `"runs"."family" !~@~* 'b'`],
    ["select 'pg_catalog.x', ~1, a ~ 'x'", "select 'pg_catalog.x', ~1, a ~@~ 'x'"],
    ['select oid name, x key from t', 'select oid AS name, x AS key from t'],
    ['select name, "key", x.value from t order by name', 'select name, "key", x.value from t order by name'],
    ['a COLLATE "C" = b COLLATE nocase', 'a  = b COLLATE nocase'],
  ])('%s', (sql, expected) => {
    expect(translated(sql)).toBe(expected);
  });

  it('of formats for times', () => {
    expect(strftimeFormat('YYYY-MM-DD"T"HH24:MI:SS.US')).toBe('%Y-%m-%dT%H:%M:%S.%f');
    expect(strftimeFormat('YYYY Q')).toBeUndefined();
  });
});

describe('commands', () => {
  it.each([
    ['BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ', { kind: 'begin', tag: 'BEGIN' }],
    ['rollback to savepoint "A"', { kind: 'rollbackTo', name: 'A' }],
    [
      "SET SESSION search_path TO public, 'x'",
      { kind: 'set', name: 'search_path', value: 'public, x', local: false },
    ],
    [
      "SET LOCAL statement_timeout = '5s'",
      { kind: 'set', name: 'statement_timeout', value: '5s', local: true },
    ],
    ['SET extra_float_digits = 3', { kind: 'set', name: 'extra_float_digits', value: '3', local: false }],
    ["SET TIME ZONE 'UTC'", { kind: 'set', name: 'TimeZone', value: 'UTC', local: false }],
    ["SET NAMES 'UTF8'", { kind: 'set', name: 'client_encoding', value: 'UTF8', local: false }],
    ['SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY', { kind: 'nothing', tag: 'SET' }],
    ['show transaction isolation level', { kind: 'show', name: 'transaction_isolation' }],
    ['FETCH FORWARD 2000 FROM "c 1"', { kind: 'fetch', name: 'c 1', count: 2000 }],
    ['fetch all in c', { kind: 'fetch', name: 'c', count: 0 }],
    ['MOVE NEXT c', { kind: 'move', name: 'c', count: 1 }],
    ['fetch c', { kind: 'fetch', name: 'c', count: 1 }],
    ['DEALLOCATE ALL', { kind: 'deallocate', name: undefined }],
    ['DISCARD ALL', { kind: 'discard', what: 'ALL' }],
    ['select 1', undefined],
    ['SHOW TABLES', undefined],
  ])('%s', (sql, expected) => {
    expect(command(sql)).toEqual(expected);
  });

  it('hold statements', () => {
    expect(command('DECLARE "c" NO SCROLL CURSOR WITH HOLD FOR SELECT 1')).toMatchObject({
      hold: true,
      query: { text: 'SELECT 1' },
    });
    expect(command('prepare p(int, character varying) as select $1')).toMatchObject({
      types: ['int', 'character varying'],
    });
    expect(command("COPY (SELECT ')' AS x) TO STDOUT WITH (FORMAT csv, HEADER)")).toMatchObject({
      query: { text: "SELECT ')' AS x" },
      options: { format: 'csv', header: true, delimiter: ',' },
    });
    expect(command('copy public.runs (run_id) to stdout')).toMatchObject({
      query: { text: 'SELECT run_id FROM "public"."runs"' },
    });
  });

  it.each([
    ['INSERT INTO runs VALUES (1)', '25006'],
    ['create table t(a int)', '25006'],
    ['COPY runs FROM STDIN', '25006'],
    ["COPY runs TO '/tmp/x'", '42501'],
    ["COPY runs TO PROGRAM 'sh'", '42501'],
    ["ATTACH '/etc/passwd'", '25006'],
    ['INSTALL httpfs', '25006'],
    ['FETCH BACKWARD 1 FROM c', '55000'],
    ['BEGIN READ WRITE; SELECT 1', undefined],
    ['SET TRANSACTION READ WRITE', '0A000'],
    ['LISTEN x', '0A000'],
    ['EXPLAIN SELECT 1', '0A000'],
  ])('%s gives %s', (sql, sqlstate) => {
    if (sqlstate === undefined) expect(command(sql)).toBeDefined();
    else expect(() => command(sql)).toThrow(expect.objectContaining({ sqlstate }));
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SandboxError } from './errors.ts';
import { statementText } from './statement-text.ts';

describe('the one statement of a text', () => {
  it.each([
    ['SELECT 1', 'SELECT 1'],
    ['SELECT 1;', 'SELECT 1'],
    ['SELECT 1;; ;', 'SELECT 1'],
    ['SELECT 1; -- why', 'SELECT 1'],
    ['SELECT 1 -- why', 'SELECT 1'],
    ['SELECT 1 /* a; /* b */ c */ ; /* d */', 'SELECT 1'],
    [';-- first\n/* second */ FROM runs\n;', 'FROM runs'],
    ['\ufeffSELECT 1\u00a0', 'SELECT 1'],
    [`SELECT ';--', "a;b", $x$;$x$, E'\\';';`, `SELECT ';--', "a;b", $x$;$x$, E'\\';'`],
    ['SELECT 1 --;\n+ 1', 'SELECT 1 --;\n+ 1'],
  ])('%j', (text, statement) => {
    expect(statementText(text)).toBe(statement);
  });

  it.each([
    ['', 'the statement is empty'],
    [' ; -- nothing', 'the statement is empty'],
    ['SELECT 1; SELECT 2', '2 statements were given'],
    ["SELECT 'x", 'unterminated quoted string'],
    ['SELECT 1 /* x', 'unterminated /* comment'],
    ['SELECT 1\0; DROP TABLE runs', 'the statement has a NUL character'],
    [`SELECT ${'('.repeat(61)}`, 'brackets are nested in more than 60 levels'],
    ['x'.repeat(65_537), 'the statement has 65537 characters, the limit is 65536'],
  ])('is refused: %.40j', (text, message) => {
    expect(() => statementText(text)).toThrow(message);
  });

  it('is the same whatever stands around it, and what is taken for one stays one', () => {
    const around = fc.array(fc.constantFrom(';', ' ', '\n', '-- c;\n', '/* ; */'), { maxLength: 6 });
    const text = fc.string({ unit: fc.constantFrom(...'ab1\'"$;.-/*(E\\ \n~é😀') });
    fc.assert(
      fc.property(around, text, around, (before, sql, after) => {
        let statement: string;
        try {
          statement = statementText(sql);
        } catch (error) {
          expect(error).toBeInstanceOf(SandboxError);
          return;
        }
        expect(statementText(statement)).toBe(statement);
        // A dollar or an operator at its end could go on in a comment after it.
        expect(statementText(`${before.join('')}${statement} \n${after.join('')}`)).toBe(statement);
      }),
      { numRuns: 300 },
    );
  });
});

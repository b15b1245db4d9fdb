import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Issue } from '../../family.ts';
import { pythonFloat } from '../../formats/python-float.ts';
import { issueLog } from '../../run-files/issue-log.ts';
import { Checks } from './checks.ts';
import { memberAt, without } from './members.ts';
import { normalizationOfScale, scaleOf } from './normalization.ts';
import { etaStar, predict } from './predictions.ts';

describe('Python texts of doubles', () => {
  test('as repr prints them', () => {
    const texts = [
      8e-7,
      1.28e-5,
      0.0001,
      1e-4 / 3,
      5,
      1e16,
      123456789012345680,
      0.1,
      -2.5e-9,
      1e22,
      1e15,
    ].map(pythonFloat);
    expect(texts).toEqual([
      '8e-07',
      '1.28e-05',
      '0.0001',
      '3.3333333333333335e-05',
      '5.0',
      '1e+16',
      '1.2345678901234568e+17',
      '0.1',
      '-2.5e-09',
      '1e+22',
      '1000000000000000.0',
    ]);
    expect([Number.NaN, Infinity, -Infinity, 0, -0].map(pythonFloat)).toEqual([
      'nan',
      'inf',
      '-inf',
      '0.0',
      '-0.0',
    ]);
  });

  test('every finite double comes back', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
        expect(Number(pythonFloat(value))).toBe(value);
      }),
    );
  });
});

describe('normalisation', () => {
  test('is told by the scale; the configuration decides between equals', () => {
    for (const kind of ['per_token', 'per_sequence', 'none'] as const)
      expect(normalizationOfScale(scaleOf(kind, 8, 100), 8, 100, undefined)).toBe(kind);
    expect(normalizationOfScale(0.3, 8, 100, 'per_token')).toBeUndefined();
    expect(normalizationOfScale(undefined, 8, 100, 'per_token')).toBeUndefined();
    expect(normalizationOfScale(1, 1, 100, 'none')).toBe('none');
    expect(normalizationOfScale(1, 1, 100, undefined)).toBe('per_sequence');
  });
});

describe('checks', () => {
  const collect = (lenient = false) => {
    const issues: Issue[] = [];
    return { issues, log: issueLog({ issue: (issue) => void issues.push(issue) }, { lenient }) };
  };
  const identity = { code: 'X', identity: 'a == b', pointer: '/a' };

  test('tolerances are absolute, or parts of the larger side', () => {
    const { issues, log } = collect();
    const checks = new Checks(log, 'f', 'run');
    expect(checks.equal(identity, 1, 1 + 1e-13, { absolute: 1e-12 })).toBe(true);
    expect(checks.equal(identity, 1e9, 1e9 + 1, { relative: 1e-8 })).toBe(true);
    expect(checks.equal(identity, 1e-20, 2e-20, { relative: 1e-3 })).toBe(false);
    expect(checks.equal(identity, 0, 0, { relative: 0 })).toBe(true);
    expect(checks.equal(identity, Number.NaN, Number.NaN)).toBe(true);
    expect(checks.equal(identity, Number.NaN, 1)).toBe(false);
    expect(checks.failed).toBe(true);
    expect(issues.map(({ code, pointer }) => [code, pointer])).toEqual([
      ['X', '/a'],
      ['X', '/a'],
    ]);
    expect(JSON.parse(checks.text)[5]).toMatchObject({ found: null, holds: false });
  });

  test('of many pairs the first that differs is named and the worst is kept', () => {
    const { issues, log } = collect(true);
    const checks = new Checks(log, 'f', 'record');
    const values = [0, 1.5, 2, 9];
    checks.eachEqual(
      { ...identity, member: '/m' },
      4,
      (i) => values[i]!,
      (i) => i,
    );
    expect(issues).toEqual([
      {
        severity: 'warning',
        code: 'X',
        file: 'f',
        pointer: '/a/1/m',
        message: 'a == b does not hold: found 1.5, expected 1 at 1, and for 1 more',
      },
    ]);
    expect(checks.list).toMatchObject([{ found: 9, expected: 3, difference: 6 }]);
  });

  test('claims decide nothing', () => {
    const { issues, log } = collect();
    const checks = new Checks(log, 'f', 'run');
    checks.claim('a == b', 1, 2, { relative: 1e-6 });
    expect([checks.failed, issues, checks.list[0]?.holds, checks.list[0]?.asserted]).toEqual([
      false,
      [],
      false,
      false,
    ]);
  });
});

describe('members', () => {
  test('paths are taken out, and with them the objects that become empty', () => {
    const document = { a: { b: { c: 1 }, d: 2 }, e: {}, f: 3 };
    expect(without(document, [['a', 'b', 'c'], ['f']])).toEqual({ a: { d: 2 }, e: {} });
    expect(
      without(document, [
        ['a', 'b', 'c', 'x'],
        ['a', 'none'],
      ]),
    ).toEqual(document);
    expect(memberAt(document, ['a', 'b', 'c'])).toBe(1);
    expect(memberAt(document, ['a', 'toString'])).toBeUndefined();
  });
});

describe('predictions', () => {
  test('linear and quadratic', () => {
    const { linear, quad, linquad } = predict({ linear: 3, quadratic: 4 }, 0.5);
    expect([linear, quad, linquad]).toEqual([1.5, 0.5, 2]);
    expect(predict({ linear: 3 }, 0.5)).toEqual({ linear: 1.5, quad: undefined, linquad: undefined });
    expect(etaStar({ gdotv: -3, vHvv: 4, eta_star: 0 })).toBe(1.5);
    expect(etaStar({ gdotv: -3, vHvv: 0, eta_star: 0 })).toBe(Infinity);
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { anyCharacter } from '../../../test/support/any-character.ts';
import { pythonHas, pythonJson as run } from '../../../test/support/python.ts';
import { populationDeviation } from '../fv/scores/moments.ts';
import { float, type PythonValue, pythonJson, pythonRepr } from './json.ts';

describe('pythonJson', () => {
  it('writes what json.dumps writes', () => {
    const value: PythonValue = {
      a: [1, float(1), 0.1, -0, 1e-7, 2n ** 64n, float(1e16)],
      'Ġhot "x"': ['é😀\u007f\u2028', null, true, {}, []],
      odd: [Number.NaN, Number.NEGATIVE_INFINITY],
    };
    expect(pythonJson(value)).toBe(
      '{"a": [1, 1.0, 0.1, -0.0, 1e-07, 18446744073709551616, 1e+16], ' +
        '"\\u0120hot \\"x\\"": ["\\u00e9\\ud83d\\ude00\u007f\\u2028", null, true, {}, []], ' +
        '"odd": [NaN, -Infinity]}',
    );
    expect(pythonJson({ a: [1, { b: float(2) }], c: [] }, 2)).toBe(
      '{\n  "a": [\n    1,\n    {\n      "b": 2.0\n    }\n  ],\n  "c": []\n}',
    );
  });

  it.skipIf(!pythonHas('json'))('agrees with Python on texts, floats and deviations', () => {
    const texts = fc.sample(fc.string({ unit: anyCharacter }), { numRuns: 200, seed: 1 });
    // Which characters are printable depends on the version of Unicode; in these scripts all agree.
    const european = fc.integer({ min: 0, max: 0x52f }).map((code) => String.fromCharCode(code));
    const shown = fc.sample(fc.string({ unit: european }), { numRuns: 200, seed: 4 });
    const numbers = fc.sample(fc.double({ noDefaultInfinity: true, noNaN: true }), { numRuns: 200, seed: 2 });
    const groups = fc.sample(
      fc.array(fc.double({ min: -1e3, max: 1e3, noNaN: true }), { minLength: 1, maxLength: 30 }),
      { numRuns: 100, seed: 3 },
    );
    const same = [
      [0.1, 0.1, 0.1],
      [1e-300, 2e-300],
      [1e-160, 3e-160, 5e-160],
      [1, 1 + 2 ** -52],
    ];
    const source = `
import json, statistics, sys
texts, shown, numbers, groups = json.loads(sys.argv[1])
print(json.dumps([
    [json.dumps(t) for t in texts],
    [repr(t) for t in shown],
    [json.dumps(float(n)) for n in numbers],
    [repr(statistics.pstdev([float(v) for v in g])) for g in groups],
]))`;
    const all = [...groups, ...same];
    expect([
      texts.map((text) => pythonJson(text)),
      shown.map(pythonRepr),
      numbers.map((number) => pythonJson(float(number))),
      all.map((group) => pythonJson(float(populationDeviation(group)))),
    ]).toEqual(
      run(source, [pythonJson([texts, shown, numbers.map(float), all.map((group) => group.map(float))])]),
    );
  });

  it.each([
    ["it's", '"it\'s"'],
    ['"it\'s"', "'\"it\\'s\"'"],
    ['a\n\u00a0\\', "'a\\n\\xa0\\\\'"],
  ])('repr of %j is %s', (text, repr) => {
    expect(pythonRepr(text)).toBe(repr);
  });
});

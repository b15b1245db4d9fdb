import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { FormatError } from '../errors.ts';
import { stringifyJson } from '../json/stringify.ts';
import { parseYaml } from './yaml.ts';

const subcode = (text: string, maxLength?: number): string | undefined => {
  try {
    parseYaml(text, maxLength === undefined ? {} : { maxLength });
    return undefined;
  } catch (error) {
    if (error instanceof FormatError) return error.subcode;
    throw error;
  }
};

describe('YAML', () => {
  test('numbers as their authors mean them', () => {
    expect(
      parseYaml('[4e-6, 1.28e-5, 4e-07, -3, 0x1f, .inf, 12345678901234567890, yes, 2025-09-15]'),
    ).toEqual([4e-6, 1.28e-5, 4e-7, -3, 31, Infinity, 12345678901234567890n, 'yes', '2025-09-15']);
  });

  test('whatever plain data is written comes back', () => {
    const leaf = fc.oneof(
      fc.string(),
      // -0 is written as the integer -0, which is 0.
      fc.double({ noNaN: true }).map((x) => (x === 0 ? 0 : x)),
      fc.maxSafeInteger(),
      fc.boolean(),
      fc.constant(null),
    );
    const tree = fc.letrec((tie) => ({
      node: fc.oneof({ maxDepth: 3 }, leaf, fc.array(tie('node')), fc.dictionary(fc.string(), tie('node'))),
    })).node;
    fc.assert(
      fc.property(tree, (value) => {
        const text = stringify(value, { lineWidth: 0 });
        const json = (v: unknown) => JSON.parse(JSON.stringify(v));
        expect(json(JSON.parse(stringifyJson(parseYaml(text))))).toEqual(
          JSON.parse(stringifyJson(value as Parameters<typeof stringifyJson>[0])),
        );
      }),
      { numRuns: 50 },
    );
  });

  test('tags construct nothing, `__proto__` is a key', () => {
    expect(parseYaml('a: !!python/object/apply:os.system ["x"]')).toEqual({ a: ['x'] });
    const parsed = parseYaml('__proto__: {polluted: 1}');
    expect(stringifyJson(parsed)).toBe('{"__proto__":{"polluted":1}}');
    expect(Object.hasOwn(Object.prototype, 'polluted')).toBe(false);
  });

  test('what is no YAML, or too much of it', () => {
    expect(subcode('a: b: c')).toBe('BAD_YAML');
    expect(subcode('a: 1\na: 2')).toBe('BAD_YAML');
    expect(subcode('a: *nowhere')).toBe('BAD_YAML');
    expect(subcode('--- 1\n--- 2')).toBe('BAD_YAML');
    expect(subcode('? [a, b]\n: 1')).toBe('BAD_YAML');
    expect(subcode('['.repeat(5_000))).toBe('BAD_YAML');
    expect(subcode('a: 1', 3)).toBe('LIMIT');
    const bomb = ['a0: &a0 [x, x, x, x, x, x, x, x]'];
    for (let i = 1; i < 10; i++) bomb.push(`a${i}: &a${i} [${`*a${i - 1}, `.repeat(8)}]`);
    expect(subcode(bomb.join('\n'))).toBe('BAD_YAML');
  });

  test('an error names its line', () => {
    expect(() => parseYaml('a: 1\nb: c: d', { file: 'config.yaml' })).toThrow(/^config\.yaml: .*line 2/);
  });
});

import { describe, expect, test } from 'vitest';
import { extraJson, jsonText, parseJson } from './json-text.ts';

describe('JSON', () => {
  test('what JSON.parse would lose takes the exact way', () => {
    expect(parseJson('{"a": 12345678901234567890}')).toEqual({ a: 12345678901234567890n });
    expect(parseJson('[NaN, -Infinity, 1e999]')).toEqual([Number.NaN, -Infinity, Infinity]);
    expect(jsonText(parseJson('{"a": 9007199254740993, "b": NaN}'))).toBe('{"a":9007199254740993,"b":"NaN"}');
    expect(() => parseJson('{"a": 1')).toThrow();
    expect(() => parseJson('['.repeat(100_000))).toThrow();
    expect(() => parseJson(`${'['.repeat(5000)}${']'.repeat(5000)}`)).toThrow(/200|deep|nest/i);
  });

  test('members without a column are kept', () => {
    const known = new Set(['a']);
    expect(extraJson({ a: 1 }, known)).toBeNull();
    expect(extraJson({ a: 1, b: [2], ['__proto__']: 3 }, known)).toBe('{"b":[2],"__proto__":3}');
  });
});

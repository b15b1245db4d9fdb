import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseJson, parsePlain } from './parse.ts';
import { parseExact } from './parse-exact.ts';
import { stringifyJson } from './stringify.ts';
import { JsonError, type JsonValue, pointer } from './value.ts';

function errorOf(input: string | Uint8Array, options = {}): JsonError {
  try {
    parseJson(input, options);
  } catch (error) {
    if (error instanceof JsonError) return error;
    throw error;
  }
  throw new Error('it parsed');
}

const codes = (text: string) => parseJson(text).notes.map(({ code, pointer }) => [code, pointer]);

/** Values that `stringifyJson` keeps exactly. */
const { tree: jsonTree } = fc.letrec<{ tree: JsonValue }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 4 },
    fc.constant(null),
    fc.boolean(),
    fc.string({ unit: 'grapheme' }),
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((x) => (Object.is(x, -0) ? 0 : x)),
    fc.bigInt({ min: 2n ** 53n, max: 2n ** 200n }).map((x) => (x % 2n === 0n ? x : -x)),
    fc.array(tie('tree'), { maxLength: 5 }),
    fc.dictionary(fc.string(), tie('tree'), { maxKeys: 5, noNullPrototype: true }),
  ),
}));

/** What `JSON.parse` makes of the same numbers. */
function withoutBigInts(value: JsonValue): JsonValue {
  if (typeof value === 'bigint') return Number(value);
  if (value === null || typeof value !== 'object') return value;
  if (Array.isArray(value)) return value.map(withoutBigInts);
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, withoutBigInts(item)]));
}

describe('parseJson', () => {
  it('takes the constants of Python and notes where they are', () => {
    const { value, notes } = parseJson('{"a": [1, NaN],\n "b": -Infinity, "c": Infinity}');
    expect(value).toEqual({ a: [1, Number.NaN], b: Number.NEGATIVE_INFINITY, c: Number.POSITIVE_INFINITY });
    expect(notes).toMatchObject([
      { code: 'NON_FINITE', line: 1, column: 11, pointer: '/a/1' },
      { code: 'NON_FINITE', line: 2, column: 7, pointer: '/b' },
      { code: 'NON_FINITE', line: 2, column: 23, pointer: '/c' },
    ]);
    expect(codes('"NaN and Infinity"')).toEqual([]);
    expect(parseJson('[1e999]')).toMatchObject({
      value: [Number.POSITIVE_INFINITY],
      notes: [{ pointer: '/0' }],
    });
  });

  it('keeps integers past 2^53 and leaves floats alone', () => {
    expect(parseJson('[9007199254740991, 9007199254740992, -12345678901234567890123]').value).toEqual([
      9007199254740991,
      9007199254740992n,
      -12345678901234567890123n,
    ]);
    expect(parseJson('9007199254740993').value).toBe(9007199254740993n);
    expect(parseJson('[0.12345678901234567890, 12345678901234567890.0, 1e22]').value).toEqual([
      0.12345678901234568, 12345678901234567000, 1e22,
    ]);
    expect(errorOf('1'.repeat(5000)).subcode).toBe('LIMIT');
  });

  it('lets the last of repeated keys win and names it', () => {
    expect(parseJson('{"a": {"k/~": 1, "b": 2, "k/~": 3}}')).toMatchObject({
      value: { a: { 'k/~': 3, b: 2 } },
      notes: [{ code: 'DUPLICATE_KEY', line: 1, column: 26, pointer: '/a/k~1~0' }],
    });
    expect(codes('{"a"\n:1,"a"\t:2}')).toEqual([['DUPLICATE_KEY', '/a']]);
    expect(codes('{"\\u0061":1,"a":2}')).toEqual([['DUPLICATE_KEY', '/a']]);
    expect(codes('{"a":"\\":","b":"x\\\\","c":1,"b":2}')).toEqual([['DUPLICATE_KEY', '/b']]);
    expect(codes('{"a":"\\":","b":"x\\\\","c":1}')).toEqual([]);
    expect(codes('{"__proto__":1,"__proto__":2}')).toEqual([['DUPLICATE_KEY', '/__proto__']]);
  });

  it('keeps __proto__ as data', () => {
    for (const text of ['{"__proto__":{"x":1}}', '{"__proto__":{"x":NaN}}']) {
      const { value } = parseJson(text);
      expect(Object.hasOwn(value as object, '__proto__')).toBe(true);
      expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
    }
  });

  it('accepts lone surrogates and a byte order mark with a note, pairs without', () => {
    expect(parseJson('["\\ud83d\\ude00", "\\ud83d"]')).toMatchObject({
      value: ['😀', '\ud83d'],
      notes: [{ code: 'LONE_SURROGATE', column: 18, pointer: '/1' }],
    });
    expect(parseJson(Buffer.from('\ufeff{"a":1}'))).toMatchObject({
      value: { a: 1 },
      notes: [{ code: 'BYTE_ORDER_MARK' }],
    });
  });

  it('says where a text stops being JSON', () => {
    expect(errorOf('{"a": [1,\n 2, x]}', { file: 'f.json' })).toMatchObject({
      subcode: 'BAD_JSON',
      line: 2,
      column: 5,
      where: { file: 'f.json', line: 2, pointer: '/a/2' },
    });
    expect(errorOf('{"a": 1')).toMatchObject({ line: 1, column: 8 });
    expect(errorOf('')).toMatchObject({ line: 1, column: 1 });
    for (const bad of [
      '{"a":1,}',
      '[1,]',
      '01',
      '+1',
      '1.',
      '.5',
      "'a'",
      '"\t"',
      '"\\x"',
      '"\\u12g4"',
      'nan',
      '[1] 2',
      '{a:1}',
      '-',
      '--Infinity',
    ]) {
      expect(errorOf(bad).subcode, bad).toBe('BAD_JSON');
    }
  });

  it('names the first byte that is not UTF-8', () => {
    const bytes = Buffer.from([...Buffer.from('{"a":\n"größe'), 0xff, ...Buffer.from('"}')]);
    expect(errorOf(bytes)).toMatchObject({ subcode: 'NON_UTF8', byteOffset: 14, line: 2, column: 7 });
    expect(parseJson(bytes, { invalidUtf8: 'replace' })).toMatchObject({
      value: { a: 'größe\ufffd' },
      notes: [{ code: 'NON_UTF8', line: 2 }],
    });
  });

  it('bounds depth and size', () => {
    const nested = (n: number) => '['.repeat(n) + ']'.repeat(n);
    expect(parseJson(nested(200)).notes).toEqual([]);
    expect(errorOf(nested(201)).subcode).toBe('LIMIT');
    expect(errorOf('['.repeat(1_000_000)).subcode).toBe('LIMIT');
    expect(errorOf(nested(5), { maxDepth: 4 })).toMatchObject({ subcode: 'LIMIT', column: 5 });
    expect(errorOf('"too long"', { maxBytes: 5 }).subcode).toBe('LIMIT');
  });

  it('gives the same value on both paths', () => {
    fc.assert(
      fc.property(
        fc.jsonValue({ noUnicodeString: false }),
        fc.constantFrom(undefined, 1),
        (value, indent) => {
          const text = JSON.stringify(value, null, indent);
          expect(withoutBigInts(parseExact(text, {}).value)).toEqual(JSON.parse(text));
          const plain = parsePlain(text, 200);
          if (plain !== undefined) expect(plain).toEqual(JSON.parse(text));
        },
      ),
    );
  });

  it('sees every repeated key whatever the strings hold', () => {
    const key = fc.constantFrom('a', 'b', ':', '":', '\\', '\\":', ' "');
    const member = fc.tuple(key, fc.constantFrom('x', '":', '\\', '"', ' : "'));
    fc.assert(
      fc.property(fc.array(member, { maxLength: 5 }), fc.constantFrom('', ' ', '\n'), (members, space) => {
        const body = members.map(([k, v]) => `${JSON.stringify(k)}${space}:${space}${JSON.stringify(v)}`);
        const { notes, value } = parseJson(`{${body.join(',')}}`);
        expect(notes.length).toBe(members.length - new Set(members.map(([k]) => k)).size);
        expect(value).toEqual(Object.fromEntries(members));
      }),
    );
  });
});

describe('stringifyJson', () => {
  it('is undone by parseJson', () => {
    fc.assert(
      fc.property(jsonTree, (value) => {
        const { value: back, notes } = parseJson(stringifyJson(value));
        expect(back).toEqual(value);
        expect(notes).toEqual([]);
      }),
      { numRuns: 500 },
    );
  });

  it('writes what every JSON reader reads', () => {
    const value = {
      n: [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
      'k\ud800': 'a\udc00b',
      i: 2n ** 70n,
    };
    const text = stringifyJson(value);
    expect(text).toBe('{"n":["NaN","Infinity","-Infinity"],"k\ufffd":"a\ufffdb","i":1180591620717411303424}');
    expect(JSON.parse(text)).toBeTypeOf('object');
    expect(stringifyJson([2 ** 60, -0, 0.1, 9007199254740991])).toBe(
      '[1.152921504606847e+18,-0.0,0.1,9007199254740991]',
    );
  });
});

it('escapes pointers as RFC 6901 has it', () => {
  expect(pointer([])).toBe('');
  expect(pointer(['a/b', 0, 'm~n', ''])).toBe('/a~1b/0/m~0n/');
});

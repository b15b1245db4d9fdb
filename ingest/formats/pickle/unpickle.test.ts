import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { fuzz } from '../../../test/support/mutate.ts';
import { pythonBytes, pythonHas, pythonLines } from '../../../test/support/python.ts';
import { FormatError } from '../errors.ts';
import { Tensor } from '../tensor/tensor.ts';
import { PickleForbiddenError } from './errors.ts';
import { toPlain } from './plain.ts';
import { unpickle, unpickleAt } from './unpickle.ts';
import { Complex, isList, ObjectArray, type PickleValue, Tuple } from './values.ts';

/** Bytes of a pickle made by a Python expression or assembled from opcodes. */
const fromPython = (code: string) =>
  new Uint8Array(pythonBytes(['-c', `import pickle, sys\n${code}\nsys.stdout.buffer.write(data)`]));
const raw = (text: string) => new Uint8Array(Buffer.from(text, 'latin1'));

/** The form in which testing.py writes values down. */
function tag(v: PickleValue): unknown {
  const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
  if (v === null) return ['none'];
  if (typeof v === 'boolean') return ['bool', v];
  if (typeof v === 'bigint') return ['big', String(v)];
  if (typeof v === 'number') {
    const buffer = Buffer.alloc(8);
    buffer.writeDoubleBE(v);
    return ['num', Number.isNaN(v) ? 'nan' : buffer.toString('hex')];
  }
  if (typeof v === 'string') return ['str', Buffer.from(v, 'utf16le').toString('hex')];
  if (v instanceof Uint8Array) return ['bytes', hex(v)];
  if (v instanceof Complex) return ['complex', tag(v.re), tag(v.im)];
  if (v instanceof Tuple) return ['tuple', v.items.map(tag)];
  if (v instanceof ObjectArray) return ['objects', v.shape, v.items.map(tag)];
  if (v instanceof Tensor) return ['array', v.dtype, v.shape, hex(v.toBytes())];
  if (isList(v)) return ['list', v.map(tag)];
  if (v instanceof Map) return ['dict', [...v].map(([key, value]) => [tag(key), tag(value)])];
  if (v instanceof Set) {
    const items = [...v].map((item) => JSON.stringify(tag(item)).replaceAll('","', '", "'));
    return ['set', items.sort().map((item) => JSON.parse(item))];
  }
  throw new Error('a value of another kind');
}

const cases = pythonLines(['numpy'], [fileURLToPath(new URL('./testing.py', import.meta.url))])
  .map((line): { pickle: string; value: unknown; protocol: number } => JSON.parse(line))
  .map((c) => ({ ...c, bytes: new Uint8Array(Buffer.from(c.pickle, 'base64')) }));

describe.skipIf(!pythonHas('numpy'))('unpickle', () => {
  it.each([0, 1, 2, 3, 4, 5])('reads what Python writes with protocol %i', (protocol) => {
    const chosen = cases.filter((c) => c.protocol === protocol);
    expect(chosen.length).toBeGreaterThan(300);
    for (const { bytes, value } of chosen) expect(tag(unpickle(bytes))).toEqual(value);
  });

  it('survives 10,000 damaged pickles', async () => {
    const failure = await fuzz({
      seeds: cases.map((c) => c.bytes),
      count: 10_000,
      seed: 1,
      attempt: (input) => unpickle(input),
      isExpected: (error) => error instanceof FormatError,
    });
    expect(failure).toBeUndefined();
  });

  it('names the first thing that is not allowed and calls nothing', () => {
    const attacks = [
      ['import os; data = pickle.dumps(os.system)', /(posix|nt)\.system/],
      [
        'class E:\n  def __reduce__(s): return (eval, ("1/0",))\ndata = pickle.dumps(E(), 2)',
        /__builtin__\.eval/,
      ],
      ['import functools; data = pickle.dumps(functools.partial(print))', /functools\.partial/],
      ['import pathlib; data = pickle.dumps({"a": [pathlib.PurePosixPath("/")]})', /pathlib\./],
      ['data = b"(S\'id\'\\nios\\nsystem\\n."', /os\.system/],
      ['import datetime; data = pickle.dumps(datetime.date(2020, 1, 1))', /datetime\.date/],
    ] as const;
    for (const [code, name] of attacks) {
      const error = catching(() => unpickle(fromPython(code)));
      expect(error).toBeInstanceOf(PickleForbiddenError);
      expect((error as PickleForbiddenError).global).toMatch(name);
      expect((error as PickleForbiddenError).byteOffset).toBeGreaterThanOrEqual(0);
    }
    // Out-of-band buffers, persistent ids, the extension registry, keywords, calls of plain values.
    for (const text of [
      '\x80\x05\x97.',
      '\x80\x02K\x01Q.',
      '\x82\x01.',
      'ccollections\nOrderedDict\n)}K\x01K\x01s\x92.',
    ]) {
      expect(() => unpickle(raw(text))).toThrow(PickleForbiddenError);
    }
    expect(() => unpickle(raw('K\x01)R.'))).toThrow(PickleForbiddenError);
    // `constructor` and the like are no names of the table.
    expect(() => unpickle(raw('cbuiltins\nconstructor\n.'))).toThrow(PickleForbiddenError);
  });

  it('refuses bombs without allocating for them', () => {
    // l = [l', l'] doubled 60 times; a walk over it would never end.
    const doubling = `\x80\x02]q\x00${Array.from({ length: 60 }, (_, i) => `](h${chr(i)}h${chr(i)}eq${chr(i + 1)}`).join('')}.`;
    // 20,000 copies of 1 MB of text as bytes.
    const copies = `\x80\x02(c_codecs\nencode\nq\x00X\x00\x00\x10\x00${'a'.repeat(2 ** 20)}q\x01X\x06\x00\x00\x00latin1q\x02\x87q\x03${'h\x00(h\x01h\x02tR'.repeat(20_000)}l.`;
    const deep = `\x80\x02K\x01${'\x85'.repeat(100_000)}.`;
    const deepList = `\x80\x02${']'.repeat(5_000)}${'a'.repeat(4_999)}.`;
    const bombs: readonly [string, string][] = [
      [doubling, 'LIMIT'],
      [copies, 'LIMIT'],
      [deep, 'LIMIT'],
      [deepList, 'LIMIT'],
      ['\x80\x02\x8b\xff\xff\xff\x7f.', 'LIMIT'],
      ['\x80\x02\x8b\xff\xff\xff\xff.', 'PICKLE_CORRUPT'],
      ['\x80\x02X\xff\xff\xff\xff.', 'TRUNCATED'],
      ['\x80\x04\x8e\xff\xff\xff\xff\xff\xff\x0f\x00.', 'TRUNCATED'],
      ['\x80\x04\x8d\xff\xff\xff\xff\xff\xff\xff\xff.', 'PICKLE_CORRUPT'],
      ['\x80\x04\x95\xff\xff\xff\xff\x00\x00\x00\x00.', 'PICKLE_CORRUPT'],
      [`L${'9'.repeat(5_000)}L\n.`, 'LIMIT'],
      [']q\x00h\x00a.', 'PICKLE_CORRUPT'],
      ['}q\x00K\x01h\x00s.', 'PICKLE_CORRUPT'],
      [']]K\x01s.', 'PICKLE_CORRUPT'],
      ['}]K\x01s.', 'PICKLE_CORRUPT'],
      ['h\x07.', 'PICKLE_CORRUPT'],
      ['K\x01', 'TRUNCATED'],
      ['.', 'PICKLE_CORRUPT'],
      ['(K\x010.', 'PICKLE_CORRUPT'],
      ['K\x01.rest', 'PICKLE_CORRUPT'],
      ['X\x02\x00\x00\x00\xc3\x28.', 'NON_UTF8'],
    ];
    const before = process.memoryUsage();
    for (const [text, subcode] of bombs) {
      const error = catching(() => unpickle(raw(text)));
      expect(error).toBeInstanceOf(FormatError);
      expect([text.slice(0, 40), (error as FormatError).subcode]).toEqual([text.slice(0, 40), subcode]);
    }
    // Many small values: a byte of input may be hundreds of bytes of memory.
    for (const many of ['}', 'C\x00', ']\x94', '\x8f', 'G????????', 'U\x01a']) {
      const input = raw(many.repeat(1_500_000));
      expect(() => unpickle(input, { allowance: 2 ** 24 })).toThrow(
        expect.objectContaining({ subcode: 'LIMIT' }),
      );
    }
    const after = process.memoryUsage();
    expect(after.rss + after.external - before.rss - before.external).toBeLessThan(400e6);
  });

  it('gives bytes and arrays as views of the input', () => {
    const bytes = fromPython(
      'import numpy as np\ndata = pickle.dumps([b"x" * 5000, np.arange(4000, dtype="<f4")], 4)',
    );
    const value = unpickle(bytes);
    expect(isList(value)).toBe(true);
    const [blob, array] = value as readonly PickleValue[];
    expect((blob as Uint8Array).buffer).toBe(bytes.buffer);
    expect((array as Tensor).data.buffer).toBe(bytes.buffer);
    expect((array as Tensor).select(0, 3999).toNumbers()).toEqual([3999]);
  });

  it('reads pickles that follow one another', () => {
    const bytes = raw('K\x01.K\x02.');
    const first = unpickleAt(bytes, 0);
    expect(first).toEqual({ value: 1, end: 3 });
    expect(unpickleAt(bytes, first.end)).toEqual({ value: 2, end: 6 });
  });

  it('gives persistent ids to the handler', () => {
    const seen: [PickleValue, number][] = [];
    const options = {
      persistentLoad: (id: PickleValue, at: number) => {
        seen.push([id, at]);
        return 'resolved';
      },
    };
    expect(unpickle(raw('\x80\x02(X\x01\x00\x00\x00aK\x05tQ.'), options)).toBe('resolved');
    expect(unpickle(raw('Pname\n.'), options)).toBe('resolved');
    expect(seen).toEqual([
      [new Tuple(['a', 5]), 12],
      ['name', 0],
    ]);
  });

  it('refuses numpy types and sizes that do not fit', () => {
    const codes = [
      'data = pickle.dumps(np.zeros(3, "complex64"))',
      'data = pickle.dumps(np.zeros(3, "datetime64[s]"))',
      'data = pickle.dumps(np.zeros(3, [("a", "i4")]))',
      'data = pickle.dumps(np.zeros(3, "f4"), 2).replace(b"K\\x03\\x85", b"K\\x04\\x85")',
      'data = pickle.dumps(np.dtype("f4"), 2).replace(b"b.", b"0.")',
    ];
    // A billion strings of no characters have no bytes.
    const dtype =
      'cnumpy\ndtype\n(X\x02\x00\x00\x00U0K\x00K\x01tR(K\x03X\x01\x00\x00\x00<NNNK\x00K\x00K\x00tb';
    const empty = `\x80\x02cnumpy.core.multiarray\n_reconstruct\n)R(K\x01J\x00\xca\x9a\x3b\x85${dtype}\x89C\x00tb.`;
    expect(catching(() => unpickle(raw(empty)))).toMatchObject({ subcode: 'LIMIT' });
    for (const code of codes) {
      expect([code, catching(() => unpickle(fromPython(`import numpy as np\n${code}`)))]).toEqual([
        code,
        expect.any(FormatError),
      ]);
    }
  });
});

describe.skipIf(!pythonHas())('toPlain', () => {
  it('turns containers into plain objects and keeps leaves', () => {
    const value = unpickle(
      fromPython('data = pickle.dumps({"a": (1, [2.5, None]), 3: {b"x"}, "__proto__": {"b": 2**60}})'),
    );
    const plain = toPlain(value) as Record<string, unknown>;
    expect(Object.getPrototypeOf(plain)).toBe(Object.prototype);
    expect(Object.entries(plain)).toEqual([
      ['3', [Uint8Array.of(120)]],
      ['a', [1, [2.5, null]]],
      ['__proto__', { b: 2n ** 60n }],
    ]);
  });

  it('refuses keys that would be lost', () => {
    for (const code of ['{1: 2, "1": 3}', '{(1, 2): 3}']) {
      expect(() => toPlain(unpickle(fromPython(`data = pickle.dumps(${code})`)))).toThrow(FormatError);
    }
  });
});

const chr = (code: number) => String.fromCharCode(code);

function catching(run: () => unknown): unknown {
  try {
    return run();
  } catch (error) {
    return error;
  }
}

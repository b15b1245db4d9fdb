import { FormatError } from '../errors.ts';

/** A value of the Python literals that numpy writes into headers. */
export type Literal =
  | string
  | number
  | boolean
  | null
  | LiteralTuple
  | Literal[]
  | ReadonlyMap<string, Literal>;

export interface LiteralTuple {
  readonly tuple: readonly Literal[];
}

const maxDepth = 16;

/**
 * Parses one Python literal: str, int, bool, None, tuple, list, dict with str keys. Nothing is evaluated; what is
 * not one of these is an error.
 * @throws FormatError `NPY_CORRUPT`
 */
export function parseLiteral(text: string): Literal {
  let at = 0;

  const fail = (what: string): never => {
    throw new FormatError('NPY_CORRUPT', `the array header is damaged: ${what} at character ${at}`, {
      expected: "a Python dict such as {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }",
    });
  };
  const skip = () => {
    while (at < text.length && ' \t\r\n'.includes(text[at]!)) at++;
  };
  const match = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at;
    const found = pattern.exec(text)?.[0];
    if (found !== undefined) at += found.length;
    return found;
  };
  const expectChar = (char: string) => {
    skip();
    if (text[at] !== char) fail(`no ${char}`);
    at++;
  };

  function items<T>(close: string, item: () => T): { values: T[]; commas: number } {
    const values: T[] = [];
    let commas = 0;
    for (;;) {
      skip();
      if (text[at] === close) break;
      if (values.length > commas) fail('no comma');
      values.push(item());
      skip();
      if (text[at] !== ',') continue;
      at++;
      commas++;
    }
    at++;
    return { values, commas };
  }

  function string(): string {
    const quoted = match(/'(?:[^'\\\n]|\\['"\\])*'|"(?:[^"\\\n]|\\['"\\])*"/y);
    if (quoted === undefined) return fail('a string that does not end');
    return quoted.slice(1, -1).replace(/\\(.)/g, '$1');
  }

  function value(depth: number): Literal {
    if (depth > maxDepth) fail('too deep nesting');
    skip();
    const char = text[at] ?? '';
    if (char === "'" || char === '"') return string();
    if (char === '(') {
      at++;
      const { values, commas } = items(')', () => value(depth + 1));
      // (3) is a number in parentheses, (3,) a tuple.
      return values.length === 1 && commas === 0 ? values[0]! : { tuple: values };
    }
    if (char === '[') {
      at++;
      return items(']', () => value(depth + 1)).values;
    }
    if (char === '{') {
      at++;
      return new Map(items('}', () => entry(depth + 1)).values);
    }
    const word = match(/-?\d+L?|[A-Za-z]+/y);
    if (word === 'True') return true;
    if (word === 'False') return false;
    if (word === 'None') return null;
    // Python 2 wrote long integers with an L.
    const number = word !== undefined && /^-?\d/.test(word) ? Number(word.replace(/L$/, '')) : Number.NaN;
    return Number.isSafeInteger(number) ? number : fail('no literal');
  }

  function entry(depth: number): [string, Literal] {
    skip();
    const key = text[at] === "'" || text[at] === '"' ? string() : fail('a key that is no string');
    expectChar(':');
    return [key, value(depth)];
  }

  const result = value(0);
  skip();
  if (at !== text.length) fail('more text');
  return result;
}

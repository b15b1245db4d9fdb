import { GraphQLError, GraphQLScalarType, Kind, type ValueNode } from 'graphql';

function invalid(scalar: string, value: unknown, expected: string): GraphQLError {
  return new GraphQLError(
    `${scalar} cannot be ${JSON.stringify(value) ?? typeof value}; expected ${expected}`,
    {
      extensions: { code: 'BAD_USER_INPUT', expected },
    },
  );
}

/** Values are converted when rows are shaped, so that serialising costs nothing. */
const asShaped = (value: unknown): unknown => value;

/** A scalar that clients send as text. */
function textScalar(
  name: string,
  description: string,
  expected: string,
  parse: (text: string) => string | undefined,
): GraphQLScalarType {
  const read = (value: unknown): string => {
    const text = typeof value === 'string' ? parse(value) : undefined;
    if (text === undefined) throw invalid(name, value, expected);
    return text;
  };
  return new GraphQLScalarType({
    name,
    description,
    serialize: asShaped,
    parseValue: read,
    parseLiteral: (node) => read('value' in node ? node.value : undefined),
  });
}

const ISO_TIMESTAMP =
  /^(\d{4}-\d{2}-\d{2})[Tt ](\d{2}:\d{2})(:\d{2}(?:\.\d{1,9})?)?\s*([Zz]|[+-]\d{2}(?::?\d{2})?)$/;
const ISO_DATE = /^\d{4}-\d{2}-\d{2}$/;

function isDay(text: string): boolean {
  const date = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(text);
}

export const DateTimeScalar = textScalar(
  'DateTime',
  'A moment as ISO 8601 text with a time zone, e.g. `2026-01-20T12:00:00Z`. Answers are in UTC, with microseconds where there are any.',
  'ISO 8601 with a time zone, e.g. 2026-01-20T12:00:00Z',
  (text) => {
    const match = ISO_TIMESTAMP.exec(text);
    if (match === null || !isDay(match[1] ?? '')) return undefined;
    const [, day, minutes, seconds = ':00', zone = 'Z'] = match;
    const offset = /^[+-]\d{2}$/.test(zone)
      ? `${zone}:00`
      : zone.replace(/^([+-]\d{2})(\d{2})$/, '$1:$2').toUpperCase();
    const iso = `${day}T${minutes}${seconds}${offset}`;
    return Number.isNaN(new Date(iso).getTime()) ? undefined : iso;
  },
);

export const DateScalar = textScalar('Date', 'A day as `YYYY-MM-DD`.', 'a day as YYYY-MM-DD', (text) =>
  ISO_DATE.test(text) && isDay(text) ? text : undefined,
);

function int64(value: unknown): bigint {
  const isInteger =
    (typeof value === 'number' && Number.isSafeInteger(value)) ||
    (typeof value === 'string' && /^-?\d{1,19}$/.test(value)) ||
    typeof value === 'bigint';
  if (isInteger) {
    const integer = BigInt(value);
    if (BigInt.asIntN(64, integer) === integer) return integer;
  }
  throw invalid('BigInt', value, 'an integer of 64 bits; as text when beyond 2^53');
}

export const BigIntScalar = new GraphQLScalarType({
  name: 'BigInt',
  description:
    'A 64-bit integer: a JSON number where that is exact (up to 2^53), else decimal text. Both forms are accepted.',
  serialize: asShaped,
  parseValue: int64,
  parseLiteral: (node) => int64(node.kind === Kind.INT || node.kind === Kind.STRING ? node.value : undefined),
});

function literal(node: ValueNode, variables: Readonly<Record<string, unknown>> | null | undefined): unknown {
  switch (node.kind) {
    case Kind.INT:
    case Kind.FLOAT:
      return Number(node.value);
    case Kind.STRING:
    case Kind.ENUM:
    case Kind.BOOLEAN:
      return node.value;
    case Kind.NULL:
      return null;
    case Kind.LIST:
      return node.values.map((item) => literal(item, variables));
    case Kind.OBJECT:
      return Object.fromEntries(
        node.fields.map(({ name, value }) => [name.value, literal(value, variables)]),
      );
    case Kind.VARIABLE:
      return variables?.[node.name.value];
  }
}

export const JsonScalar = new GraphQLScalarType({
  name: 'JSON',
  description:
    'Any JSON value, as the artifact has it. Integers beyond 2^53, which JSON readers would round, come as decimal text.',
  serialize: asShaped,
  parseValue: asShaped,
  parseLiteral: literal,
});

export const VectorScalar = new GraphQLScalarType({
  name: 'Vector',
  description:
    'A vector of 32-bit floats: a list of numbers, or with `encoding: BASE64` the little-endian bytes as base64 text.',
  serialize: asShaped,
  parseValue: asShaped,
});

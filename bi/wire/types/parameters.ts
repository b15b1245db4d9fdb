import { type PgType, pgTypeOf } from '../../catalog/pg-types.ts';
import { decodeText, type FormatCode } from '../protocol/frontend.ts';
import { WireError } from '../protocol/sqlstate.ts';
import { arrayItems } from '../sql/array-literal.ts';
import { call, castNode, decimalType, listType, type Node, simpleType, textConstant } from '../sql/tree.ts';
import {
  dateText,
  intervalText,
  offsetText,
  PG_EPOCH_DAYS,
  PG_EPOCH_MICROS,
  timestampText,
  timeText,
} from './civil.ts';
import { float8Text, readNumeric } from './numbers.ts';

/** DuckDB's names of the types that parameters may have. */
const DUCKDB_TYPES: Readonly<Record<string, string>> = {
  bool: 'BOOLEAN',
  int2: 'SMALLINT',
  int4: 'INTEGER',
  int8: 'BIGINT',
  oid: 'UINTEGER',
  float4: 'FLOAT',
  float8: 'DOUBLE',
  text: 'VARCHAR',
  varchar: 'VARCHAR',
  bpchar: 'VARCHAR',
  name: 'VARCHAR',
  char: 'VARCHAR',
  json: 'VARCHAR',
  jsonb: 'VARCHAR',
  date: 'DATE',
  time: 'TIME',
  timetz: 'TIME WITH TIME ZONE',
  timestamp: 'TIMESTAMP',
  timestamptz: 'TIMESTAMP WITH TIME ZONE',
  interval: 'INTERVAL',
  uuid: 'UUID',
  bytea: 'BLOB',
};

/**
 * A bound parameter as a constant of the syntax tree.
 * @param oid its type as the client or the statement gives it; 0 leaves it to DuckDB, as a literal in quotes would
 * @throws WireError
 */
export function parameterNode(bytes: Buffer | null, format: FormatCode, oid: number): Node {
  const type = pgTypeOf(oid);
  if (bytes === null) return nullNode(type);
  if (type === undefined || oid === 705) {
    if (format === 1)
      throw new WireError('invalidBinary', `binary parameters of type ${oid} are not supported`);
    return textConstant(textParameter(bytes));
  }
  if (type.elementOid !== undefined) {
    const element = pgTypeOf(type.elementOid);
    if (element === undefined) throw unsupported(type);
    const items = format === 1 ? binaryArray(bytes, element) : textArray(bytes, type);
    return castNode(
      call(
        'list_value',
        items.map((item) => valueNode(item, element)),
      ),
      listType(elementType(element, items)),
    );
  }
  return valueNode(format === 1 ? binaryText(bytes, type) : textParameter(bytes), type);
}

function nullNode(type: PgType | undefined): Node {
  const element = type?.elementOid === undefined ? undefined : pgTypeOf(type.elementOid);
  if (element !== undefined) return castNode(textConstant(null), listType(elementType(element, [])));
  if (type?.name === 'numeric') return castNode(textConstant(null), numericType('0'));
  const name = type === undefined ? undefined : DUCKDB_TYPES[type.name];
  return name === undefined ? textConstant(null) : castNode(textConstant(null), simpleType(name));
}

function textParameter(bytes: Buffer): string {
  const text = decodeText(bytes);
  if (text.includes('\0'))
    throw new WireError('untranslatableText', 'invalid byte sequence for encoding "UTF8": 0x00');
  return text;
}

function textArray(bytes: Buffer, type: PgType): (string | null)[] {
  const items = arrayItems(textParameter(bytes));
  if (items === undefined) throw new WireError('invalidText', `malformed array literal for ${type.name}`);
  return items;
}

/** The value in PostgreSQL's text form as a constant of DuckDB. */
function valueNode(text: string | null, type: PgType): Node {
  if (type.name === 'numeric') {
    if (text === null) return nullNode(type);
    return castNode(textConstant(text), numericType(text));
  }
  const name = DUCKDB_TYPES[type.name];
  if (name === undefined) return textConstant(text);
  if (text === null || name === 'VARCHAR')
    return text === null ? castNode(textConstant(null), simpleType(name)) : textConstant(text);
  if (name === 'BLOB') return call('unhex', [textConstant(byteaHex(text))]);
  if (name === 'BOOLEAN') return castNode(textConstant(booleanText(text)), simpleType(name));
  return castNode(textConstant(text.trim()), simpleType(name));
}

function elementType(element: PgType, items: readonly (string | null)[]): Node {
  if (element.name === 'numeric') return numericType(items.find((item) => item !== null) ?? '0');
  return simpleType(DUCKDB_TYPES[element.name] ?? 'VARCHAR');
}

/** Wide enough for the digits that came; DuckDB has no numeric of any width. */
function numericType(text: string): Node {
  const match = /^\s*[-+]?0*(\d*)\.?(\d*)\s*$/.exec(text);
  const [, whole = '', fraction = ''] = match ?? [];
  const width = whole.length + fraction.length;
  return match === null || width > 38
    ? simpleType('DOUBLE')
    : decimalType(Math.max(width, 1), fraction.length);
}

function booleanText(text: string): string {
  const word = text.trim().toLowerCase();
  if (word === 'on' || (word !== '' && ('true'.startsWith(word) || 'yes'.startsWith(word))) || word === '1')
    return 'true';
  if (
    word === 'off' ||
    word === 'of' ||
    (word !== '' && ('false'.startsWith(word) || 'no'.startsWith(word))) ||
    word === '0'
  )
    return 'false';
  throw new WireError('invalidText', `invalid input syntax for type boolean: ${JSON.stringify(text)}`);
}

function byteaHex(text: string): string {
  if (text.startsWith('\\x')) {
    const hex = text.slice(2).replace(/\s/g, '');
    if (!/^([0-9a-fA-F]{2})*$/.test(hex))
      throw new WireError('invalidText', 'invalid hexadecimal data for bytea');
    return hex;
  }
  // The older "escape" format: octal escapes and doubled backslashes.
  const raw = text.replace(/\\(\\|[0-3][0-7]{2})/g, (_, code: string) =>
    code === '\\' ? '\\' : String.fromCharCode(Number.parseInt(code, 8)),
  );
  return Buffer.from(raw, 'latin1').toString('hex');
}

/** Readers of PostgreSQL's binary forms, as its text forms. The lengths are checked before. */
const BINARY: Readonly<Record<string, { readonly length?: number; read(bytes: Buffer): string }>> = {
  bool: { length: 1, read: (b) => (b.readUInt8() === 0 ? 'false' : 'true') },
  int2: { length: 2, read: (b) => String(b.readInt16BE()) },
  int4: { length: 4, read: (b) => String(b.readInt32BE()) },
  int8: { length: 8, read: (b) => String(b.readBigInt64BE()) },
  oid: { length: 4, read: (b) => String(b.readUInt32BE()) },
  float4: { length: 4, read: (b) => float8Text(b.readFloatBE()) },
  float8: { length: 8, read: (b) => float8Text(b.readDoubleBE()) },
  text: { read: textParameter },
  varchar: { read: textParameter },
  bpchar: { read: textParameter },
  name: { read: textParameter },
  json: { read: textParameter },
  // A version number comes first.
  jsonb: { read: (b) => textParameter(b.subarray(1)) },
  bytea: { read: (b) => `\\x${b.toString('hex')}` },
  date: { length: 4, read: (b) => dateOf(b.readInt32BE()) },
  time: { length: 8, read: (b) => timeText(b.readBigInt64BE()) },
  timetz: { length: 12, read: (b) => timeText(b.readBigInt64BE()) + offsetText(-b.readInt32BE(8)) },
  timestamp: { length: 8, read: (b) => timestampOf(b.readBigInt64BE(), '') },
  timestamptz: { length: 8, read: (b) => timestampOf(b.readBigInt64BE(), '+00') },
  interval: {
    length: 16,
    read: (b) => intervalText(b.readInt32BE(12), b.readInt32BE(8), b.readBigInt64BE()),
  },
  uuid: { length: 16, read: (b) => b.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-') },
  numeric: {
    read: (b) => {
      const text = readNumeric(b);
      if (text === undefined) throw new WireError('invalidBinary', 'invalid binary numeric');
      return text;
    },
  },
};

function dateOf(days: number): string {
  if (days === 0x7fff_ffff) return 'infinity';
  return days === -0x8000_0000 ? '-infinity' : era(dateText(days + PG_EPOCH_DAYS));
}

function timestampOf(micros: bigint, zone: string): string {
  if (micros === 0x7fff_ffff_ffff_ffffn) return 'infinity';
  return micros === -0x8000_0000_0000_0000n
    ? '-infinity'
    : era(timestampText(micros + PG_EPOCH_MICROS, zone));
}

/** DuckDB writes `(BC)`. */
function era(text: string): string {
  return text.replace(/ BC$/, ' (BC)');
}

function binaryText(bytes: Buffer, type: PgType): string {
  const reader = BINARY[type.name];
  if (reader === undefined) throw unsupported(type);
  if (reader.length !== undefined && bytes.length !== reader.length) {
    throw new WireError(
      'invalidBinary',
      `incorrect binary data format for ${type.name}: ${bytes.length} bytes`,
    );
  }
  return reader.read(bytes);
}

function binaryArray(bytes: Buffer, element: PgType): (string | null)[] {
  const invalid = () => new WireError('invalidBinary', 'invalid binary array');
  if (bytes.length < 12) throw invalid();
  const dimensions = bytes.readInt32BE(0);
  if (dimensions === 0) return [];
  if (dimensions !== 1 || bytes.length < 20) {
    throw new WireError(
      'featureNotSupported',
      'arrays of several dimensions are not supported as parameters',
    );
  }
  const count = bytes.readInt32BE(12);
  if (count < 0 || count * 4 > bytes.length) throw invalid();
  const items: (string | null)[] = [];
  let at = 20;
  for (let i = 0; i < count; i++) {
    if (at + 4 > bytes.length) throw invalid();
    const length = bytes.readInt32BE(at);
    at += 4;
    if (length === -1) {
      items.push(null);
      continue;
    }
    if (length < 0 || at + length > bytes.length) throw invalid();
    items.push(binaryText(bytes.subarray(at, at + length), element));
    at += length;
  }
  return items;
}

function unsupported(type: PgType): WireError {
  return new WireError(
    'featureNotSupported',
    `parameters of type ${type.name} are not supported in binary format`,
  );
}

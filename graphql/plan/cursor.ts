import { createHash } from 'node:crypto';
import { z } from 'zod';
import { isoMicros } from '../../lake/engine/iso-time.ts';
import type { EngineValue } from '../../lake/engine/types.ts';
import type { Column } from '../../lake/tables/schema.ts';
import { BadCursorError } from '../errors.ts';
import type { KeyPosition, OrderKey } from './ir.ts';

const keySchema = z.union([
  z.null(),
  z.string(),
  z.number(),
  z.boolean(),
  z.strictObject({ i: z.string().regex(/^-?\d{1,20}$/) }),
  z.strictObject({ f: z.enum(['NaN', 'Infinity', '-Infinity']) }),
]);
type Key = z.infer<typeof keySchema>;

const cursorSchema = z.strictObject({
  /** Token of the snapshot that the page was read from. */
  s: z.string(),
  /** Hash of field, filter and order. */
  h: z.string(),
  /** Values of the order keys of the row. */
  k: z.array(keySchema).max(64),
  /** How many rows with exactly these values precede it, itself included. */
  n: z.int().positive(),
});

/** A position in the order of one query over one snapshot, just after a row. */
export interface Cursor {
  readonly snapshot: string;
  readonly hash: string;
  readonly keys: readonly Key[];
  readonly ties: number;
}

/** A cursor as opaque text, safe in URLs. */
export function encodeCursor({ snapshot, hash, keys, ties }: Cursor): string {
  return Buffer.from(JSON.stringify({ s: snapshot, h: hash, k: keys, n: ties })).toString('base64url');
}

/** @throws BadCursorError when the text was not made by `encodeCursor` */
export function decodeCursor(text: string): Cursor {
  let parsed: unknown;
  try {
    parsed = JSON.parse(Buffer.from(text, 'base64url').toString('utf8'));
  } catch {
    throw new BadCursorError('`after` is not a cursor');
  }
  const result = cursorSchema.safeParse(parsed);
  if (!result.success) throw new BadCursorError('`after` is not a cursor');
  const { s, h, k, n } = result.data;
  return { snapshot: s, hash: h, keys: k, ties: n };
}

/** Identifies the query a cursor belongs to: everything that decides which rows come in which order. */
export function queryHash(field: string, args: Readonly<Record<string, unknown>>): string {
  const { first: _first, after: _after, asOf: _asOf, ...rest } = args;
  const text = JSON.stringify([field, rest], (_, value: unknown) => {
    if (typeof value === 'bigint') return { i: String(value) };
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
    return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
  return createHash('sha256').update(text).digest('base64url').slice(0, 16);
}

/** The order keys of a row as JSON that keeps their types. */
export function cursorKeys(values: readonly EngineValue[]): Key[] {
  return values.map((value): Key => {
    if (typeof value === 'bigint') return { i: String(value) };
    if (typeof value === 'number') {
      if (Number.isNaN(value)) return { f: 'NaN' };
      if (value === Infinity) return { f: 'Infinity' };
      return value === -Infinity ? { f: '-Infinity' } : value;
    }
    return typeof value === 'string' || typeof value === 'boolean' ? value : null;
  });
}

/** The position of a cursor in an order. @throws BadCursorError when it has other keys */
export function keyPositions(order: readonly OrderKey[], keys: readonly Key[]): KeyPosition[] {
  if (keys.length !== order.length) throw new BadCursorError('`after` belongs to another order');
  return order.map((key, i) => ({ ...key, value: positionValue(key.column, keys[i] ?? null) }));
}

function positionValue(column: Column, key: Key): string | number | bigint | boolean | null {
  if (key === null) return null;
  const wrong = new BadCursorError('`after` belongs to another order');
  switch (column.type) {
    case 'long':
    case 'timestamp': {
      if (typeof key !== 'object' || !('i' in key)) throw wrong;
      const integer = BigInt(key.i);
      if (BigInt.asIntN(64, integer) !== integer) throw wrong;
      return column.type === 'long' ? integer : isoMicros(integer);
    }
    case 'double':
      if (typeof key === 'number') return key;
      if (typeof key !== 'object' || !('f' in key)) throw wrong;
      return Number(key.f);
    case 'integer':
      if (!Number.isInteger(key)) throw wrong;
      return Number(key);
    case 'boolean':
      if (typeof key !== 'boolean') throw wrong;
      return key;
    default:
      if (typeof key !== 'string') throw wrong;
      return key;
  }
}

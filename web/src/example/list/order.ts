import type { Variables } from '../../api/client.ts';

/** A sort key: a field of the API, as filters name it. */
export interface Key {
  readonly field: string;
  readonly descending?: boolean;
  /** Rows without a value come last unless this says otherwise. */
  readonly nullsFirst?: boolean;
}

/** `scoreHalu` -> `SCORE_HALU`. */
function enumName(field: string): string {
  return field.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();
}

/** The argument `orderBy` of an order. */
export function orderByOf(keys: readonly Key[]): Variables[] {
  return keys.map(({ field, descending = false, nullsFirst = false }) => ({
    field: enumName(field),
    direction: descending ? 'DESC' : 'ASC',
    nulls: nullsFirst ? 'FIRST' : 'LAST',
  }));
}

/** The same order from its end. */
export function reversed(keys: readonly Key[]): Key[] {
  return keys.map(({ field, descending = false, nullsFirst = false }) => ({
    field,
    descending: !descending,
    nullsFirst: !nullsFirst,
  }));
}

/** A filter that leaves the rows which come after a row in an order. The order must tell all rows apart. */
export function after(keys: readonly Key[], row: Readonly<Record<string, unknown>>): Variables {
  const same: Variables[] = [];
  const ways: Variables[] = [];
  for (const key of keys) {
    const { field } = key;
    const value = row[field] ?? null;
    for (const later of laterThan(key, value)) ways.push({ and: [...same, { [field]: later }] });
    same.push({ [field]: value === null ? { isNull: true } : { eq: value } });
  }
  return { or: ways };
}

/** Operators that a later value of one key satisfies. */
function laterThan({ descending = false, nullsFirst = false }: Key, value: unknown): Variables[] {
  if (value === null) return nullsFirst ? [{ isNull: false }] : [];
  const missing = nullsFirst ? [] : [{ isNull: true }];
  if (typeof value === 'boolean') return value === descending ? [{ eq: !value }, ...missing] : missing;
  return [{ [descending ? 'lt' : 'gt']: value }, ...missing];
}

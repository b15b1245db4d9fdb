import { ENTROPY_FEATURES } from '../../../lake/tables/entropy.ts';
import type { Row } from '../../../lake/tables/schema.ts';
import { isJsonObject, type JsonObject } from '../../contracts/json-value.ts';
import { asNumber } from '../../metric-values.ts';
import { extraText } from './members.ts';

const COLUMNS: ReadonlyMap<string, string> = new Map(
  ENTROPY_FEATURES.columns
    .filter(({ type, name }) => (type === 'double' || type === 'integer') && name !== 'sequence')
    .map(({ name, type }) => [name, type]),
);

/** The column of a feature as the artifacts name it (`jH_sum`, `gdotv_i`); undefined for a feature without one. */
export function featureColumn(name: string): string | undefined {
  const column = name === 'gdotv_i' ? 'gdotv' : name.toLowerCase();
  return COLUMNS.has(column) ? column : undefined;
}

/**
 * A row of `entropy_features` of a record of `approx.per_sequence` that obeys the schema. `features` repeats members of
 * the record and of `extras`; only what differs from them is kept.
 */
export function featureRow(record: JsonObject): Row {
  const row: Record<string, number> = {};
  const take = (members: JsonObject): JsonObject => {
    const rest: JsonObject = {};
    for (const [name, value] of Object.entries(members)) {
      const column = featureColumn(name);
      const number = column === undefined ? undefined : asNumber(value);
      if (column === undefined || number === undefined) rest[name] = value;
      else if (row[column] === undefined) row[column] = number;
      else if (!Object.is(row[column], number)) rest[name] = value;
    }
    return rest;
  };
  const { index, extras, features, ...own } = record;
  const rest = take(own);
  for (const [name, group] of Object.entries({ extras, features })) {
    const kept = isJsonObject(group) ? take(group) : {};
    if (Object.keys(kept).length > 0) rest[name] = kept;
  }
  return { sequence: asNumber(index), ...row, extra: extraText(rest) };
}

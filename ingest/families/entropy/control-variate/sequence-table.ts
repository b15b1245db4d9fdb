import type { ObjectInfo } from '../../../../lake/store/object-store.ts';
import { ENTROPY_FEATURES } from '../../../../lake/tables/entropy.ts';
import type { Cell, Row } from '../../../../lake/tables/schema.ts';
import { parseFloatPython } from '../../../formats/csv/numbers.ts';
import { readCsv } from '../../../run-files/table.ts';
import type { RunSource } from '../companions.ts';
import { featureColumn } from '../features.ts';
import { extraText } from '../members.ts';

/** `cv_per_seq.csv`: a row a sequence, a column a feature. */
export interface SequenceTable {
  /** Path from the run's directory. */
  readonly file: string;
  readonly rows: number;
  /** The values under the name of a column of `entropy_features`; NaN where the file has none. */
  column(name: string): Float64Array;
  featureRows(): Row[];
}

const REQUIRED = ['gdotv', 'length', 'wjlogp_sum', 'jh_sum'];

/** Reads a table of sequences; whatever is wrong with it is an error, and then there is no table. */
export async function readSequenceTable(
  { context, log }: RunSource,
  object: ObjectInfo,
  file: string,
): Promise<SequenceTable | undefined> {
  let names: readonly string[] = [];
  let values: number[][] = [];
  let damaged = false;
  for await (const { header, records } of readCsv(context, object, file, log)) {
    if (names.length === 0) {
      names = header.map((name) => featureColumn(name) ?? name);
      values = names.map(() => []);
      const missing = REQUIRED.filter((name) => !names.includes(name));
      if (missing.length > 0) {
        const message = `no column for ${missing.join(', ')}`;
        log.run({ code: 'WRONG_CSV_HEADER', file, line: 1, message });
        return undefined;
      }
    }
    for (const { line, fields } of records) {
      fields.forEach((field, c) => {
        const value = parseFloatPython(field);
        const whole = names[c] !== 'length' || Number.isSafeInteger(value);
        if (value === undefined || !whole) {
          damaged = true;
          const message = `"${field}"; expected ${whole ? 'a number' : 'an integer'}`;
          log.run({ code: 'WRONG_TYPE', file, line, pointer: `/${header[c]}`, message });
        }
        values[c]!.push(value ?? Number.NaN);
      });
    }
  }
  if (damaged || values.length === 0) return undefined;
  const columns = new Map(names.map((name, c) => [name, Float64Array.from(values[c]!)]));
  const rows = values[0]?.length ?? 0;
  return {
    file,
    rows,
    column: (name) => columns.get(name) ?? new Float64Array(rows).fill(Number.NaN),
    featureRows: () => Array.from({ length: rows }, (_, i) => rowAt(columns, i)),
  };
}

const KNOWN = new Set(ENTROPY_FEATURES.columns.map(({ name }) => name));

function rowAt(columns: ReadonlyMap<string, Float64Array>, sequence: number): Row {
  const row: Record<string, Cell> = { sequence };
  const rest: Record<string, number> = {};
  for (const [name, values] of columns) {
    if (KNOWN.has(name)) row[name] = values[sequence];
    else rest[name] = values[sequence]!;
  }
  return { ...row, extra: extraText(rest) };
}

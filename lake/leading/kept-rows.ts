import { sqlName } from '../engine/sql-text.ts';
import type { QueryOptions } from '../engine/types.ts';
import { ROW_NUMBER } from '../relation.ts';
import type { Column } from '../tables/schema.ts';
import { type HeldTable, KeptTables } from './kept-tables.ts';

/** Numbers of rows (from 0) by the path of their file. */
export type RowNumbers = ReadonlyMap<string, readonly number[]>;

/** Rows of data files that were read once: some columns of them, in a kept table. */
interface Piece {
  readonly key: string;
  readonly columns: ReadonlySet<string>;
  /** By path: the value of `FILE` in its rows, and their numbers. */
  readonly files: ReadonlyMap<string, { readonly file: number; readonly rows: ReadonlySet<number> }>;
}

/** Column of a kept table that says which of its files a row is from. */
const FILE = '__of';

/** What is kept of some rows, and what is not. */
export interface FoundRows {
  /** SELECTs of the wanted columns, each of rows that no other gives. */
  readonly selects: readonly string[];
  readonly missing: RowNumbers;
  release(): void;
}

/** Rows of data files in the memory of the engine. Files never change, so what is kept of one is true for ever. */
export class KeptRows {
  readonly #tables: KeptTables;
  readonly #pieces = new Map<string, readonly Piece[]>();
  #made = 0;

  constructor(tables: KeptTables) {
    this.#tables = tables;
  }

  find(table: string, columns: readonly Column[], wanted: RowNumbers): FoundRows {
    const held: HeldTable[] = [];
    const selects: string[] = [];
    let missing = wanted;
    for (const piece of this.#pieces.get(table) ?? []) {
      if (missing.size === 0) break;
      if (!columns.every(({ name }) => piece.columns.has(name))) continue;
      const { inside, outside } = divide(missing, piece);
      if (inside.length === 0) continue;
      const found = this.#tables.hold(piece.key);
      if (found === undefined) continue;
      held.push(found);
      selects.push(`SELECT ${names(columns)} FROM ${found.sql} WHERE ${inside.join(' OR ')}`);
      missing = outside;
    }
    return {
      selects,
      missing,
      release: () => {
        for (const each of held) each.release();
      },
    };
  }

  /**
   * Reads rows and keeps them.
   * @param rowsOf SQL for a relation of the rows of a file that has the columns and `ROW_NUMBER`
   */
  async read(
    table: string,
    columns: readonly Column[],
    rows: RowNumbers,
    rowsOf: (path: string) => string,
    options: QueryOptions,
  ): Promise<void> {
    const files = new Map<string, { readonly file: number; readonly rows: ReadonlySet<number> }>();
    const selects: string[] = [];
    for (const [path, numbers] of rows) {
      const file = files.size;
      files.set(path, { file, rows: new Set(numbers) });
      selects.push(
        `SELECT ${[`${file} AS ${FILE}`, ROW_NUMBER, names(columns)].join(', ')} FROM ${rowsOf(path)} WHERE ${ROW_NUMBER} IN (${numbers.join(', ')})`,
      );
    }
    this.#made += 1;
    const key = `rows ${this.#made}`;
    const held = await this.#tables.make(key, selects.join(' UNION ALL '), columns, options);
    const known = (this.#pieces.get(table) ?? []).filter((piece) => this.#tables.has(piece.key));
    this.#pieces.set(table, [{ key, columns: new Set(columns.map(({ name }) => name)), files }, ...known]);
    held.release();
  }
}

function names(columns: readonly Column[]): string {
  return columns.map(({ name }) => sqlName(name)).join(', ');
}

/** Which of some rows a piece has: as conditions, and which it has not. */
function divide(wanted: RowNumbers, { files }: Piece): { inside: string[]; outside: RowNumbers } {
  const inside: string[] = [];
  const outside = new Map<string, readonly number[]>();
  for (const [path, numbers] of wanted) {
    const kept = files.get(path);
    const here = kept === undefined ? [] : numbers.filter((number) => kept.rows.has(number));
    if (kept !== undefined && here.length > 0)
      inside.push(`(${FILE} = ${kept.file} AND ${ROW_NUMBER} IN (${here.join(', ')}))`);
    if (here.length < numbers.length)
      outside.set(path, here.length === 0 ? numbers : numbers.filter((number) => !kept?.rows.has(number)));
  }
  return { inside, outside };
}

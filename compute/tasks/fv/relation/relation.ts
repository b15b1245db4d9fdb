import type { ByteInput } from '../../../../ingest/formats/bytes/chunks.ts';
import { type CsvTable, readCsv } from '../../../../ingest/formats/csv/csv.ts';
import { FormatError } from '../../../../ingest/formats/errors.ts';
import { messageOf } from '../../../../lake/errors.ts';
import { compareKeys } from '../../../../lake/store/keys.ts';
import { strip } from '../../scoring/python-text.ts';
import { RelationError } from '../errors.ts';
import { queryDirectory } from './query-directory.ts';

/** An example of a relation: `hot` and `cold` of antonyms. */
export interface Pair {
  readonly input: string;
  readonly output: string;
}

/** The rows of a relation file by relation query; a row's index is its place among the rows of its query. */
export interface Relation {
  /** In the order of the file. */
  readonly queries: ReadonlyMap<string, readonly Pair[]>;
  /** Lines that were left out because one of their three cells is empty. */
  readonly dropped: readonly number[];
}

/** Names of columns where they are none of the usual ones. */
export interface RelationColumns {
  readonly query?: string;
  readonly input?: string;
  readonly output?: string;
}

export interface RelationOptions {
  readonly columns?: RelationColumns;
  /** For messages. */
  readonly file?: string;
  readonly signal?: AbortSignal;
}

/** The usual names, the first one that is there wins. */
const USUAL: Readonly<Record<keyof RelationColumns, readonly string[]>> = {
  query: ['q', 'id', 'qid'],
  input: ['exA', 'ex_A', 'ex_a', 'input'],
  output: ['exB', 'ex_B', 'ex_b', 'output'],
};

/**
 * Reads a relation file: CSV with a column for the relation query and one for either side of a pair.
 * @throws RelationError a column is missing, a row is damaged, there are no rows
 */
export async function readRelation(input: ByteInput, options: RelationOptions = {}): Promise<Relation> {
  const { file, signal, columns = {} } = options;
  const where = file === undefined ? {} : { file };
  try {
    const table = await readCsv(input, { ...where, ...(signal === undefined ? {} : { signal }) });
    try {
      return await relationOf(table, columns, where);
    } finally {
      // Closes the file where a column is missing.
      await table.batches.return();
    }
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    throw new RelationError(`the relation file is damaged: ${messageOf(error)}`, { where, cause: error });
  }
}

async function relationOf(
  { header, batches }: CsvTable,
  columns: RelationColumns,
  where: { readonly file?: string },
): Promise<Relation> {
  const at = (side: keyof RelationColumns) => columnOf(header, columns[side], USUAL[side], where);
  const [query, left, right] = [at('query'), at('input'), at('output')];
  const queries = new Map<string, Pair[]>();
  const dropped: number[] = [];
  for await (const batch of batches) {
    for (const { fields, line, error } of batch) {
      if (error !== undefined) throw error;
      const [q, x, y] = [query, left, right].map((column) => strip(fields[column] ?? ''));
      if (!q || !x || !y) {
        dropped.push(line);
        continue;
      }
      if (!queries.has(q)) queryDirectory(q, { ...where, line });
      const rows = queries.get(q) ?? [];
      rows.push({ input: x, output: y });
      queries.set(q, rows);
    }
  }
  if (queries.size === 0) throw new RelationError('the relation file has no complete row', { where });
  return { queries, dropped };
}

function columnOf(
  header: readonly string[],
  named: string | undefined,
  usual: readonly string[],
  where: { readonly file?: string },
): number {
  const names = header.map(strip);
  const lower = names.map((name) => name.toLowerCase());
  const wanted = named === undefined ? usual : [named];
  const candidates = [
    ...wanted.map((name) => names.indexOf(name)),
    ...wanted.map((name) => lower.indexOf(name.toLowerCase())),
  ];
  const found = candidates.find((column) => column >= 0);
  if (found !== undefined) return found;
  throw new RelationError(`the relation file has no column ${wanted.join(', ')}`, {
    where: { ...where, line: 1 },
    expected: `one of them; the columns are ${names.join(', ')}`,
    remedy: 'say with `columns` which ones are meant',
  });
}

/** The relation queries in the order in which they are run: as asked for, else sorted as texts (Q1, Q10, Q2). */
export function orderedQueries(relation: Relation, asked: readonly string[] | undefined): string[] {
  return asked === undefined ? [...relation.queries.keys()].sort(compareKeys) : [...new Set(asked)];
}

/**
 * Why a relation query has too few rows for a query, its demonstrations and those held out; undefined where they suffice.
 * One that is not in the file has none.
 */
export function ineligible(
  relation: Relation,
  qId: string,
  { demos, heldOut = 0 }: { readonly demos: number; readonly heldOut?: number },
): string | undefined {
  const rows = relation.queries.get(qId)?.length ?? 0;
  const needed = demos + 1 + heldOut;
  return rows >= needed ? undefined : `insufficient rows (${rows} < ${needed})`;
}

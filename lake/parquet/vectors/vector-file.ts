import { rmSync } from 'node:fs';
import { basename } from 'node:path';
import { sqlName } from '../../engine/sql-text.ts';
import { InvalidArgumentError } from '../../errors.ts';
import type { TableSpec } from '../../tables/schema.ts';
import { ACTIVATIONS } from '../../tables/tables.ts';
import type { CopiedColumnStats, CopiedFile } from '../copy.ts';
import { type ChunkSummary, type EncodedColumn, isEncodedType } from '../encode/format.ts';
import { ParquetFile } from '../encode/parquet-file.ts';
import { INTEGERS, RunColumn, type ScalarKind, TEXTS, writeDoubles } from '../encode/scalar-columns.ts';
import { VectorColumn } from '../encode/vector-column.ts';
import { BytePlanes, floatSource } from '../floats/byte-planes.ts';
import { SEGMENTS, type VectorBatch } from './batch.ts';
import { type GroupSize, RowGroups, type Span, spansInOrder } from './spans.ts';

/** 2 MiB of vectors: what readers unpack for a single one (docs/decisions/255-row-groups-of-vectors-by-bytes.md). */
const GROUP: GroupSize = { rows: ACTIVATIONS.rowGroupSize, values: 1 << 19 };

/** A file of `activations` to be written. */
export interface VectorFileJob {
  /** Where nothing is yet. */
  readonly path: string;
  readonly storeId: string;
  readonly ingestId: string;
  /** Checked. */
  readonly batches: readonly VectorBatch[];
}

/** Adds the rows of a span to a column. */
type Fill<T> = (column: RunColumn<T>, span: Span) => void;

function bySpan<T>(value: (span: Span) => T | null): Fill<T> {
  return (column, span) => column.add(value(span), span.end - span.start);
}

function byRow<T>(value: (batch: VectorBatch, row: number) => T | null): Fill<T> {
  return (column, { batch, start, end }) => {
    for (let row = start; row < end; row++) column.add(value(batch, row), 1);
  };
}

const TEXT_COLUMNS: Readonly<Record<string, Fill<string>>> = {
  store_id: bySpan(({ batch }) => batch.storeId),
  ingest_id: bySpan(({ batch }) => batch.ingestId),
  // Half a surrogate pair cannot be written as UTF-8, and has no place in its order.
  activation_key: bySpan(({ batch }) => batch.key.toWellFormed()),
  example_id: bySpan(({ batch }) => batch.exampleId?.toWellFormed() ?? null),
  model_id: bySpan(({ batch }) => batch.modelId?.toWellFormed() ?? null),
  site: bySpan(({ batch }) => batch.site),
  token_selector: bySpan(({ batch }) => batch.tokenSelector),
  segment: byRow((batch, row) => SEGMENTS[batch.segment[row]!] ?? null),
  dtype: bySpan(({ batch }) => batch.dtype),
};

const INTEGER_COLUMNS: Readonly<Record<string, Fill<number>>> = {
  layer: bySpan(({ layer }) => layer),
  token_index: byRow(({ tokenIndex }, row) => (tokenIndex[row] === -1 ? null : tokenIndex[row]!)),
  dim: bySpan(({ batch }) => batch.dim),
};

const COLUMNS: readonly EncodedColumn[] = ACTIVATIONS.columns.map(({ name, type }) => {
  if (!isEncodedType(type))
    throw new InvalidArgumentError(`activations.${name} is of a type not written here`);
  return { name, type };
});
const VECTOR = COLUMNS.find(({ name }) => name === 'vector')!;

/** Whether a table has the columns of `activations`, and no others. */
export function isVectorTable({ columns }: TableSpec): boolean {
  return (
    columns.length === COLUMNS.length &&
    columns.every(({ name, type }, i) => name === COLUMNS[i]?.name && type === COLUMNS[i].type)
  );
}

/** A column of texts or integers of one file, row group by row group. */
class ScalarColumn<T extends string | number> {
  readonly column: EncodedColumn;
  readonly #kind: ScalarKind<T>;
  readonly #fill: Fill<T>;
  #min: T | undefined;
  #max: T | undefined;
  #nulls = 0;

  constructor(column: EncodedColumn, kind: ScalarKind<T>, fill: Fill<T> | undefined) {
    if (fill === undefined) throw new InvalidArgumentError(`nothing is known for activations.${column.name}`);
    this.column = column;
    this.#kind = kind;
    this.#fill = fill;
  }

  write(file: ParquetFile, group: readonly Span[]): ChunkSummary {
    const values = new RunColumn(this.#kind);
    for (const span of group) this.#fill(values, span);
    const { compare } = this.#kind;
    const bounds = values.bounds();
    if (bounds !== undefined) {
      if (this.#min === undefined || compare(bounds.min, this.#min) < 0) this.#min = bounds.min;
      if (this.#max === undefined || compare(bounds.max, this.#max) > 0) this.#max = bounds.max;
    }
    this.#nulls += values.nulls();
    return values.write(file, this.column);
  }

  /** Of all row groups so far, in the form in which DuckDB tells those of its own files. */
  statistics(): CopiedColumnStats {
    return {
      null_count: String(this.#nulls),
      ...(this.#min === undefined || this.#max === undefined
        ? {}
        : { min: String(this.#min), max: String(this.#max) }),
    };
  }
}

function scalarColumns(): ReadonlyMap<EncodedColumn, ScalarColumn<string> | ScalarColumn<number>> {
  const columns = new Map<EncodedColumn, ScalarColumn<string> | ScalarColumn<number>>();
  for (const column of COLUMNS) {
    const { name, type } = column;
    if (type === 'string') columns.set(column, new ScalarColumn(column, TEXTS, TEXT_COLUMNS[name]));
    if (type === 'integer') columns.set(column, new ScalarColumn(column, INTEGERS, INTEGER_COLUMNS[name]));
  }
  return columns;
}

/**
 * A file of `activations` that is being written, the vectors in byte planes, the norms computed on the way where they are not
 * known. Holds a row group, not the file.
 */
export class VectorFile {
  readonly #path: string;
  readonly #file: ParquetFile;
  readonly #scalars = scalarColumns();
  readonly #groups = new RowGroups(GROUP);
  #planes = new BytePlanes(0);
  #rows = 0;

  /** @param path where nothing is yet */
  constructor(path: string) {
    this.#path = path;
    this.#file = new ParquetFile(path, COLUMNS);
  }

  /** Adds rows after those that are there, in the order of the file; gives the number of row groups that this completed. */
  add(span: Span): number {
    let written = 0;
    for (const group of this.#groups.add(span)) {
      this.#write(group);
      written += 1;
    }
    return written;
  }

  /** Writes what is left, and the footer. Where it fails, `discard` is still to be called. */
  finish(): CopiedFile {
    for (const group of this.#groups.end()) this.#write(group);
    this.#file.finish();
    this.#file.close();
    const columnStats = Object.fromEntries(
      COLUMNS.filter((column) => column !== VECTOR).map((column) => [
        sqlName(column.name),
        this.#scalars.get(column)?.statistics() ?? { null_count: '0' },
      ]),
    );
    const path = this.#path;
    return { path, name: basename(path), rows: this.#rows, bytes: this.#file.bytes, columnStats };
  }

  /** Leaves nothing behind of a file that is not finished. */
  discard(): void {
    this.#file.close();
    rmSync(this.#path, { force: true });
  }

  #write(group: readonly Span[]): void {
    const file = this.#file;
    const scalars = new Map(
      [...this.#scalars].map(([column, scalar]) => [column, scalar.write(file, group)]),
    );
    const { vector, norms } = this.#writeVectors(group);
    const chunks = COLUMNS.map((column) => {
      if (column === VECTOR) return vector;
      return scalars.get(column) ?? writeDoubles(file, column, norms);
    });
    file.endRowGroup(norms.length, chunks);
    this.#rows += norms.length;
  }

  /** The vectors of a row group; they lie before the norms, which are computed from them. */
  #writeVectors(group: readonly Span[]): { readonly vector: ChunkSummary; readonly norms: Float64Array } {
    const rows = group.reduce((sum, { start, end }) => sum + end - start, 0);
    const values = group.reduce((sum, { batch, start, end }) => sum + (end - start) * batch.dim, 0);
    if (this.#planes.capacity < values) this.#planes = new BytePlanes(values);
    const norms = new Float64Array(rows);
    const column = new VectorColumn(this.#file, VECTOR, this.#planes);
    let at = 0;
    for (const { batch, start, end } of group) {
      const { dim } = batch;
      const vectors = floatSource(batch.vectors);
      for (let row = start; row < end; row++, at++) {
        const squares = column.add(vectors, row * dim, (row + 1) * dim);
        norms[at] = batch.norms?.[row] ?? Math.sqrt(squares);
      }
    }
    return { vector: column.end(), norms };
  }
}

/** Writes a file of `activations`, rows by layer, key and token. Nothing is left behind when it fails. */
export function encodeVectorFile({ path, storeId, ingestId, batches }: VectorFileJob): CopiedFile {
  const file = new VectorFile(path);
  try {
    for (const span of spansInOrder(batches.map((batch) => ({ ...batch, storeId, ingestId }))))
      file.add(span);
    return file.finish();
  } catch (error) {
    file.discard();
    throw error;
  }
}

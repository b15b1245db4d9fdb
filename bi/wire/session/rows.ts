import type { DuckDBDataChunk } from '@duckdb/node-api';
import duckdb from '@duckdb/node-bindings';
import type { ChunkStream, ResultColumn } from '../../../lake/engine/types.ts';
import { Vector } from '../../../lake/engine/vector.ts';
import type { Backend, FieldDescription } from '../protocol/backend.ts';
import type { FormatCode } from '../protocol/frontend.ts';
import type { Output } from '../protocol/output.ts';
import { WireError } from '../protocol/sqlstate.ts';
import type { Codec } from '../types/codec.ts';
import { TEXT } from '../types/texts.ts';

export interface ResultField {
  readonly name: string;
  readonly codec: Codec;
}

/** Writes the value of a row behind what is in the output, and answers true; or false for a null, which has no bytes. */
export type Cell = (row: number, out: Output) => boolean;

/** Some rows of a result. */
export interface Batch {
  readonly count: number;
  /** What writes the values of a column in one of its forms. */
  cell(column: number, format: FormatCode): Cell;
}

/** Where the rows of a result come from. */
export interface RowSource {
  readonly fields: readonly ResultField[];
  next(): Promise<Batch | undefined>;
  /** Begins with what `next` will give, if that takes time; its errors come from there. */
  fetchAhead?(): void;
  close(): Promise<void>;
}

/** The rows of a running statement. */
export function chunkSource(stream: ChunkStream, fields: readonly ResultField[]): RowSource {
  const fetch = async () => {
    const chunk = await stream.next();
    return chunk && new ChunkBatch(chunk, stream.columns, fields);
  };
  let ahead: Promise<Batch | undefined> | undefined;
  return {
    fields,
    next() {
      const batch = ahead ?? fetch();
      ahead = undefined;
      return batch;
    },
    fetchAhead() {
      ahead ??= fetch();
      ahead.catch(() => undefined);
    },
    close: () => stream.close(),
  };
}

/** The rows of a chunk, straight from its memory. */
class ChunkBatch implements Batch {
  readonly count: number;
  /** Its memory is read as long as the batch is there. */
  readonly #chunk: DuckDBDataChunk;
  readonly #columns: readonly ResultColumn[];
  readonly #fields: readonly ResultField[];
  readonly #cells: readonly [text: Cell[], binary: Cell[]] = [[], []];

  constructor(chunk: DuckDBDataChunk, columns: readonly ResultColumn[], fields: readonly ResultField[]) {
    this.count = chunk.rowCount;
    this.#chunk = chunk;
    this.#columns = columns;
    this.#fields = fields;
  }

  cell(column: number, format: FormatCode): Cell {
    const cells = this.#cells[format];
    cells[column] ??= this.#newCell(column, format);
    return cells[column];
  }

  #newCell(column: number, format: FormatCode): Cell {
    const native = duckdb.data_chunk_get_vector(this.#chunk.chunk, column);
    const vector = new Vector(native, this.count, this.#columns[column]!.type);
    const { text, binary } = this.#fields[column]!.codec;
    const write = (format === 1 ? binary : text)(vector);
    return (row, out) => {
      if (vector.isNull(row)) return false;
      write(row, out);
      return true;
    };
  }
}

/** Rows of texts that are there already. */
export function textSource(
  names: readonly string[],
  rows: readonly (readonly (string | null)[])[],
): RowSource {
  let left = rows.length > 0;
  const cell =
    (column: number): Cell =>
    (row, out) => {
      const value = rows[row]?.[column] ?? null;
      if (value !== null) out.text(value);
      return value !== null;
    };
  return {
    fields: names.map((name) => ({ name, codec: TEXT })),
    async next() {
      if (!left) return undefined;
      left = false;
      return { count: rows.length, cell };
    },
    close: async () => undefined,
  };
}

export function fieldDescriptions(
  fields: readonly ResultField[],
  formats: readonly FormatCode[],
): FieldDescription[] {
  return fields.map(({ name, codec }, i) => ({
    name,
    typeOid: codec.type.oid,
    typeLength: codec.type.length,
    typeModifier: codec.modifier,
    format: formatOf(formats, i),
  }));
}

/** No format means text, one is for all columns. */
export function formatOf(formats: readonly FormatCode[], column: number): FormatCode {
  return (formats.length === 1 ? formats[0] : formats[column]) ?? 0;
}

/** Bytes after which rows are handed to the socket. */
const BATCH_BYTES = 1 << 16;

/** Writes rows of a batch as one kind of message. */
export type RowWriter = (row: number) => void;
export type RowForm = (batch: Batch) => RowWriter;

const DATA_ROW = 0x44;

/** DataRow messages. */
export function dataRows(
  { out }: Backend,
  fields: readonly ResultField[],
  formats: readonly FormatCode[],
): RowForm {
  return (batch) => {
    const cells = fields.map((_, i) => batch.cell(i, formatOf(formats, i)));
    return (row) => {
      out.uint8(DATA_ROW);
      const start = out.reserve(4);
      writeCells(out, cells, row);
      out.setInt32(start, out.length - start);
    };
  };
}

/** How many values a row has, and each after its length: what DataRow and binary COPY have in common. */
export function writeCells(out: Output, cells: readonly Cell[], row: number): void {
  out.int16(cells.length);
  for (const cell of cells) {
    const at = out.reserve(4);
    out.setInt32(at, cell(row, out) ? out.length - at - 4 : -1);
  }
}

/** A place in the rows of a source, from which some rows at a time are written. */
export class RowCursor {
  readonly source: RowSource;
  #batch: Batch | undefined;
  #row = 0;
  #ended = false;

  constructor(source: RowSource) {
    this.source = source;
  }

  /**
   * Writes up to `limit` rows (0 for all of them) and answers how many they were, and whether that was all.
   */
  async write(
    limit: number,
    form: RowForm,
    out: Output,
    flush: () => Promise<void>,
  ): Promise<{ rows: number; ended: boolean }> {
    const wanted = limit === 0 ? Number.POSITIVE_INFINITY : limit;
    let rows = 0;
    // As PostgreSQL does, a portal that gave exactly what was asked for is suspended: it has not looked further.
    while (rows < wanted) {
      const batch = await this.#current();
      if (batch === undefined) return { rows, ended: true };
      const writer = form(batch);
      const left = batch.count - this.#row;
      // One batch and no more, and none that nobody has asked for yet: a portal may wait for hours.
      if (wanted - rows > left) this.source.fetchAhead?.();
      const end = this.#row + Math.min(left, wanted - rows);
      while (this.#row < end) {
        writeWhole(writer, this.#row++, out);
        rows++;
        if (out.length >= BATCH_BYTES) await flush();
      }
    }
    return { rows, ended: false };
  }

  /** The batch that has the next row; undefined after the last. */
  async #current(): Promise<Batch | undefined> {
    while (!this.#ended && (this.#batch === undefined || this.#row >= this.#batch.count)) {
      this.#batch = await this.source.next();
      this.#row = 0;
      this.#ended = this.#batch === undefined;
    }
    return this.#ended ? undefined : this.#batch;
  }

  close(): Promise<void> {
    this.#ended = true;
    return this.source.close();
  }
}

/** Writes a row, or nothing of it: the client gets the error in its place. */
function writeWhole(writer: RowWriter, row: number, out: Output): void {
  const at = out.length;
  try {
    writer(row);
  } catch (error) {
    out.truncate(at);
    throw error;
  }
}

/** Rows must be what the client was told they would be. @throws WireError */
export function ensureSame(described: readonly ResultField[], actual: readonly ResultField[]): void {
  for (const [i, { name, codec }] of actual.entries()) {
    const told = described[i]?.codec.type;
    if (told?.oid === codec.type.oid) continue;
    throw new WireError(
      'featureNotSupported',
      `column "${name}" is ${codec.type.name} with these parameters`,
      {
        expected: `${told?.name ?? 'no column'}, as it was described`,
        remedy: 'cast the parameters, as in $1::int',
      },
    );
  }
}

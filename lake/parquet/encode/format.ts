import type { ColumnType } from '../../tables/schema.ts';
import { binary, i32, i64, list, struct, type ThriftField, type ThriftValue, text } from './thrift.ts';

/*
 * The structs of parquet.thrift that we write, with its numbers.
 */

export const ENCODING = { plain: 0, rle: 3, rleDictionary: 8, byteStreamSplit: 9 } as const;
const CODEC_ZSTD = 6;
const PAGE = { data: 0, dictionary: 2 } as const;
const OPTIONAL = 1;
const REPEATED = 2;

/** How a column type is stored: physical type, and converted type where it has one. */
const STORED = {
  string: { physical: 6, converted: 0 },
  integer: { physical: 1, converted: 17 },
  double: { physical: 5, converted: undefined },
  'float[]': { physical: 4, converted: undefined },
} as const;
const CONVERTED_LIST = 3;

/** Column types that our own encoder writes. */
export type EncodedType = keyof typeof STORED;

/** Whether columns of a type can be encoded here; DuckDB writes the others. */
export function isEncodedType(type: ColumnType): type is EncodedType {
  return Object.hasOwn(STORED, type);
}

export interface EncodedColumn {
  readonly name: string;
  readonly type: EncodedType;
}

/** The path of a column's leaf, with the names that DuckDB gives the levels of a list. */
const leafPath = ({ name, type }: EncodedColumn): string[] =>
  type === 'float[]' ? [name, 'list', 'element'] : [name];

function schemaElements(column: EncodedColumn): ThriftValue[] {
  const { physical, converted } = STORED[column.type];
  const leaf = (name: string) =>
    struct(
      [1, i32(physical)],
      [3, i32(OPTIONAL)],
      [4, text(name)],
      [6, converted === undefined ? undefined : i32(converted)],
    );
  if (column.type !== 'float[]') return [leaf(column.name)];
  return [
    struct([3, i32(OPTIONAL)], [4, text(column.name)], [5, i32(1)], [6, i32(CONVERTED_LIST)]),
    struct([3, i32(REPEATED)], [4, text('list')], [5, i32(1)]),
    leaf('element'),
  ];
}

export interface PageSizes {
  /** Bytes without the header, before and after compression. */
  readonly uncompressed: number;
  readonly compressed: number;
}

/** Header of a page of distinct values. @param values how many */
export function dictionaryPageHeader(sizes: PageSizes, values: number): ThriftValue {
  return pageHeader(PAGE.dictionary, sizes, [7, struct([1, i32(values)], [2, i32(ENCODING.plain)])]);
}

/** @param values of nested columns the levels: nulls and empty lists count */
export function dataPageHeader(sizes: PageSizes, values: number, encoding: number): ThriftValue {
  const { rle } = ENCODING;
  return pageHeader(PAGE.data, sizes, [
    5,
    struct([1, i32(values)], [2, i32(encoding)], [3, i32(rle)], [4, i32(rle)]),
  ]);
}

function pageHeader(type: number, sizes: PageSizes, header: ThriftField): ThriftValue {
  return struct([1, i32(type)], [2, i32(sizes.uncompressed)], [3, i32(sizes.compressed)], header);
}

/** What a row group says about one of its columns. */
export interface ChunkSummary {
  readonly column: EncodedColumn;
  readonly encodings: readonly number[];
  readonly values: number;
  /** Bytes with page headers. */
  readonly uncompressed: number;
  readonly compressed: number;
  readonly dictionaryOffset: number | undefined;
  readonly dataOffset: number;
  /** Absent where unknown, as the bounds are. */
  readonly nulls?: number | undefined;
  /** Least and greatest value as plain bytes. */
  readonly bounds?: { readonly min: Uint8Array; readonly max: Uint8Array } | undefined;
}

export interface RowGroupSummary {
  readonly rows: number;
  readonly chunks: readonly ChunkSummary[];
}

function columnChunk(chunk: ChunkSummary): ThriftValue {
  const { bounds } = chunk;
  return struct(
    [2, i64(chunk.dictionaryOffset ?? chunk.dataOffset)],
    [
      3,
      struct(
        [1, i32(STORED[chunk.column.type].physical)],
        [2, list(chunk.encodings.map(i32))],
        [3, list(leafPath(chunk.column).map(text))],
        [4, i32(CODEC_ZSTD)],
        [5, i64(chunk.values)],
        [6, i64(chunk.uncompressed)],
        [7, i64(chunk.compressed)],
        [9, i64(chunk.dataOffset)],
        [11, chunk.dictionaryOffset === undefined ? undefined : i64(chunk.dictionaryOffset)],
        [
          12,
          struct(
            [3, chunk.nulls === undefined ? undefined : i64(chunk.nulls)],
            [5, bounds === undefined ? undefined : binary(bounds.max)],
            [6, bounds === undefined ? undefined : binary(bounds.min)],
          ),
        ],
      ),
    ],
  );
}

/** The footer's FileMetaData. */
export function fileMetadata(
  columns: readonly EncodedColumn[],
  groups: readonly RowGroupSummary[],
): ThriftValue {
  const root = struct([4, text('schema')], [5, i32(columns.length)]);
  const sum = (chunks: readonly ChunkSummary[], member: 'uncompressed' | 'compressed') =>
    chunks.reduce((total, chunk) => total + chunk[member], 0);
  return struct(
    [1, i32(1)],
    [2, list([root, ...columns.flatMap(schemaElements)])],
    [3, i64(groups.reduce((total, { rows }) => total + rows, 0))],
    [
      4,
      list(
        groups.map(({ rows, chunks }) =>
          struct(
            [1, list(chunks.map(columnChunk))],
            [2, i64(sum(chunks, 'uncompressed'))],
            [3, i64(rows)],
            [6, i64(sum(chunks, 'compressed'))],
          ),
        ),
      ),
    ],
    [6, text('runlake version 1')],
    // Bounds are ordered as their types are: without this, readers ignore those of texts.
    [7, list(columns.map(() => struct([1, struct()])))],
  );
}

import { z } from 'zod';
import type { CopiedColumnStats, CopiedFile } from '../parquet/copy.ts';
import type { Column, TableSpec } from '../tables/schema.ts';
import type { AddFile } from './actions.ts';
import { type Json, parseExact, stringifyExact } from './json.ts';
import { encodePath } from './paths.ts';
import { isoMillis, parseTimestamp } from './timestamps.ts';
import { prefixOf, upperBoundOf } from './utf8-order.ts';

/** Statistics of one data file: the `stats` of an `add` action. Absent members are unknown. */
export interface FileStats {
  readonly numRecords?: number | undefined;
  readonly minValues?: Readonly<Record<string, StatValue>> | undefined;
  readonly maxValues?: Readonly<Record<string, StatValue>> | undefined;
  readonly nullCount?: Readonly<Record<string, number>> | undefined;
}

export type StatValue = string | number | bigint;

/** Delta's default of `delta.dataSkippingNumIndexedCols`. */
const INDEXED_COLUMNS = 32;
/** Spark's length; enough to tell texts apart, short enough not to bloat the log with prompts. */
const TEXT_PREFIX = 32;
/** Identifiers share long prefixes (`main/hallulens/2026-01-20/…`) and are what queries prune by. */
const IDENTIFIER_PREFIX = 256;

type Bounds = { readonly min?: StatValue | undefined; readonly max?: StatValue | undefined };

/** Bounds of a column in Delta's form, from DuckDB's texts; members that cannot be stated safely are left out. */
function bounds(column: Column, stats: CopiedColumnStats, isSortKey: boolean): Bounds {
  const { min, max } = stats;
  if (min === undefined || max === undefined) return {};
  switch (column.type) {
    case 'long':
    case 'integer':
      return /^-?\d+$/.test(min) && /^-?\d+$/.test(max) ? { min: BigInt(min), max: BigInt(max) } : {};
    case 'string': {
      const identifies = isSortKey || /_(id|key)$/.test(column.name);
      const length = identifies ? IDENTIFIER_PREFIX : TEXT_PREFIX;
      return { min: prefixOf(min, length), max: upperBoundOf(max, length) };
    }
    case 'date':
      return isDate(min) && isDate(max) ? { min, max } : {};
    case 'timestamp': {
      const [low, high] = [parseTimestamp(min), parseTimestamp(max)];
      if (low === undefined || high === undefined) return {};
      return { min: isoMillis(low, 'down'), max: isoMillis(high, 'up') };
    }
    // Doubles may be NaN, for which no bound holds, and `has_nan` tells about the last row group only (DuckDB 1.5.6;
    // docs/decisions/021). Nobody prunes by JSON texts; Delta keeps no bounds of booleans and none of lists.
    default:
      return {};
  }
}

function isDate(text: string): boolean {
  return /^\d{4}-\d{2}-\d{2}$/.test(text);
}

function isList(column: Column): boolean {
  return column.type.endsWith('[]');
}

/**
 * Statistics of a written file from what `COPY … (RETURN_STATS)` says, of the first 32 columns.
 * The bounds hold for every value: texts are cut at a code point and the upper one is rounded up, timestamps are rounded
 * outwards to milliseconds, and doubles have no bounds because of NaN.
 */
export function statsOf(spec: TableSpec, copied: Pick<CopiedFile, 'rows' | 'columnStats'>): FileStats {
  const minValues: Record<string, StatValue> = {};
  const maxValues: Record<string, StatValue> = {};
  const nullCount: Record<string, number> = {};
  for (const column of spec.columns.slice(0, INDEXED_COLUMNS)) {
    const stats = copied.columnStats[`"${column.name.replaceAll('"', '""')}"`];
    if (!stats || isList(column)) continue;
    if (stats['null_count'] !== undefined) nullCount[column.name] = Number(stats['null_count']);
    const { min, max } = bounds(column, stats, spec.sortBy.includes(column.name));
    if (min !== undefined) minValues[column.name] = min;
    if (max !== undefined) maxValues[column.name] = max;
  }
  return { numRecords: copied.rows, minValues, maxValues, nullCount };
}

/** The JSON text of statistics; every digit of a bigint is kept. */
export function encodeStats(stats: FileStats): string {
  const members: Record<string, Json> = {};
  for (const [name, value] of Object.entries(stats)) if (value !== undefined) members[name] = value;
  return stringifyExact(members);
}

const scalars = z.record(z.string(), z.unknown()).transform((values) => {
  const kept: Record<string, StatValue> = {};
  for (const [name, value] of Object.entries(values)) {
    if (typeof value === 'string' || typeof value === 'bigint') kept[name] = value;
    else if (typeof value === 'number' && Number.isFinite(value)) kept[name] = value;
  }
  return kept;
});
const counts = z.record(z.string(), z.unknown()).transform((values) => {
  const kept: Record<string, number> = {};
  for (const [name, value] of Object.entries(values)) {
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) kept[name] = value;
  }
  return kept;
});
const statsSchema = z.object({
  numRecords: z.int().nonnegative().optional().catch(undefined),
  minValues: scalars.optional().catch(undefined),
  maxValues: scalars.optional().catch(undefined),
  nullCount: counts.optional().catch(undefined),
});

/** Statistics from their JSON text. What is missing, nested (columns of structs) or malformed is simply not known. */
export function decodeStats(text: string | null | undefined): FileStats {
  if (!text) return {};
  try {
    const parsed = statsSchema.safeParse(parseExact(text));
    return parsed.success ? parsed.data : {};
  } catch {
    return {};
  }
}

const decoded = new WeakMap<AddFile, FileStats>();

/** Statistics of a data file, decoded once. */
export function fileStats(file: AddFile): FileStats {
  let stats = decoded.get(file);
  if (!stats) {
    stats = decodeStats(file.stats);
    decoded.set(file, stats);
  }
  return stats;
}

/**
 * The `add` action of a file that was uploaded to `<table root>/<relative path>`.
 * @param path not encoded, below the table root
 */
export function addFile(
  spec: TableSpec,
  copied: Pick<CopiedFile, 'rows' | 'bytes' | 'columnStats'>,
  path: string,
  options: { readonly tags?: Readonly<Record<string, string>>; readonly now?: number } = {},
): AddFile {
  return {
    path: encodePath(path),
    partitionValues: {},
    size: copied.bytes,
    modificationTime: options.now ?? Date.now(),
    dataChange: true,
    stats: encodeStats(statsOf(spec, copied)),
    ...(options.tags ? { tags: { ...options.tags } } : {}),
  };
}

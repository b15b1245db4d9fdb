import type { ByteSource } from '../bytes/byte-source.ts';
import {
  DB_RECORD,
  type DbRecord,
  LmdbError,
  P_META,
  PAGE_HEADER,
  readDbRecord,
  u16,
  u32,
  u64,
} from './layout.ts';

const MAGIC = 0xbeefc0de;
const MAGIC_SWAPPED = 0xdec0efbe;
const FORMAT = 1;
/** Content of a meta page: magic, version, address, map size, two database records, last page, transaction id. */
const META_SIZE = 24 + 2 * DB_RECORD + 16;
const PAGE_SIZES = [512, 1024, 2048, 4096, 8192, 16384, 32768, 65536] as const;

/** What one of the two meta pages says: a consistent snapshot of the whole store. */
export interface Meta {
  readonly pageSize: number;
  readonly mapSize: number;
  readonly freeDb: DbRecord;
  readonly mainDb: DbRecord;
  readonly lastPage: number;
  readonly txnId: number;
}

export interface MetaChoice {
  /** The valid meta page of the newest transaction. */
  readonly meta: Meta;
  /** What is wrong with the other one, when it is damaged: its snapshot, possibly a newer one, is lost. */
  readonly warning: string | undefined;
}

/**
 * Reads both meta pages and chooses the valid one with the higher transaction id.
 * @throws LmdbError `TRUNCATED`, `LMDB_CORRUPT` when neither is valid, `LMDB_UNSUPPORTED` for another layout
 */
export async function readMeta(source: ByteSource, signal?: AbortSignal): Promise<MetaChoice> {
  if (source.size < PAGE_HEADER + META_SIZE) {
    throw new LmdbError(
      'TRUNCATED',
      `${source.name} has ${source.size} bytes, less than one LMDB meta page`,
      {
        page: 0,
        where: { file: source.name },
      },
    );
  }
  const first = await readOne(source, 0, 0, signal);
  if (typeof first !== 'string') {
    const second = await readOne(source, 1, first.pageSize, signal);
    if (typeof second === 'string') return { meta: first, warning: second };
    if (second.pageSize !== first.pageSize) return { meta: first, warning: 'meta page 1: another page size' };
    return { meta: second.txnId > first.txnId ? second : first, warning: undefined };
  }
  // The page size stands in the damaged page, so the second meta page may lie at any of the possible ones.
  for (const pageSize of PAGE_SIZES) {
    const second = await readOne(source, 1, pageSize, signal);
    if (typeof second !== 'string' && second.pageSize === pageSize) return { meta: second, warning: first };
  }
  throw new LmdbError('LMDB_CORRUPT', `${source.name} is not an LMDB store: ${first}`, {
    page: 0,
    where: { file: source.name },
    expected: 'the data.mdb of an LMDB environment (data format 1, 64 bit)',
  });
}

/** A meta page, or what is wrong with it. */
async function readOne(
  source: ByteSource,
  page: number,
  start: number,
  signal: AbortSignal | undefined,
): Promise<Meta | string> {
  const label = `meta page ${page}`;
  const end = start + PAGE_HEADER + META_SIZE;
  if (end > source.size) return `${label}: the file ends before it`;
  const bytes = await source.read(start, end, signal);
  const at = PAGE_HEADER;
  refuseOtherLayouts(bytes, source.name, page);
  if ((u16(bytes, 10) & P_META) === 0) return `${label}: no meta page`;
  if (u32(bytes, at) !== MAGIC) return `${label}: wrong magic number`;
  const version = u32(bytes, at + 4);
  if (version !== FORMAT) {
    throw new LmdbError('LMDB_UNSUPPORTED', `${source.name} has LMDB data format ${version}`, {
      page,
      where: { file: source.name },
      expected: 'data format 1, which LMDB 0.9 and py-lmdb write',
      remedy: 'copy the store with mdb_dump of its own LMDB version and mdb_load of LMDB 0.9',
    });
  }
  const pageSize = u32(bytes, at + 24);
  if (!PAGE_SIZES.some((size) => size === pageSize)) return `${label}: page size ${pageSize}`;
  const tail = at + 24 + 2 * DB_RECORD;
  const lastPage = u64(bytes, tail);
  const txnId = u64(bytes, tail + 8);
  if (lastPage < 1 || !Number.isSafeInteger(lastPage * pageSize)) return `${label}: last page ${lastPage}`;
  if (!Number.isSafeInteger(txnId)) return `${label}: transaction id ${txnId}`;
  try {
    return {
      pageSize,
      mapSize: u64(bytes, at + 16),
      freeDb: readDbRecord(bytes, at + 24, source.name, page, lastPage),
      mainDb: readDbRecord(bytes, at + 24 + DB_RECORD, source.name, page, lastPage),
      lastPage,
      txnId,
    };
  } catch (error) {
    if (error instanceof LmdbError) return `${label}: ${error.message}`;
    throw error;
  }
}

/** Stores of 32-bit and big-endian machines have the magic number, but not where or how a 64-bit one has it. */
function refuseOtherLayouts(bytes: Uint8Array, file: string, page: number): void {
  const swapped = u32(bytes, PAGE_HEADER) === MAGIC_SWAPPED || u32(bytes, 12) === MAGIC_SWAPPED;
  if (!swapped && u32(bytes, 12) !== MAGIC) return;
  const layout = swapped ? 'big-endian' : '32-bit';
  throw new LmdbError('LMDB_UNSUPPORTED', `${file} was written by a ${layout} build of LMDB`, {
    page,
    where: { file },
    expected: 'a store of a 64-bit little-endian machine',
    remedy: 'dump it with mdb_dump on such a machine and load it with mdb_load on this one',
  });
}

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { VIEWS } from '../../bi/views/views.ts';
import { Lake, type LakeOptions } from '../../lake/lake.ts';
import { LocalStore } from '../../lake/store/local-store.ts';
import type { ObjectStore } from '../../lake/store/object-store.ts';
import type { TableSpec } from '../../lake/tables/schema.ts';
import { LakeWriter } from '../../lake/writer.ts';

/** A lake open for writing, whose every snapshot is looked up anew. */
export interface TestLake {
  /** Holds `home`, and `store` unless another store was given. */
  readonly directory: string;
  readonly lake: Lake;
  readonly writer: LakeWriter;
  close(): Promise<void>;
}

export interface TestLakeOptions {
  readonly store?: ObjectStore;
  readonly tables?: readonly TableSpec[];
  readonly leadingRows?: LakeOptions['leadingRows'];
}

/** Opens the lake of a directory, which may be new. */
export async function lakeIn(directory: string, options: TestLakeOptions = {}): Promise<TestLake> {
  const lake = await Lake.open({
    store: options.store ?? new LocalStore(join(directory, 'store')),
    home: join(directory, 'home'),
    cacheBytes: 1e9,
    memory: 1e9,
    snapshotMaxAgeMs: 0,
    views: VIEWS,
    ...(options.tables === undefined ? {} : { tables: options.tables }),
    ...(options.leadingRows === undefined ? {} : { leadingRows: options.leadingRows }),
  });
  const writer = await LakeWriter.open(lake, { memory: 3e8 });
  return {
    directory,
    lake,
    writer,
    async close() {
      await writer.close();
      await lake.close();
    },
  };
}

export interface TemporaryLake extends TestLake {
  /** Closes the lake and deletes the directory. */
  remove(): Promise<void>;
}

export async function temporaryLake(options: TestLakeOptions = {}): Promise<TemporaryLake> {
  const open = await lakeIn(mkdtempSync(join(tmpdir(), 'runlake-')), options);
  return {
    ...open,
    async remove() {
      await open.close();
      rmSync(open.directory, { recursive: true, force: true });
    },
  };
}

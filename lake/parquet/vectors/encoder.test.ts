import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { DuckDBInstance } from '@duckdb/node-api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compileScript } from '../../../test/support/ts-script.ts';
import { InvalidArgumentError } from '../../errors.ts';
import { floatCount } from '../floats/floats.ts';
import type { VectorBatch } from './batch.ts';
import { openVectorEncoder, type VectorEncoder, VectorEncodingError } from './encoder.ts';
import { VectorWriter } from './writer.ts';

const directory = mkdtempSync(join(tmpdir(), 'runlake-encoder-'));
let script: string;
beforeAll(async () => {
  script = await compileScript(new URL('./encoder-thread.ts', import.meta.url));
});
afterAll(async () => {
  rmSync(directory, { recursive: true });
});

function batch(key: string, rows: number, dim: number): VectorBatch {
  return {
    key,
    exampleId: null,
    modelId: 'm',
    site: 'resid_post',
    tokenSelector: 'all',
    dtype: 'float16',
    dim,
    rows,
    vectors: { format: 'float16', bytes: new Uint8Array(new Uint16Array(rows * dim).fill(0x3c00).buffer) },
    layer: new Int32Array(rows),
    tokenIndex: Int32Array.from({ length: rows }, (_, row) => row),
    segment: new Uint8Array(rows),
  };
}

/** The contract of both: in a thread of its own, and where there is no script for one. */
describe.each(['another thread', 'the same thread'])('encoding in %s', (where) => {
  const open = (): VectorEncoder =>
    openVectorEncoder(where === 'another thread' ? pathToFileURL(script) : new URL('file:///nowhere.js'));
  const options = { storeId: 's', ingestId: 'i' };

  it('writes file after file, several asked for at a time', async () => {
    const encoder = open();
    const writer = new VectorWriter(encoder, directory, options);
    const batches = Array.from({ length: 6 }, (_, n) => batch(`k${n}`, n + 1, 64));
    const written = await Promise.all(
      batches.map((added) => {
        writer.add(added);
        return writer.write();
      }),
    );
    expect(await writer.write()).toBeUndefined();
    await encoder.close();
    expect(written.map((file) => file?.rows)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(written.map((file) => file?.columnStats['"activation_key"']?.['max'])).toEqual(
      batches.map(({ key }) => key),
    );
    const connection = await (await DuckDBInstance.create(':memory:')).connect();
    const paths = written.map((file) => `'${file?.path}'`).join(', ');
    const reader = await connection.runAndReadAll(
      `SELECT count(*), sum(norm), sum(list_sum(vector)) FROM read_parquet([${paths}])`,
    );
    expect(reader.getRows()).toEqual([[21n, 21 * 8, 21 * 64]]);
    // Moved, not copied.
    if (where === 'another thread')
      expect(batches.map(({ vectors }) => floatCount(vectors))).toEqual(Array(6).fill(0));
  });

  it('says why a file cannot be written, and goes on with others', async () => {
    const encoder = open();
    const nowhere = new VectorWriter(encoder, join(directory, 'missing'), options);
    nowhere.add(batch('k', 1, 4));
    const failed = nowhere.write();
    await expect(failed).rejects.toThrow(VectorEncodingError);
    await expect(failed).rejects.toThrow(/ENOENT/);
    const writer = new VectorWriter(encoder, directory, options);
    writer.add(batch('k', 2, 4));
    const file = writer.write();
    await encoder.close();
    expect((await file)?.rows).toBe(2);
    expect(existsSync((await file)!.path)).toBe(true);
  });

  it('says when a file is full, counting the values as float32', async () => {
    const writer = new VectorWriter(open(), directory, { ...options, fileBytes: 4_000 });
    expect(writer.add(batch('none', 0, 32))).toBe(false);
    expect(writer.add(batch('a', 10, 32))).toBe(false);
    expect(writer.add(batch('b', 50, 32))).toBe(true);
    expect(() => writer.add({ ...batch('c', 2, 32), dim: 31 })).toThrow(InvalidArgumentError);
    expect(() => writer.add({ ...batch('c', 2, 32), layer: new Int32Array(1) })).toThrow(
      InvalidArgumentError,
    );
  });
});

it('a thread that ends takes only its own file with it', async () => {
  const broken = join(directory, 'broken.mjs');
  writeFileSync(broken, 'process.exit(3)');
  const encoder = openVectorEncoder(pathToFileURL(broken));
  const writer = new VectorWriter(encoder, directory, { storeId: 's', ingestId: 'i' });
  writer.add(batch('k', 1, 4));
  await expect(writer.write()).rejects.toThrow(/ended with code 3/);
  await encoder.close();
});

import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import fc from 'fast-check';
import { parquetMetadata, parquetReadObjects } from 'hyparquet';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { ZSTDDecoder } from 'zstddec';
import { anyCharacter } from '../../../test/support/any-character.ts';
import { pythonHas, pythonJson } from '../../../test/support/python.ts';
import { statsOf } from '../../log/stats.ts';
import { ACTIVATIONS } from '../../tables/tables.ts';
import { type CopiedFile, copyToParquet } from '../copy.ts';
import { type Floats, sliceFloats, toFloat32 } from '../floats/floats.ts';
import { SEGMENTS, type VectorBatch } from './batch.ts';
import { copyVectors } from './copy-vectors.ts';
import { spansInOrder } from './spans.ts';
import { encodeVectorFile } from './vector-file.ts';

const directory = mkdtempSync(join(tmpdir(), 'runlake-vectors-'));
const zstd = new ZSTDDecoder();
let connection: DuckDBConnection;
beforeAll(async () => {
  connection = await (await DuckDBInstance.create(':memory:')).connect();
  await zstd.init();
});
afterAll(() => rmSync(directory, { recursive: true }));

let files = 0;
function encode(batches: readonly VectorBatch[]): CopiedFile {
  files += 1;
  const path = join(directory, `${files}.parquet`);
  return encodeVectorFile({ path, storeId: "st'1", ingestId: 'i1', batches });
}

/** A row as every reader gives it, the vector by its bits. */
type PlainRow = Record<string, unknown>;

const bitsOf = (values: Float32Array): number[] => [...new Uint32Array(values.slice().buffer)];

function expectedRows(batches: readonly VectorBatch[]): PlainRow[] {
  return batches
    .toSorted((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0))
    .flatMap((b) =>
      Array.from({ length: b.rows }, (_, r) => {
        const vector = toFloat32(b.vectors).subarray(r * b.dim, (r + 1) * b.dim);
        return {
          store_id: "st'1",
          ingest_id: 'i1',
          activation_key: b.key,
          example_id: b.exampleId,
          model_id: b.modelId,
          site: b.site,
          layer: b.layer[r]!,
          token_selector: b.tokenSelector,
          segment: SEGMENTS[b.segment[r]!],
          token_index: b.tokenIndex[r] === -1 ? null : b.tokenIndex[r],
          dtype: b.dtype,
          dim: b.dim,
          norm: Math.sqrt(vector.reduce((sum, v) => sum + v * v, 0)),
          vector: bitsOf(vector),
        };
      }),
    )
    .sort((a, b) => a.layer - b.layer);
}

/** What pyarrow reads of several files, vectors by their bits and norms as texts. */
function pyarrowRows(paths: readonly string[]): PlainRow[][] {
  const script = `
import sys, json, pyarrow.parquet as pq, numpy as np
def rows(path):
    t = pq.read_table(path)
    v = t['vector'].combine_chunks()
    bits = v.values.to_numpy(zero_copy_only=False).view('uint32') if len(v) else []
    out = t.drop_columns(['vector']).to_pylist()
    offsets = v.offsets.to_pylist() if len(v) else []
    for i, row in enumerate(out):
        row['norm'] = repr(row['norm'])
        row['vector'] = [int(b) for b in bits[offsets[i]:offsets[i + 1]]]
    return out
print(json.dumps([rows(p) for p in json.loads(sys.argv[1])]))`;
  const rows = z.array(z.array(z.record(z.string(), z.unknown())));
  const number = (text: unknown) => Number(String(text).replace('inf', 'Infinity'));
  return rows
    .parse(pythonJson(script, [JSON.stringify(paths)]))
    .map((file) => file.map((row) => ({ ...row, norm: number(row['norm']) })));
}

/** Rows with vectors of numbers: NaN is NaN, whatever its bits. */
async function hyparquetRows(path: string): Promise<PlainRow[]> {
  const { buffer, byteOffset, byteLength } = readFileSync(path);
  const file = buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer;
  const compressors = { ZSTD: (input: Uint8Array, size: number) => zstd.decode(input, size) };
  return (await parquetReadObjects({ file, compressors })).map((row) => ({ ...row }));
}

async function duckdbRows(path: string): Promise<PlainRow[]> {
  const reader = await connection.runAndReadAll(`SELECT * FROM read_parquet('${path}')`);
  return reader.getRowObjectsJS();
}

/** Expected rows as readers give them that know numbers but no bits. */
function inNumbers(rows: readonly PlainRow[]): PlainRow[] {
  return rows.map((row) => ({
    ...row,
    vector: Array.from(new Float32Array(Uint32Array.from(row['vector'] as number[]).buffer)),
  }));
}

function expectRows(actual: readonly PlainRow[], expected: readonly PlainRow[]): void {
  expect(actual.length).toBe(expected.length);
  const rest = ({ norm, ...row }: PlainRow) => row;
  expect(actual.map(rest)).toEqual(expected.map(rest));
  actual.forEach((row, i) => {
    const [got, want] = [Number(row['norm']), Number(expected[i]!['norm'])];
    if (Number.isFinite(want)) expect(Math.abs(got - want)).toBeLessThanOrEqual(1e-14 * want);
    else expect(got).toBe(want);
  });
}

/** The rows of a SELECT, as compaction writes them. */
function copy(select: string): Promise<CopiedFile | undefined> {
  files += 1;
  return copyVectors(connection, select, join(directory, `copy-${files}.parquet`));
}

/** The same rows written by DuckDB. */
function rewrite(file: CopiedFile): Promise<CopiedFile> {
  const select = `SELECT * FROM read_parquet('${file.path}')`;
  return copyToParquet(connection, select, ACTIVATIONS, join(directory, `duckdb-${file.name}`));
}

const ordinary = (key: string, layers: number, tokens: number, dim: number): VectorBatch => {
  const rows = layers * tokens;
  return {
    key,
    exampleId: `e-${key}`,
    modelId: null,
    site: 'resid_post',
    tokenSelector: 'all',
    dtype: 'float16',
    dim,
    rows,
    vectors: {
      format: 'float16',
      bytes: new Uint8Array(Uint16Array.from({ length: rows * dim }, (_, i) => (i * 40_503) % 31_744).buffer),
    },
    layer: Int32Array.from({ length: rows }, (_, r) => Math.floor(r / tokens)),
    tokenIndex: Int32Array.from({ length: rows }, (_, r) => r % tokens),
    segment: Uint8Array.from({ length: rows }, (_, r) => (r % tokens === 0 ? 1 : 2)),
  };
};

const shape = fc.record({ rows: fc.nat(9), dim: fc.oneof(fc.nat(9), fc.constantFrom(64, 300)) });
/** Any bits, small numbers and zeros in turns: what repeats and what does not. */
const word = (bits: number) =>
  fc.oneof(fc.nat(2 ** bits - 1), fc.constantFrom(0, 2 ** (bits - 1), 2 ** bits - 1, 0x7c00, 0x7f80, 1));
const vectors = (count: number): fc.Arbitrary<Floats> =>
  fc.oneof(
    fc.array(word(16), { minLength: count, maxLength: count }).chain((bits) =>
      fc.constantFrom('float16' as const, 'bfloat16' as const).map((format) => ({
        format,
        bytes: new Uint8Array(Uint16Array.from(bits).buffer),
      })),
    ),
    fc
      .array(word(32), { minLength: count, maxLength: count })
      .map((bits) => new Float32Array(Uint32Array.from(bits).buffer)),
  );
const column = (rows: number, min: number, max: number) =>
  fc.array(fc.integer({ min, max }), { minLength: rows, maxLength: rows });
const anyBatch: fc.Arbitrary<VectorBatch> = shape.chain(({ rows, dim }) =>
  fc.record({
    key: fc.oneof(
      fc.constantFrom('k', 'k2', '😀', '\ufffd', 'é'),
      fc.string({ unit: anyCharacter, minLength: 1 }),
    ),
    exampleId: fc.option(fc.string()),
    modelId: fc.option(fc.constantFrom('m', '')),
    site: fc.constantFrom('resid_post', 'attn_pattern'),
    tokenSelector: fc.constantFrom('all', 'mean'),
    dtype: fc.constantFrom('float16', 'float64'),
    dim: fc.constant(dim),
    rows: fc.constant(rows),
    vectors: vectors(rows * dim),
    layer: column(rows, -2, 3).map((v) => Int32Array.from(v)),
    tokenIndex: column(rows, -1, 2 ** 31 - 1).map((v) => Int32Array.from(v)),
    segment: column(rows, 0, 2).map((v) => Uint8Array.from(v)),
  }),
);

describe('files of vectors', () => {
  it('have row groups whose middles lie in them as parquet-java counts: from the first column on', () => {
    const file = encode([ordinary('a', 3, 700, 400)]);
    const { buffer, byteOffset, byteLength } = readFileSync(file.path);
    const { row_groups } = parquetMetadata(buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer);
    expect(row_groups).toHaveLength(3);
    let end = 4;
    for (const { columns } of row_groups) {
      const chunks = columns.map(({ meta_data }) => ({
        begin: Number(meta_data!.dictionary_page_offset ?? meta_data!.data_page_offset),
        size: Number(meta_data!.total_compressed_size),
      }));
      expect(chunks[0]!.begin).toBe(end);
      const size = chunks.reduce((sum, chunk) => sum + chunk.size, 0);
      end += size;
      expect(Math.max(...chunks.map((chunk) => chunk.begin + chunk.size))).toBe(end);
    }
  });

  it.skipIf(!pythonHas('pyarrow'))('are read by everyone as they were given, bit by bit', async () => {
    const cases = fc.sample(fc.array(anyBatch, { maxLength: 5 }), { numRuns: 40, seed: 7 });
    const written = cases.map((batches) => ({ expected: expectedRows(batches), file: encode(batches) }));
    const read = pyarrowRows(written.map(({ file }) => file.path));
    for (const [i, { file, expected }] of written.entries()) {
      expect(file.rows).toBe(expected.length);
      expectRows(read[i]!, expected);
      expectRows(await hyparquetRows(file.path), inNumbers(expected));
      expectRows(await duckdbRows(file.path), inNumbers(expected));
    }
  });

  it.skipIf(!pythonHas('pyarrow'))('are copied as they are, bit by bit, with their statistics', async () => {
    const cases = fc.sample(fc.array(anyBatch, { minLength: 1, maxLength: 5 }), { numRuns: 25, seed: 11 });
    const written = cases.map((batches) => ({ expected: expectedRows(batches), file: encode(batches) }));
    const copies = [];
    for (const { file } of written) copies.push(await copy(`SELECT * FROM '${file.path}'`));
    const read = pyarrowRows(copies.map((file) => file!.path));
    for (const [i, { file, expected }] of written.entries()) {
      expectRows(read[i]!, expected);
      expect(statsOf(ACTIVATIONS, copies[i]!)).toEqual(statsOf(ACTIVATIONS, file));
    }
  });

  it('are not copied when they hold what no ingest writes, and nothing is left behind', async () => {
    const { path } = encode([ordinary('k', 2, 3, 4)]);
    for (const [column, value] of [
      ['norm', 'NULL'],
      ['segment', "'title'"],
      ['token_index', '-1'],
      ['dim', '3'],
      ['vector', '[1, NULL, 2, 3]::FLOAT[]'],
      ['vector', 'NULL'],
      ['site', 'NULL'],
    ]) {
      const select = `SELECT * REPLACE (CASE WHEN layer = 1 THEN ${value} ELSE ${column} END AS ${column}) FROM '${path}'`;
      const before = readdirSync(directory);
      expect(await copy(select), `${column} ${value}`).toBeUndefined();
      expect(readdirSync(directory)).toEqual(before);
    }
    await expect(copy(`SELECT error('no more rows'), * FROM '${path}'`)).rejects.toThrow('no more rows');
    const whole = await copy(`SELECT * REPLACE (norm + 1 AS norm) FROM '${path}'`);
    const norms = await connection.runAndReadAll(
      `SELECT count(*) FROM '${whole?.path}' c JOIN '${path}' f USING (layer, token_index) WHERE c.norm = f.norm + 1`,
    );
    expect(norms.getRows()).toEqual([[6n]]);
  });

  it.skipIf(!pythonHas('pyarrow'))('hold many row groups, of vectors of several lengths', async () => {
    const batches = [ordinary('b', 1, 2, 2 ** 20 + 5), ordinary('a', 3, 900, 7), ordinary('d', 2, 1, 4_096)];
    const file = encode(batches);
    expect(file.rows).toBe(2_704);
    const groups = await connection.runAndReadAll(
      `SELECT DISTINCT row_group_id, row_group_num_rows::INTEGER FROM parquet_metadata('${file.path}') ORDER BY 1`,
    );
    expect(groups.getRows().map((row) => row[1])).toEqual([900, 1, 1, 1_802]);
    const digests = spansInOrder(
      batches.map((batch) => ({ ...batch, storeId: "st'1", ingestId: 'i1' })),
    ).flatMap(({ batch, layer, start, end }) =>
      Array.from({ length: end - start }, (_, i) => {
        const row = start + i;
        const vector = toFloat32(sliceFloats(batch.vectors, row * batch.dim, (row + 1) * batch.dim));
        const hash = createHash('sha1').update(new Uint8Array(vector.buffer)).digest('hex');
        return [batch.key, layer, hash];
      }),
    );
    // What DuckDB has read is what it wrote.
    const rewritten = await rewrite(file);
    const script = `
import sys, json, hashlib, pyarrow.parquet as pq
def digests(path):
    t = pq.read_table(path, columns=['activation_key', 'layer', 'vector'])
    v = t['vector'].combine_chunks()
    values, offsets = v.values.to_numpy(), v.offsets.to_pylist()
    hashes = [hashlib.sha1(values[a:b].tobytes()).hexdigest() for a, b in zip(offsets, offsets[1:])]
    return list(zip(t['activation_key'].to_pylist(), t['layer'].to_pylist(), hashes))
print(json.dumps([digests(p) for p in sys.argv[1:]]))`;
    expect(pythonJson(script, [file.path, rewritten.path])).toEqual([digests, digests]);
  });

  it('tell the same statistics as those that DuckDB writes', async () => {
    for (const batches of fc.sample(fc.array(anyBatch, { minLength: 1, maxLength: 5 }), {
      numRuns: 25,
      seed: 3,
    })) {
      const file = encode(batches);
      const rewritten = await rewrite(file);
      if (file.rows > 0) expect(statsOf(ACTIVATIONS, file)).toEqual(statsOf(ACTIVATIONS, rewritten));
    }
    const { columnStats } = encode([ordinary('k1', 2, 3, 4), ordinary('k0', 1, 1, 4)]);
    expect(columnStats['"activation_key"']).toEqual({ min: 'k0', max: 'k1', null_count: '0' });
    expect(columnStats['"model_id"']).toEqual({ null_count: '7' });
  });

  it('have bounds of every row group, by which readers skip', async () => {
    const file = encode([ordinary('a', 2, 2_048, 2), ordinary('b', 1, 10, 2)]);
    const metadata = await connection.runAndReadAll(
      `SELECT row_group_id, path_in_schema, stats_min_value, stats_max_value, stats_null_count
       FROM parquet_metadata('${file.path}') WHERE path_in_schema IN ('layer', 'activation_key', 'model_id', 'norm')
       ORDER BY ALL`,
    );
    const bounds = metadata.getRowsJson().filter((row) => row[1] !== 'norm');
    expect(bounds).toEqual([
      ['0', 'activation_key', 'a', 'a', '0'],
      ['0', 'layer', '0', '0', '0'],
      ['0', 'model_id', null, null, '2048'],
      ['1', 'activation_key', 'a', 'b', '0'],
      ['1', 'layer', '0', '1', '0'],
      ['1', 'model_id', null, null, '2048'],
      ['2', 'activation_key', 'a', 'a', '0'],
      ['2', 'layer', '1', '1', '0'],
      ['2', 'model_id', null, null, '10'],
    ]);
    const count = async (where: string) =>
      (await connection.runAndReadAll(`SELECT count(*) FROM '${file.path}' WHERE ${where}`)).getRows()[0]![0];
    expect(await count("activation_key = 'b'")).toBe(10n);
    expect(await count('norm >= 0')).toBe(4_106n);
    expect(await count('model_id IS NULL')).toBe(4_106n);
    const norms = metadata.getRowsJson().filter((row) => row[1] === 'norm');
    expect(norms.every((row) => row[2] !== null && row[4] === '0')).toBe(true);
  });

  it.skipIf(!pythonHas('pyarrow'))('have the schema of those that DuckDB writes', async () => {
    const file = encode([ordinary('k', 1, 2, 3)]);
    const script = `
import sys, json, pyarrow.parquet as pq
files = [pq.ParquetFile(p) for p in sys.argv[1:]]
print(json.dumps([[str(f.schema_arrow), [f.schema.column(i).path for i in range(len(f.schema))]] for f in files]))`;
    const [own, duckdb] = z
      .array(z.unknown())
      .parse(pythonJson(script, [file.path, (await rewrite(file)).path]));
    expect(own).toEqual(duckdb);
  });

  it('leave nothing behind when they cannot be written', () => {
    const broken = { ...ordinary('k', 1, 2, 3), layer: Int32Array.of(0, 0), key: undefined };
    const path = join(directory, 'broken.parquet');
    expect(() =>
      encodeVectorFile({ path, storeId: 's', ingestId: 'i', batches: [broken as unknown as VectorBatch] }),
    ).toThrow();
    expect(() => readFileSync(path)).toThrow(/ENOENT/);
  });
});

import { seededRandom } from '../../compute/stats/index.ts';
import type { Lake } from '../../lake/lake.ts';
import { Staging } from '../../lake/parquet/staging.ts';
import { VectorWriter } from '../../lake/parquet/vectors/writer.ts';
import { RUN_STORES, RUNS } from '../../lake/tables/tables.ts';
import type { LakeWriter } from '../../lake/writer.ts';
import { openLake, withWriter } from '../lakes.ts';
import { dataset } from '../scratch.ts';
import type { BenchContext } from '../types.ts';

export const VECTOR_LAYER = 16;

/** Vectors that are written at once. */
const BATCH = 4096;

export function vectorKey(entry: number): string {
  return String(entry).padStart(8, '0');
}

/** A lake with one layer of one store, a vector an entry, made once for every bench that reads it. */
export async function vectorLake(
  { scratch, threads }: BenchContext,
  size: { readonly count: number; readonly dim: number },
): Promise<Lake> {
  const { count, dim } = size;
  const directory = await dataset(scratch, `vectors-${count}-${dim}`, (unfinished) =>
    withWriter(unfinished, threads, (writer) => fill(writer, count, dim)),
  );
  return openLake(directory, threads);
}

async function fill(writer: LakeWriter, count: number, dim: number): Promise<void> {
  const out = new VectorWriter(writer.vectors, writer.directory, { storeId: 's', ingestId: 's.0' });
  const next = generator(dim);
  for (let start = 0; start < count; start += BATCH) {
    for (let entry = start; entry < Math.min(count, start + BATCH); entry++) {
      out.add({
        key: vectorKey(entry),
        exampleId: null,
        modelId: null,
        site: 'resid_post',
        tokenSelector: 'last',
        dtype: 'float32',
        dim,
        rows: 1,
        vectors: next(),
        layer: Int32Array.of(VECTOR_LAYER),
        tokenIndex: new Int32Array(1),
        segment: new Uint8Array(1),
      });
    }
    await writer.append([{ table: 'activations', file: (await out.write())!, ingests: ['s.0'] }]);
  }
  const connection = await writer.connect();
  const staging = new Staging(connection, writer.directory);
  const ids = { run_id: 'r', ingest_id: 'r.0', content_sha256: 'x' };
  const counts = { n_generations: 0, n_predictions: 0, n_activations: count, n_issues: 0 };
  const store = { run_id: 'r', ingest_id: 'r.0', store_id: 's', store_ingest_id: 's.0', format: 'lmdb' };
  await staging.append(RUN_STORES, [{ ...store, n_entries: count, n_activations: count }]);
  await staging.append(RUNS, [
    { ...ids, ...counts, family: 'HALLULENS', status: 'completed', ingested_at: 0n },
  ]);
  const files = await staging.write();
  connection.closeSync();
  await writer.append([{ table: 'run_stores', file: files.get('run_stores')!, ingests: ['r.0'] }]);
  await writer.commitRuns(files.get('runs')!, [{ ...ids, stores: ['s.0'] }]);
}

/** Common directions beside the noise of every coordinate, as activations have them. */
const FACTORS = 4;

/** Vectors with a mean, a few strong directions, noise of unlike strength, and 16 significant bits, as bfloat16 sums have. */
function generator(dim: number): () => Float32Array {
  const random = seededRandom(11);
  const normals = () => Float64Array.from({ length: dim }, () => random.normal());
  const mean = normals();
  const factors = Array.from({ length: FACTORS }, normals);
  const strength = Float64Array.from({ length: dim }, () => Math.exp(random.normal()));
  return () => {
    const weights = factors.map((_, f) => random.normal() / (f + 1));
    const vector = new Float32Array(dim);
    for (let j = 0; j < dim; j++) {
      let value = mean[j]! + strength[j]! * (random.next() * 2 - 1);
      for (let f = 0; f < FACTORS; f++) value += weights[f]! * factors[f]![j]!;
      vector[j] = value;
    }
    const bits = new Uint32Array(vector.buffer);
    for (let j = 0; j < dim; j++) bits[j]! &= 0xffffff00;
    return vector;
  };
}

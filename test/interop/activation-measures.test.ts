import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createServer } from '../../graphql/server.ts';
import { storeRow } from '../../graphql/test-support/rows.ts';
import { Staging } from '../../lake/parquet/staging.ts';
import { VectorWriter } from '../../lake/parquet/vectors/writer.ts';
import { RUN_STORES, RUNS } from '../../lake/tables/tables.ts';
import { pythonHas, pythonJson } from '../support/python.ts';
import { type TemporaryLake, temporaryLake } from '../support/temporary-lake.ts';

const LAYERS = 3;
const ENTRIES = 60;
const DIM = 33;

/** Known values of either sign and of several magnitudes, as 32-bit floats. */
function values(layer: number, entry: number): Float32Array {
  return Float32Array.from(
    { length: DIM },
    (_, j) => Math.sin(1 + layer * 977 + entry * 31 + j * j) * 10 ** (j % 4),
  );
}

const NUMPY = `
import json, sys
import numpy as np
layers, entries, dim = map(int, sys.argv[1:4])
x = np.frombuffer(bytes.fromhex(sys.argv[4]), dtype='<f4').reshape(layers, entries, dim).astype(np.float64)
norms = np.linalg.norm(x, axis=-1)
answer = {'dot': (x @ x[1, 7]).tolist(), 'norms': norms.tolist()}
cosine = (x[2] @ x[1, 7]) / norms[2] / norms[1, 7]
order = np.argsort(-cosine)[:5]
answer['nearest'] = [[f'k{i:02}', cosine[i]] for i in order]
print(json.dumps(answer))
`;

interface Expected {
  readonly dot: readonly (readonly number[])[];
  readonly norms: readonly (readonly number[])[];
  readonly nearest: readonly (readonly [string, number])[];
}

describe.skipIf(!pythonHas('numpy'))('measures of activations in a lake are those of numpy', () => {
  let temporary: TemporaryLake;
  let app: FastifyInstance;
  let expected: Expected;

  beforeAll(async () => {
    const vectors = Array.from({ length: LAYERS }, (_, layer) =>
      Array.from({ length: ENTRIES }, (_, entry) => values(layer, entry)),
    );
    const bytes = Buffer.concat(vectors.flat().map(({ buffer }) => Buffer.from(buffer)));
    const sizes = [LAYERS, ENTRIES, DIM].map(String);
    expected = pythonJson(NUMPY, [...sizes, bytes.toString('hex')]) as Expected;

    temporary = await temporaryLake();
    const { lake, writer } = temporary;
    const out = new VectorWriter(writer.vectors, writer.directory, { storeId: 's', ingestId: 's.0' });
    for (let entry = 0; entry < ENTRIES; entry++) {
      out.add({
        key: `k${String(entry).padStart(2, '0')}`,
        exampleId: null,
        modelId: null,
        site: 'resid_post',
        tokenSelector: 'last',
        dtype: 'float32',
        dim: DIM,
        rows: LAYERS,
        vectors: Float32Array.from(vectors.flatMap((layer) => [...layer[entry]!])),
        layer: Int32Array.from({ length: LAYERS }, (_, layer) => layer),
        tokenIndex: new Int32Array(LAYERS),
        segment: new Uint8Array(LAYERS),
      });
    }
    const connection = await writer.connect();
    const staging = new Staging(connection, writer.directory);
    const ids = { run_id: 'r', ingest_id: 'r.0', content_sha256: 'x' };
    const counts = { n_generations: 0, n_predictions: 0, n_activations: LAYERS * ENTRIES, n_issues: 0 };
    await staging.append(RUN_STORES, [{ ...storeRow('r', 's'), ingest_id: 'r.0', store_ingest_id: 's.0' }]);
    await staging.append(RUNS, [
      { ...ids, ...counts, family: 'HALLULENS', status: 'completed', ingested_at: 0n },
    ]);
    const files = await staging.write();
    connection.closeSync();
    await writer.append([
      { table: 'activations', file: (await out.write())!, ingests: ['s.0'] },
      { table: 'run_stores', file: files.get('run_stores')!, ingests: ['r.0'] },
    ]);
    await writer.commitRuns(files.get('runs')!, [{ ...ids, stores: ['s.0'] }]);
    app = await createServer({ reader: lake });
  });
  afterAll(async () => {
    await app.close();
    await temporary.remove();
  });

  async function ask(query: string) {
    const response = await app.inject({
      method: 'POST',
      url: '/graphql',
      payload: { query: `{ ${query} }` },
    });
    return response.json().data;
  }

  it('products and norms', async () => {
    const { projectActivations } = await ask(
      'projectActivations(against: {activation: {activationKey: "k07", layer: 1}}, runIds: ["r"], first: 1000) { n rows { activationKey layer value norm } }',
    );
    expect(projectActivations.n).toBe(LAYERS * ENTRIES - 1);
    const previous = { value: Number.POSITIVE_INFINITY };
    for (const { activationKey, layer, value, norm } of projectActivations.rows) {
      const entry = Number(activationKey.slice(1));
      const scale = expected.norms[layer]![entry]! * expected.norms[1]![7]!;
      expect(Math.abs(value - expected.dot[layer]![entry]!)).toBeLessThan(1e-12 * scale);
      expect(norm).toBeCloseTo(expected.norms[layer]![entry]!, 8);
      expect(value).toBeLessThanOrEqual(previous.value);
      previous.value = value;
    }
  });

  it('nearest neighbours in another layer', async () => {
    const { nearestActivations } = await ask(
      'nearestActivations(to: {activation: {activationKey: "k07", layer: 1}}, runIds: ["r"], layer: 2, k: 5) { n rows { activationKey value } }',
    );
    expect(nearestActivations.n).toBe(ENTRIES);
    expect(nearestActivations.rows).toEqual(
      expected.nearest.map(([activationKey, value]) => ({ activationKey, value: expect.closeTo(value, 12) })),
    );
  });
});

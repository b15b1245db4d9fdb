import { readFileSync } from 'node:fs';
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
    (_, j) => Math.sin(1 + layer * 977 + entry * (31 + j) + j * j) * 10 ** (j % 4),
  );
}

const NUMPY = `
import json, sys
import numpy as np
from sklearn.decomposition import PCA
from sklearn.metrics import calinski_harabasz_score, silhouette_score
from sklearn.metrics.pairwise import cosine_similarity
layers, entries, dim = map(int, sys.argv[1:4])
x = np.frombuffer(bytes.fromhex(sys.argv[4]), dtype='<f4').reshape(layers, entries, dim).astype(np.float64)
norms = np.linalg.norm(x, axis=-1)
answer = {'dot': (x @ x[1, 7]).tolist(), 'norms': norms.tolist()}
cosine = (x[2] @ x[1, 7]) / norms[2] / norms[1, 7]
order = np.argsort(-cosine)[:5]
answer['nearest'] = [[f'k{i:02}', cosine[i]] for i in order]
answer['layers'] = []
labels = np.arange(entries) % 3 == 0
for layer in x:
    pca = PCA(4, svd_solver='full').fit(layer)
    difference = layer[labels].mean(0) - layer[~labels].mean(0)
    answer['layers'].append({
        'total': layer.var(axis=0, ddof=1).sum(),
        'variances': pca.explained_variance_.tolist(),
        'ratios': pca.explained_variance_ratio_.tolist(),
        'components': pca.components_.tolist(),
        'scores': pca.transform(layer).tolist(),
        'difference': difference.tolist(),
        'cosine': cosine_similarity([layer[labels].mean(0)], [layer[~labels].mean(0)])[0, 0],
        'fisherRatio': calinski_harabasz_score(layer, labels) / (entries - 2),
        'silhouette': silhouette_score(layer, labels, metric='sqeuclidean'),
    })
print(json.dumps(answer))
`;

interface Expected {
  readonly dot: readonly (readonly number[])[];
  readonly norms: readonly (readonly number[])[];
  readonly nearest: readonly (readonly [string, number])[];
  readonly layers: readonly {
    readonly total: number;
    readonly variances: readonly number[];
    readonly ratios: readonly number[];
    readonly components: readonly (readonly number[])[];
    readonly scores: readonly (readonly number[])[];
    readonly difference: readonly number[];
    readonly cosine: number;
    readonly fisherRatio: number;
    readonly silhouette: number;
  }[];
}

describe.skipIf(!pythonHas('numpy', 'sklearn'))(
  'measures of activations in a lake are those of numpy and scikit-learn',
  () => {
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
      // scikit-learn takes long to load on a busy machine.
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
        expected.nearest.map(([activationKey, value]) => ({
          activationKey,
          value: expect.closeTo(value, 12),
        })),
      );
    });

    it('principal components', async () => {
      const { pcaActivations } = await ask(
        'pcaActivations(runIds: ["r"], k: 4, points: 60) { layer n dim totalVariance residual components { explainedVariance explainedVarianceRatio vector } points { activationKey scores } }',
      );
      expect(pcaActivations).toHaveLength(LAYERS);
      for (const { layer, n, dim, totalVariance, residual, components, points } of pcaActivations) {
        const { total, variances, ratios, components: directions, scores } = expected.layers[layer]!;
        expect([n, dim, components.length, points.length]).toEqual([ENTRIES, DIM, 4, ENTRIES]);
        expect(totalVariance / total).toBeCloseTo(1, 12);
        expect(residual).toBeLessThanOrEqual(1e-10);
        components.forEach((component: Component, c: number) => {
          expect(component.explainedVariance / variances[c]!).toBeCloseTo(1, 10);
          expect(component.explainedVarianceRatio).toBeCloseTo(ratios[c]!, 10);
          expect(component.vector).toEqual(directions[c]!.map((value) => expect.closeTo(value, 7)));
        });
        const unit = Math.sqrt(variances[0]!);
        points.forEach(({ activationKey, scores: found }: { activationKey: string; scores: number[] }) => {
          found.forEach((score, c) => {
            const reference = scores[Number(activationKey.slice(1))]![c]!;
            expect(Math.abs(score - reference)).toBeLessThan(1e-7 * unit);
          });
        });
      }
    });

    it('differences and separations of two classes', async () => {
      const keys = (wanted: boolean) =>
        JSON.stringify(
          Array.from({ length: ENTRIES }, (_, i) => i)
            .filter((i) => (i % 3 === 0) === wanted)
            .map((i) => `k${String(i).padStart(2, '0')}`),
        );
      const classes = `positive: {activationKey: {in: ${keys(true)}}}, negative: {activationKey: {in: ${keys(false)}}}`;
      const { differenceOfMeans, classSeparation } = await ask(
        `differenceOfMeans(${classes}) { layer nPositive nNegative cosine vector } classSeparation(${classes}) { layer nPositive fisherRatio silhouette auroc { value low high } }`,
      );
      for (const { layer, nPositive, nNegative, cosine, vector } of differenceOfMeans) {
        expect([nPositive, nNegative]).toEqual([20, 40]);
        expect(cosine).toBeCloseTo(expected.layers[layer]!.cosine, 10);
        const { difference } = expected.layers[layer]!;
        const scale = Math.max(...difference.map(Math.abs));
        vector.forEach((value: number, j: number) => {
          expect(Math.abs(value - difference[j]!)).toBeLessThan(1e-12 * scale);
        });
      }
      for (const { layer, fisherRatio, silhouette, auroc } of classSeparation) {
        expect(fisherRatio).toBeCloseTo(expected.layers[layer]!.fisherRatio, 12);
        expect(silhouette).toBeCloseTo(expected.layers[layer]!.silhouette, 12);
        expect(auroc.low).toBeLessThanOrEqual(auroc.value);
      }
    });

    it('are the same in SQL', async () => {
      const { sql, projectActivations } = await ask(
        `sql(query: """${MEASURES}""") { rows } projectActivations(against: {activation: {activationKey: "k07", layer: 1}}, measure: COSINE, layer: 2, first: 5) { rows { activationKey value } }`,
      );
      expect(sql.rows.map(([key, , cosine]: [string, number, number]) => [key, cosine])).toEqual(
        projectActivations.rows.map(({ activationKey, value }: { activationKey: string; value: number }) => [
          activationKey,
          expect.closeTo(value, 12),
        ]),
      );
      for (const [key, dot, , norm] of sql.rows) {
        const entry = Number(key.slice(1));
        expect(dot / expected.dot[2]![entry]!).toBeCloseTo(1, 10);
        expect(norm).toBeCloseTo(expected.norms[2]![entry]!, 8);
      }
    });
  },
);

interface Component {
  readonly explainedVariance: number;
  readonly explainedVarianceRatio: number;
  readonly vector: readonly number[];
}

/** The first statement of docs/graphql.md, with an activation of this lake for the one that it names. */
const MEASURES = (
  /```sql\n([^`]+)```/.exec(readFileSync(new URL('../../docs/graphql.md', import.meta.url), 'utf8'))?.[1] ??
  ''
).replace(/'[0-9a-f]{64}'/, "'k07'");

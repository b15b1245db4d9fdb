import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { auroc, rankScores } from '../../../../ingest/stats/index.ts';
import { CancelledError, InvalidArgumentError } from '../../../../lake/errors.ts';
import { pythonHas, pythonJson } from '../../../../test/support/python.ts';
import { seededRandom } from '../../../stats/index.ts';
import { ledoitWolf } from '../contrastive/covariance.ts';
import { tfIdfFeatures, wordTable } from '../controls/text-features.ts';
import { createMatrix, matrixOf } from '../matrix.ts';
import { mask, splitsOf } from '../splits.ts';
import { fitPath } from './fit-path.ts';
import { Lbfgs } from './lbfgs.ts';
import { fitLogistic, logitsOf } from './logistic.ts';
import { Products } from './products.ts';

const { signal } = new AbortController();
const ROWS = 120;
const DIM = 9;

/** Features of different means and scales, one of them constant, two nearly the same; labels that they half explain. */
function sample() {
  const random = seededRandom(11);
  const features = new Float32Array(ROWS * DIM);
  const labels = new Uint8Array(ROWS);
  for (let row = 0; row < ROWS; row++) {
    const own = Array.from({ length: DIM }, (_, j) =>
      j === 4 ? 3 : 500 * (j % 3) + (1 + j) * random.normal(),
    );
    own[8] = own[7]! + 0.1 * random.normal();
    features.set(own, row * DIM);
    labels[row] = own[0]! + own[1]! / 2 - 250 + random.normal() > 0 ? 1 : 0;
  }
  return { features, labels };
}

const { features, labels } = sample();
const rows = [0, 1, 2].map((fold) => mask(ROWS, (row) => row % 3 !== fold));
const regressions = rows.flatMap((own) => [0.01, 1, 10].map((c) => ({ rows: own, labels, c })));

describe('logistic regression', () => {
  let products: Products;
  beforeAll(async () => {
    products = await Products.open(1);
  });
  afterAll(() => products.close());
  const scoresOf = async (matrix: ReturnType<typeof matrixOf>, tolerance?: number, standardise = true) => {
    const options = { standardise, maxIterations: 300, ...(tolerance !== undefined && { tolerance }) };
    const fits = await fitLogistic(matrix, regressions, products, signal, options);
    return logitsOf(
      matrix,
      fits.map(({ model }) => model),
      products,
      signal,
    );
  };

  const needed = ['numpy', 'sklearn'];
  test.skipIf(!pythonHas(...needed))(
    'agrees with scikit-learn, and so do TF-IDF and the shrunk covariance',
    async () => {
      const texts = ['A cat sat.', 'the cat, THE dog', 'dog_1 dog_1 sat', 'é É élan', 'the the cat élan', ''];
      const train = Uint8Array.of(1, 1, 1, 1, 1, 0);
      const reference = z
        .object({
          scores: z.array(z.array(z.number())),
          tfidf: z.array(z.array(z.number())),
          words: z.array(z.string()),
          covariance: z.array(z.number()),
        })
        .parse(
          pythonJson(
            `
import json, os, sys
os.environ['OMP_NUM_THREADS'] = '1'
import numpy as np
from sklearn.covariance import LedoitWolf
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
given = json.loads(sys.argv[1])
x, y = np.array(given["x"], "f4").reshape(len(given["y"]), -1).astype(float), np.array(given["y"])
scores = []
for rows in given["rows"]:
    train = np.array(rows) == 1
    for c in (0.01, 1, 10):
        model = make_pipeline(StandardScaler(), LogisticRegression(C=c, tol=1e-10, solver='newton-cholesky'))
        scores.append(model.fit(x[train], y[train]).decision_function(x).tolist())
words = TfidfVectorizer(min_df=2).fit([t for t, own in zip(given["texts"], given["train"]) if own])
json.dump(dict(scores=scores, tfidf=words.transform(given["texts"]).toarray().tolist(),
               words=words.get_feature_names_out().tolist(),
               covariance=LedoitWolf().fit(x).covariance_.ravel().tolist()), sys.stdout)`,
            [
              JSON.stringify({
                x: [...features],
                y: [...labels],
                rows: rows.map((own) => [...own]),
                texts,
                train: [...train],
              }),
            ],
          ),
        );
      const fine = await scoresOf(matrixOf(Float32Array.from(features), DIM), 1e-5);
      const usual = await scoresOf(matrixOf(Float32Array.from(features), DIM));
      reference.scores.forEach((expected, i) => {
        const spread = Math.max(...expected.map(Math.abs));
        const worst = Math.max(...expected.map((score, row) => Math.abs(score - fine[i]![row]!)));
        expect(worst / spread, `regression ${i}`).toBeLessThan(1e-3);
        const ranked = (scores: ArrayLike<number>): number => auroc(rankScores(scores, labels));
        expect(Math.abs(ranked(usual[i]!) - ranked(expected))).toBeLessThan(0.005);
      });

      const { covariance } = ledoitWolf(features, DIM);
      const spread = Math.max(...reference.covariance);
      reference.covariance.forEach((value, at) => {
        expect(Math.abs(covariance[at]! - value) / spread).toBeLessThan(1e-6);
      });

      const found = tfIdfFeatures(wordTable(texts), train, 100);
      const order = reference.words.map((word) => found.words.indexOf(word));
      expect(order).not.toContain(-1);
      expect(found.words.length).toBe(order.length);
      reference.tfidf.forEach((line, row) => {
        line.forEach((value, j) => {
          expect(found.features[row * order.length + order[j]!]).toBeCloseTo(value, 6);
        });
      });
    },
  );

  test('features in a file give what features in memory give, and leave no file behind', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'runlake-probe-'));
    const inMemory = await scoresOf(matrixOf(Float32Array.from(features), DIM));
    const writer = await createMatrix(ROWS, DIM, { memoryBytes: 100, file: join(directory, 'features') });
    for (let row = 0; row < ROWS; row += 50)
      await writer.append(features.subarray(row * DIM, Math.min(ROWS, row + 50) * DIM));
    const matrix = await writer.finish();
    const fromFile = await scoresOf(matrix);
    fromFile.forEach((scores, i) => {
      scores.forEach((score, row) => {
        expect(score).toBeCloseTo(inMemory[i]![row]!, 2);
      });
    });
    await matrix.close();
    expect(readdirSync(directory)).toEqual([]);
    rmSync(directory, { recursive: true });
  });

  test('without standardising the penalty is on the raw features', async () => {
    // Of a feature a thousand times as small the weight would have to be a thousand times as large.
    const small = Float32Array.from({ length: ROWS }, (_, row) => (labels[row] === 1 ? 1e-3 : -1e-3));
    const one = [{ rows: new Uint8Array(ROWS).fill(1), labels, c: 1 }];
    const weight = async (standardise: boolean): Promise<number> => {
      const [fit] = await fitLogistic(matrixOf(Float32Array.from(small), 1), one, products, signal, {
        standardise,
      });
      return fit!.model.weights[0]!;
    };
    expect(await weight(false)).toBeLessThan(0.1);
    expect(await weight(true)).toBeGreaterThan(1000);
  });

  test('the penalty is chosen on the training rows: the test rows may say what they like', async () => {
    const data = { groups: Int32Array.from({ length: ROWS }, (_, row) => row), labels };
    const splits = splitsOf(data, { kind: 'holdout', testShare: 0.3 }, 3, seededRandom(2));
    const fitOn = async (own: Uint8Array) => {
      const matrix = matrixOf(Float32Array.from(features), DIM);
      const [found] = await fitPath(matrix, own, splits, products, signal, { path: [0.001, 0.1, 10] });
      return { c: found!.c, validation: found!.validation, weights: found!.model.weights };
    };
    const turned = labels.map((label, row) => (splits[0]!.test[row] === 1 ? 1 - label : label));
    expect(await fitOn(turned)).toEqual(await fitOn(labels));
    expect((await fitOn(labels)).validation.every((value) => value > 0.6)).toBe(true);
  });

  test('one class alone, and somebody who has changed his mind', async () => {
    const matrix = matrixOf(Float32Array.from(features), DIM);
    const alone = [{ rows: mask(ROWS, (row) => labels[row] === 1), labels, c: 1 }];
    await expect(fitLogistic(matrix, alone, products, signal)).rejects.toThrow(InvalidArgumentError);
    const cancelled = fitLogistic(matrix, regressions, products, AbortSignal.abort());
    await expect(cancelled).rejects.toThrow(CancelledError);
    expect(await logitsOf(matrix, [], products, signal)).toEqual([]);
  });
});

test('L-BFGS finds the minimum of any well-behaved quadratic function', () => {
  const number = fc.double({ min: -3, max: 3, noNaN: true });
  const member = fc.record({ centre: number, curvature: fc.double({ min: 0.1, max: 10, noNaN: true }) });
  fc.assert(
    fc.property(fc.array(member, { minLength: 1, maxLength: 8 }), (members) => {
      const search = new Lbfgs(new Float64Array(members.length), { tolerance: 1e-8, maxIterations: 500 });
      while (search.finished === undefined) {
        const away = members.map(({ centre }, i) => search.trial[i]! - centre);
        const value = members.reduce((sum, { curvature }, i) => sum + (curvature * away[i]! ** 2) / 2, 1);
        search.tell(
          value,
          Float64Array.from(members, ({ curvature }, i) => curvature * away[i]!),
        );
      }
      members.forEach(({ centre }, i) => {
        expect(Math.abs(search.trial[i]! - centre)).toBeLessThan(1e-3);
      });
    }),
  );
});

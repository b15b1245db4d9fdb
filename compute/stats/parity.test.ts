import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { pythonHas, pythonJson } from '../../test/support/python.ts';
import {
  benjaminiHochberg,
  bootstrap,
  clusteredMean,
  erfc,
  holm,
  mcnemarExact,
  normalCdf,
  normalQuantile,
  pairedBootstrap,
  pairedDelong,
  seededRandom,
  weightedAveragePrecision,
  wilsonInterval,
} from './index.ts';
import { byCluster, byLabel, resample, type Strata } from './resample.ts';

const REFERENCE = `
import json, sys
import numpy as np
from scipy import special, stats
from sklearn.metrics import average_precision_score, roc_auc_score
given = json.loads(sys.argv[1])
scores, labels, other = (np.array(given[k]) for k in ("scores", "labels", "other"))
def of(metric):
    drawn = [metric(np.repeat(labels, w), np.repeat(scores, w)) for w in given["weights"]]
    return [float(np.percentile(drawn, 2.5)), float(np.percentile(drawn, 97.5)), float(np.std(drawn, ddof=1))]
def delong(a, b):
    # The definition, pair by pair.
    def parts(s):
        wins = np.sign(s[labels == 1][:, None] - s[labels == 0][None, :]) / 2 + 0.5
        return wins.mean(1), wins.mean(0)
    (pa, na), (pb, nb) = parts(a), parts(b)
    var = np.var(pa - pb, ddof=1) / len(pa) + np.var(na - nb, ddof=1) / len(na)
    z = (pa.mean() - pb.mean()) / np.sqrt(var)
    return [float(pa.mean() - pb.mean()), float(np.sqrt(var)), float(2 * stats.norm.sf(abs(z)))]
def holm(p):
    order = np.argsort(p); out = np.empty(len(p))
    out[order] = np.minimum(1, np.maximum.accumulate(np.sort(p) * np.arange(len(p), 0, -1)))
    return out.tolist()
clusters = np.array(given["clusters"])
def clustered_bootstrap():
    # Whole clusters, row by row.
    drawn = []
    for weights in given["clustered"]:
        rows = np.repeat(np.arange(len(labels)), weights)
        drawn.append(roc_auc_score(labels[rows], scores[rows]) - roc_auc_score(labels[rows], other[rows]))
    return [float(np.percentile(drawn, 2.5)), float(np.percentile(drawn, 97.5)), float(np.std(drawn, ddof=1))]
def clustered_mean():
    # The sandwich of a regression on a constant.
    ones, u = np.ones((len(scores), 1)), scores - scores.mean()
    names = np.unique(clusters)
    bread = np.linalg.inv(ones.T @ ones)
    meat = sum(np.outer(ones[clusters == g].T @ u[clusters == g], ones[clusters == g].T @ u[clusters == g]) for g in names)
    se = float(np.sqrt((bread @ meat @ bread)[0, 0] * len(names) / (len(names) - 1)))
    t = stats.t(len(names) - 1)
    half = t.ppf(0.975) * se
    return [scores.mean(), se, scores.mean() - half, scores.mean() + half, 2 * t.sf(abs(scores.mean()) / se)]
ps, zs, qs = given["ps"], given["zs"], given["qs"]
json.dump(dict(
    auroc=of(roc_auc_score), auprc=of(average_precision_score), delong=delong(scores, other),
    clustered=clustered_bootstrap(), clustered_mean=clustered_mean(),
    holm=holm(np.array(ps)), bh=stats.false_discovery_control(ps).tolist(),
    cdf=stats.norm.cdf(zs).tolist(), erfc=special.erfc(zs).tolist(), ppf=stats.norm.ppf(qs).tolist(),
    wilson=[list(stats.binomtest(k, n).proportion_ci(c, "wilson")) for k, n, c in given["wilson"]],
    mcnemar=[float(stats.binomtest(b, b + c, 0.5).pvalue) for b, c in given["mcnemar"]],
), sys.stdout)
`;

const numbers = z.array(z.number());
const reference = z.object({
  auroc: numbers,
  auprc: numbers,
  delong: numbers,
  clustered: numbers,
  clustered_mean: numbers,
  holm: numbers,
  bh: numbers,
  cdf: numbers,
  erfc: numbers,
  ppf: numbers,
  wilson: z.array(numbers),
  mcnemar: numbers,
});

/** Relative, absolute below 1e-3. */
function expectClose(found: readonly number[], expected: readonly number[], floor = 1e-3): void {
  expect(found.length).toBe(expected.length);
  found.forEach((value, i) => {
    const error = Math.abs(value - expected[i]!) / Math.max(floor, Math.abs(expected[i]!));
    expect(error, `${value} is not ${expected[i]}`).toBeLessThan(1e-9);
  });
}

describe.skipIf(!pythonHas('numpy', 'scipy', 'sklearn'))('statistics', () => {
  test('agree with scipy, scikit-learn and numpy to 1e-9', async () => {
    const random = seededRandom(1);
    const labels = Array.from({ length: 60 }, () => random.below(2));
    // Rounded, so that there are ties.
    const scores = labels.map((label) => Math.round(4 * (random.normal() + label)) / 4);
    const other = labels.map((label) => Math.round(4 * (random.normal() + label / 2)) / 4);
    const clusters = labels.map((_, i) => i % 17);
    const draws = (strata: Strata) => {
      const from = seededRandom(9);
      return Array.from({ length: 100 }, () => {
        const drawn = new Uint32Array(labels.length);
        resample(strata, from, drawn);
        return [...drawn];
      });
    };
    const given = {
      labels,
      scores,
      other,
      clusters,
      weights: draws(byLabel(labels)),
      clustered: draws(byCluster(clusters)),
      ps: [0.04, 0.001, 0.5, 0.03, 0.9, 0.001, 0.049],
      zs: [-30, -8, -3, -2.2, -1.5, -1, -0.1, 0, 0.4, 1, 1.6, 2.5, 5],
      qs: [1e-200, 1e-12, 0.001, 0.025, 0.2, 0.4999, 0.5, 0.7, 0.975, 0.999999],
      wilson: [
        [0, 7, 0.95],
        [3, 7, 0.95],
        [450, 598, 0.99],
        [9, 9, 0.9],
      ] as const,
      mcnemar: [
        [3, 9],
        [5, 5],
        [0, 12],
        [40, 71],
      ] as const,
    };
    const expected = reference.parse(pythonJson(REFERENCE, [JSON.stringify(given)]));
    const interval = async (options: Parameters<typeof bootstrap>[2]) => {
      const { low, high, standardError } = await bootstrap(scores, labels, {
        resamples: 100,
        random: seededRandom(9),
        ...options,
      });
      return [low, high, standardError];
    };
    expectClose(await interval({}), expected.auroc);
    expectClose(await interval({ metric: weightedAveragePrecision }), expected.auprc);
    const { difference, standardError, pValue } = pairedDelong(scores, other, labels);
    expectClose([difference, standardError, pValue], expected.delong);
    const options = { resamples: 100, random: seededRandom(9), clusters };
    const drawn = await pairedBootstrap(scores, other, labels, options);
    expectClose([drawn.low, drawn.high, drawn.standardError], expected.clustered);
    const mean = clusteredMean(scores, clusters);
    expectClose([mean.mean, mean.standardError, mean.low, mean.high, mean.pValue], expected.clustered_mean);
    expectClose(holm(given.ps), expected.holm);
    expectClose(benjaminiHochberg(given.ps), expected.bh);
    expectClose(given.zs.map(normalCdf), expected.cdf, 1e-300);
    expectClose(given.zs.map(erfc), expected.erfc, 1e-300);
    expectClose(given.qs.map(normalQuantile), expected.ppf);
    given.wilson.forEach(([k, n, confidence], i) => {
      const { low, high } = wilsonInterval(k, n, confidence);
      expectClose([low, high], expected.wilson[i]!);
    });
    expectClose(
      given.mcnemar.map(([b, c]) => mcnemarExact(b, c)),
      expected.mcnemar,
    );
  });
});

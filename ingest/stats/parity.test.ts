import { describe, expect, test } from 'vitest';
import { pythonHas, pythonJson } from '../../test/support/python.ts';
import {
  accuracy,
  auroc,
  averagePrecision,
  confusion,
  expectedCalibrationError,
  f1,
  fprAtTpr,
  logBeta,
  rankScores,
  regularisedBeta,
  studentTCdf,
  studentTQuantile,
  summarise,
} from './index.ts';

const REFERENCE = `
import json, sys, warnings
import mpmath
import numpy as np
from scipy import stats
from sklearn import metrics
warnings.simplefilter("ignore")
rng = np.random.default_rng(7)

def case(n, levels, spread):
    labels = rng.integers(0, 2, n)
    labels[:2] = [0, 1]
    scores = rng.normal(labels * 0.4, spread, n)
    if levels:
        scores = np.round(scores * levels) / levels
    predictions = (scores >= 0.5).astype(int)
    fpr, tpr, _ = metrics.roc_curve(labels, scores)
    clipped = np.clip(scores, 0, 1)
    bins = np.digitize(clipped, np.linspace(0, 1, 16)[1:-1])
    ece = sum(abs(clipped[bins == b].mean() - labels[bins == b].mean()) * (bins == b).mean()
              for b in range(15) if (bins == b).any())
    return dict(labels=labels.tolist(), scores=scores.tolist(), predictions=predictions.tolist(),
                auroc=metrics.roc_auc_score(labels, scores), auprc=metrics.average_precision_score(labels, scores),
                fpr95=float(np.interp(0.95, tpr, fpr)), fpr90=float(np.interp(0.9, tpr, fpr)), ece=float(ece),
                accuracy=metrics.accuracy_score(labels, predictions),
                f1=metrics.f1_score(labels, predictions, zero_division=0))

cases = [case(int(n), levels, spread) for n in (2, 3, 7, 20, 40, 100, 1000)
         for levels in (0, 1, 3, 15, 30) for spread in (0.2, 1.0)]
dfs = [0.3, 1, 1.5, 2, 3, 4, 5, 9, 10, 29.5, 30, 100, 300]
ps = [1e-12, 1e-6, 0.001, 0.005, 0.025, 0.05, 0.2, 0.4, 0.49, 0.4999, 0.51, 0.6, 0.75, 0.9, 0.95, 0.975, 0.995, 0.9999]
ts = [-60.0, -8.0, -2.5, -1.0, -0.49, -0.01, 0.0, 1e-7, 0.3, 0.7, 1.96, 5.0, 37.0]
betas = [(a, b, x) for a in (0.5, 1, 2.5, 17, 150) for b in (0.5, 1, 3, 40.5) for x in (0.001, 0.2, 0.5, 0.9, 0.9999)]
samples = [rng.normal(3, 2, n).tolist() for n in (2, 3, 5, 17)]

# scipy itself is off by up to 1e-8 in the corners, so the distribution comes from 40-digit arithmetic.
mpmath.mp.dps = 40
mpf = mpmath.mpf
def cdf(t, d):
    t, d = mpf(t), mpf(d)
    tail = mpmath.betainc(d / 2, mpf(1) / 2, 0, d / (d + t * t), regularized=True) / 2
    return tail if t < 0 else 1 - tail
def pdf(t, d):
    d = mpf(d)
    return (1 + t * t / d) ** (-(d + 1) / 2) / (mpmath.sqrt(d) * mpmath.beta(mpf(1) / 2, d / 2))
def quantile(p, d):
    t = mpf(float(stats.t.ppf(p, d)))
    for _ in range(4):
        t -= (cdf(t, d) - mpf(p)) / pdf(t, d)
    return t

json.dump(dict(
    cases=cases,
    cdf=[(t, d, float(cdf(t, d))) for d in dfs for t in ts],
    quantile=[(p, d, float(quantile(p, d))) for d in dfs for p in ps],
    largeDf=[(p, d, float(stats.t.ppf(p, d))) for d in (2000, 12345.5, 1e6, 1e9) for p in (0.9, 0.975, 0.9995)],
    betainc=[(a, b, x, float(mpmath.betainc(a, b, 0, x, regularized=True))) for a, b, x in betas],
    betaln=[(a, b, float(mpmath.log(mpmath.beta(a, b)))) for a in (0.1, 0.5, 3, 15.9, 16, 1e4) for b in (0.5, 2, 20, 5e5)],
    intervals=[(s, float(np.mean(s)), float(np.std(s, ddof=1)), float(stats.sem(s)),
                float(stats.sem(s) * stats.t.ppf(0.995, len(s) - 1))) for s in samples],
), sys.stdout)
`;

interface Reference {
  readonly cases: readonly {
    readonly labels: number[];
    readonly scores: number[];
    readonly predictions: number[];
    readonly auroc: number;
    readonly auprc: number;
    readonly fpr95: number;
    readonly fpr90: number;
    readonly ece: number;
    readonly accuracy: number;
    readonly f1: number;
  }[];
  readonly cdf: readonly (readonly [number, number, number])[];
  readonly quantile: readonly (readonly [number, number, number])[];
  readonly largeDf: readonly (readonly [number, number, number])[];
  readonly betainc: readonly (readonly [number, number, number, number])[];
  readonly betaln: readonly (readonly [number, number, number])[];
  readonly intervals: readonly (readonly [number[], number, number, number, number])[];
}

/** Relative where the expected value is far from zero, absolute at `floor`. */
function expectClose(actual: number, expected: number, tolerance: number, what: string, floor = 1): void {
  const error = Math.abs(actual - expected) / Math.max(Math.abs(expected), floor);
  expect(error, `${what}: ${actual} is not ${expected}`).toBeLessThanOrEqual(tolerance);
}

describe.skipIf(!pythonHas('mpmath', 'numpy', 'scipy', 'sklearn'))('statistics', () => {
  const reference = pythonHas('mpmath', 'numpy', 'scipy', 'sklearn')
    ? (pythonJson(REFERENCE) as Reference)
    : undefined;
  if (reference === undefined) return;

  test('metrics agree with scikit-learn and numpy, ties included', () => {
    expect(reference.cases.length).toBe(70);
    for (const [i, c] of reference.cases.entries()) {
      const ranked = rankScores(c.scores, c.labels);
      const counts = confusion(c.predictions, c.labels);
      expectClose(auroc(ranked), c.auroc, 1e-12, `auroc of case ${i}`);
      expectClose(averagePrecision(ranked), c.auprc, 1e-12, `average precision of case ${i}`);
      expectClose(fprAtTpr(ranked, 0.95), c.fpr95, 1e-12, `fpr95 of case ${i}`);
      expectClose(fprAtTpr(ranked, 0.9), c.fpr90, 1e-12, `fpr90 of case ${i}`);
      expectClose(expectedCalibrationError(c.scores, c.labels), c.ece, 1e-12, `ece of case ${i}`);
      expectClose(accuracy(counts), c.accuracy, 1e-15, `accuracy of case ${i}`);
      expectClose(f1(counts), c.f1, 1e-15, `f1 of case ${i}`);
    }
  });

  test('Student t agrees with 40-digit arithmetic', () => {
    for (const [t, df, expected] of reference.cdf)
      expectClose(studentTCdf(t, df), expected, 1e-12, `cdf(${t}, ${df})`, 1e-300);
    for (const [p, df, expected] of reference.quantile)
      expectClose(studentTQuantile(p, df), expected, 1e-12, `quantile(${p}, ${df})`, 1e-300);
  });

  test('large degrees of freedom agree with scipy', () => {
    for (const [p, df, expected] of reference.largeDf)
      expectClose(studentTQuantile(p, df), expected, 1e-12, `quantile(${p}, ${df})`);
  });

  test('beta functions agree with 40-digit arithmetic', () => {
    for (const [a, b, x, expected] of reference.betainc)
      expectClose(regularisedBeta(a, b, x), expected, 1e-11, `I_${x}(${a}, ${b})`, 1e-300);
    for (const [a, b, expected] of reference.betaln)
      expectClose(logBeta(a, b), expected, 1e-13, `ln B(${a}, ${b})`);
  });

  test('means, standard errors and t intervals agree with scipy', () => {
    for (const [values, mean, sd, sem, halfWidth] of reference.intervals) {
      const summary = summarise(values, 0.99);
      expect(summary.n).toBe(values.length);
      expectClose(summary.mean, mean, 1e-14, 'mean');
      expectClose(summary.sd, sd, 1e-14, 'sd');
      expectClose(summary.sem, sem, 1e-14, 'sem');
      expectClose(summary.halfWidth, halfWidth, 1e-12, 'half width');
    }
  });
});

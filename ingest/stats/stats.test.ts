import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { InvalidArgumentError } from '../../lake/errors.ts';
import {
  auroc,
  averagePrecision,
  calibrationCurve,
  confusion,
  expectedCalibrationError,
  f1,
  fprAtTpr,
  mean,
  rankScores,
  regularisedBeta,
  studentTCdf,
  studentTQuantile,
  summarise,
} from './index.ts';

const labelled = fc.array(fc.tuple(fc.integer({ min: -4, max: 4 }), fc.integer({ min: 0, max: 1 })), {
  maxLength: 40,
});

describe('rank metrics', () => {
  test('AUROC is the share of ordered pairs', () => {
    fc.assert(
      fc.property(labelled, (rows) => {
        const positives = rows.filter(([, label]) => label === 1);
        const negatives = rows.filter(([, label]) => label === 0);
        let won = 0;
        for (const [p] of positives) for (const [n] of negatives) won += p > n ? 1 : p === n ? 0.5 : 0;
        const expected = won / (positives.length * negatives.length);
        const actual = auroc(
          rankScores(
            rows.map(([s]) => s),
            rows.map(([, l]) => l),
          ),
        );
        if (Number.isNaN(expected)) expect(actual).toBeNaN();
        else expect(actual).toBeCloseTo(expected, 12);
      }),
    );
  });

  test('a strictly increasing map of the scores changes nothing, a reversed score mirrors AUROC', () => {
    fc.assert(
      fc.property(labelled, (rows) => {
        const labels = rows.map(([, label]) => label);
        const ranked = rankScores(
          rows.map(([s]) => s),
          labels,
        );
        const mapped = rankScores(
          rows.map(([s]) => Math.exp(s) - 7),
          labels,
        );
        expect(auroc(mapped)).toEqual(auroc(ranked));
        expect(averagePrecision(mapped)).toEqual(averagePrecision(ranked));
        expect(fprAtTpr(mapped, 0.95)).toEqual(fprAtTpr(ranked, 0.95));
        const reversed = rankScores(
          rows.map(([s]) => -s),
          labels,
        );
        if (!Number.isNaN(auroc(ranked))) expect(auroc(reversed)).toBeCloseTo(1 - auroc(ranked), 12);
      }),
    );
  });

  test('infinite scores rank at the ends', () => {
    expect(auroc(rankScores([-Infinity, Infinity, 0, 1], [0, 1, 0, 1]))).toBe(1);
  });

  test('one class alone has no AUROC', () => {
    expect(auroc(rankScores([1, 2], [1, 1]))).toBeNaN();
    expect(fprAtTpr(rankScores([1, 2], [0, 0]), 0.95)).toBeNaN();
    expect(averagePrecision(rankScores([1, 2], [0, 0]))).toBeNaN();
  });
});

describe('calibration', () => {
  test('a score on an edge belongs to the bin on its right, 1 to the last bin, outliers to the ends', () => {
    const curve = calibrationCurve([0, 1 / 15, 2 * (1 / 15), 1, 7, -3], [0, 0, 0, 1, 1, 0]);
    expect(curve.map((bin) => bin.count)).toEqual([2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2]);
  });

  test('perfect confidence has no error, perfect contradiction has 1', () => {
    expect(expectedCalibrationError([0, 1, 1], [0, 1, 1])).toBe(0);
    expect(expectedCalibrationError([1, 0], [0, 1])).toBe(1);
    expect(expectedCalibrationError([], [])).toBeNaN();
  });
});

test('F1 without any positive is 0', () => {
  expect(f1(confusion([0, 0], [0, 0]))).toBe(0);
});

describe('Student t', () => {
  const df = fc.double({ min: 0.5, max: 1e5, noNaN: true });

  test('the quantile inverts the distribution function', () => {
    fc.assert(
      fc.property(fc.double({ min: 1e-10, max: 1 - 1e-10, noNaN: true }), df, (p, d) => {
        const back = studentTCdf(studentTQuantile(p, d), d);
        expect(Math.abs(back - p)).toBeLessThan(1e-12 * Math.max(p, 1e-3) + 2e-16);
      }),
    );
  });

  test('symmetry', () => {
    fc.assert(
      fc.property(fc.double({ min: 0.001, max: 0.499, noNaN: true }), df, (q, d) => {
        const upper = studentTQuantile(1 - q, d);
        expect(Math.abs(studentTQuantile(q, d) + upper)).toBeLessThan(1e-10 * upper + 1e-12);
      }),
    );
  });

  test('the ends and bad arguments', () => {
    expect(studentTQuantile(0, 3)).toBe(-Infinity);
    expect(studentTQuantile(1, 3)).toBe(Infinity);
    expect(studentTQuantile(0.5, 3)).toBe(0);
    expect(studentTCdf(Infinity, 3)).toBe(1);
    expect(() => studentTQuantile(1.5, 3)).toThrow(InvalidArgumentError);
    expect(() => studentTQuantile(0.5, 0)).toThrow(InvalidArgumentError);
    expect(() => studentTCdf(0, Number.NaN)).toThrow(InvalidArgumentError);
  });

  test('Cauchy and the closed form for two degrees of freedom', () => {
    for (const p of [0.501, 0.6, 0.975, 0.999999]) {
      expect(studentTQuantile(p, 1) / Math.tan(Math.PI * (p - 0.5))).toBeCloseTo(1, 9);
      expect(studentTQuantile(p, 2) / ((2 * p - 1) / Math.sqrt(2 * p * (1 - p)))).toBeCloseTo(1, 12);
    }
  });
});

test('incomplete beta: I_x(a, b) + I_(1-x)(b, a) = 1', () => {
  const shape = fc.double({ min: 0.1, max: 500, noNaN: true });
  fc.assert(
    fc.property(shape, shape, fc.double({ min: 0, max: 1, noNaN: true }), (a, b, x) => {
      expect(regularisedBeta(a, b, x, 1 - x) + regularisedBeta(b, a, 1 - x, x)).toBeCloseTo(1, 11);
    }),
  );
});

describe('summary', () => {
  test('one value has a mean and no interval, none has nothing', () => {
    expect(summarise([0.7])).toEqual({
      n: 1,
      mean: 0.7,
      sd: Number.NaN,
      sem: Number.NaN,
      halfWidth: Number.NaN,
    });
    expect(summarise([]).mean).toBeNaN();
  });

  test('the mean is compensated and keeps infinities', () => {
    expect(mean([1e16, 1, -1e16, 1])).toBe(0.5);
    expect(mean([Infinity, 1])).toBe(Infinity);
  });
});

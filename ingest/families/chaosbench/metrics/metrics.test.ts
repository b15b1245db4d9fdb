import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { metricsSchema } from '../../../contracts/chaosbench/metrics.ts';
import type { Outcome } from '../../../contracts/chaosbench/prediction.ts';
import {
  answerScores,
  confusionScores,
  emptyTally,
  invalidCategory,
  metricsDocument,
  pythonRound,
  RunTallier,
  wilsonInterval,
} from './index.ts';

const counts = (tp: number, fp: number, tn: number, fn: number) => ({
  ...emptyTally(),
  total: tp + fp + tn + fn,
  valid: tp + fp + tn + fn,
  correct: tp + tn,
  tp,
  fp,
  tn,
  fn,
  predTrue: tp + fp,
  predFalse: tn + fn,
});

describe('rounding', () => {
  test('ties go to the even digit, as in Python; what only looks like one does not', () => {
    // round(x, n) of Python 3.11.
    expect([0.03125, 0.09375, -0.03125, 0.00005, 0.12345, 2.675].map((x) => pythonRound(x, 4))).toEqual([
      0.0312, 0.0938, -0.0312, 0.0001, 0.1235, 2.675,
    ]);
    expect([0.5, 1.5, 2.5, -0.5].map((x) => pythonRound(x, 0))).toEqual([0, 2, 2, -0]);
    expect([1.005, 2.675, 0.125, 0.375].map((x) => pythonRound(x, 2))).toEqual([1, 2.67, 0.12, 0.38]);
  });

  test('is within half a unit, and stays when repeated', () => {
    fc.assert(
      fc.property(fc.double({ min: -1e6, max: 1e6, noNaN: true }), fc.nat(6), (value, digits) => {
        const rounded = pythonRound(value, digits);
        expect(Math.abs(rounded - value)).toBeLessThanOrEqual(0.5 * 10 ** -digits + 1e-9);
        expect(pythonRound(rounded, digits)).toBe(rounded);
      }),
    );
  });
});

describe('scores', () => {
  test('a class that does not occur has rate 0', () => {
    expect(confusionScores(counts(1, 0, 0, 0))).toMatchObject({
      tpr: 1,
      tnr: 0,
      balanced_accuracy: 0.5,
      mcc: 0,
      bias_score: 0,
      bias_verdict: 'LABEL-BIASED',
      dominant_label: 'TRUE',
    });
  });

  test('without a valid answer nothing is biased', () => {
    const tally = { ...emptyTally(), total: 7 };
    expect(confusionScores(tally)).toMatchObject({ n_valid: 0, balanced_accuracy: 0, bias_verdict: 'OK' });
    expect(answerScores(tally)).toMatchObject({
      invalid: 7,
      coverage: 0,
      invalid_rate: 1,
      accuracy_valid: 0,
    });
  });

  test('the limits of bias', () => {
    const verdict = (...cells: Parameters<typeof counts>) => confusionScores(counts(...cells)).bias_verdict;
    // Both rates 0.4 exactly, then less.
    expect(verdict(40, 60, 40, 60)).toBe('OK');
    expect(verdict(39, 61, 39, 61)).toBe('LABEL-BIASED');
    // TRUE is predicted 0.14 too often, then 0.16.
    expect(verdict(40, 14, 46, 0)).toBe('OK');
    expect(verdict(40, 16, 44, 0)).toBe('LABEL-BIASED');
  });

  test('the correlation of counts whose product passes 2^53', () => {
    const { mcc } = confusionScores(counts(20_000_003, 7, 20_000_011, 13));
    expect(mcc).toBeGreaterThan(0.999999);
    expect(mcc).toBeLessThan(1);
    expect(confusionScores(counts(30_000_000, 0, 30_000_000, 0)).mcc).toBe(1);
  });

  test('are within their ranges, and mirror when the classes change places', () => {
    fc.assert(
      fc.property(fc.nat(1000), fc.nat(1000), fc.nat(1000), fc.nat(1000), (tp, fp, tn, fn) => {
        const scores = confusionScores(counts(tp, fp, tn, fn));
        const mirrored = confusionScores(counts(tn, fn, tp, fp));
        expect(Math.abs(scores.mcc)).toBeLessThanOrEqual(1 + 1e-12);
        expect(mirrored.mcc).toBeCloseTo(scores.mcc, 12);
        expect(mirrored.balanced_accuracy).toBeCloseTo(scores.balanced_accuracy, 12);
        expect(mirrored.bias_verdict).toBe(scores.bias_verdict);
      }),
    );
  });

  test('an interval holds its proportion', () => {
    expect(wilsonInterval(0, 0)).toEqual([0, 0]);
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 500 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (n, share) => {
          const k = Math.round(share * n);
          const [low, high] = wilsonInterval(k, n);
          expect(low).toBeLessThanOrEqual(k / n + 1e-12);
          expect(high).toBeGreaterThanOrEqual(k / n - 1e-12);
        },
      ),
    );
  });
});

test('categories of invalid answers go by the stored text', () => {
  expect(
    ['', '   ', 'I cannot say', "I'm unable to", 'We cannot provide it', 'Either', 'Maybe'].map(
      invalidCategory,
    ),
  ).toEqual([
    'empty_response',
    'formatting_failure',
    'refusal',
    'refusal',
    'refusal',
    'hedging_or_multi_answer',
    'formatting_failure',
  ]);
});

test('the document of a run keeps its contract; items without a group are unknown', () => {
  const tallier = new RunTallier();
  expect(metricsDocument(tallier)).toEqual({ total: 0 });
  const answer = (outcome: Outcome, correct: boolean | null, task_family: string | null) =>
    tallier.add({ ground_truth: 'TRUE', outcome, correct, task_family, split: null });
  answer('VALID_TRUE', true, 'atomic');
  answer('VALID_FALSE', false, null);
  answer('INVALID', null, '');
  const document = metricsDocument(tallier);
  expect(metricsSchema.parse(document)).toEqual(document);
  expect(document).toMatchObject({
    total: 3,
    valid: 2,
    coverage: 0.6667,
    effective_accuracy: 0.3333,
    per_family: { atomic: { total: 1 }, unknown: { total: 2, coverage: 0.5 } },
    per_split: { unknown: { total: 3, accuracy_valid: 0.5 } },
  });
});

test('families without number do not fill the memory', () => {
  const tallier = new RunTallier();
  for (let i = 0; i < 3_000; i++) {
    tallier.add({
      ground_truth: 'TRUE',
      outcome: 'VALID_TRUE',
      correct: true,
      task_family: `f${i}`,
      split: null,
    });
  }
  expect(tallier.families.size).toBe(1_001);
  expect(tallier.families.get('unknown')?.total).toBe(2_000);
});

import { DuckDBInstance } from '@duckdb/node-api';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { aurocTest } from '../../../../compute/stats/index.ts';
import * as stats from '../../../../ingest/stats/index.ts';
import { MOST_GROUPS, SCORES, scoreGroups } from './queries.ts';
import { bandsOf } from './resampling.ts';
import { basisOf, drawCalibration, drawHistogram, drawPrecision, drawRoc } from './score-drawings.ts';
import {
  auroc,
  averagePrecision,
  calibrationError,
  curveOf,
  reliabilityBins,
  type ScoreGroup,
  totalsOf,
} from './scored.ts';

interface Example {
  readonly score: number;
  readonly positive: boolean;
}

/** Examples as the server groups them. */
function grouped(examples: readonly Example[]): ScoreGroup[] {
  const scores = [...new Set(examples.map(({ score }) => score))].sort((a, b) => b - a);
  return scores.map((score) => {
    const own = examples.filter((example) => example.score === score);
    const positives = own.filter(({ positive }) => positive).length;
    return { score, positives, negatives: own.length - positives, scores: 1 };
  });
}

const scoresOf = (examples: readonly Example[]) => examples.map(({ score }) => score);
const labelsOf = (examples: readonly Example[]) => examples.map(({ positive }) => Number(positive));

const examples = fc
  .array(
    // Edges of bins, ties, and anything.
    fc.record({
      score: fc.oneof(
        fc.integer({ min: 0, max: 15 }).map((n) => n / 15),
        fc.double({ min: 0, max: 1, noNaN: true }).map((score) => score + 0),
      ),
      positive: fc.boolean(),
    }),
    { minLength: 2, maxLength: 60 },
  )
  .filter((rows) => new Set(rows.map(({ positive }) => positive)).size === 2);

describe('numbers about scores', () => {
  it('are those of the server, ties included', () => {
    fc.assert(
      fc.property(examples, (rows) => {
        const groups = grouped(rows);
        const ranked = stats.rankScores(scoresOf(rows), labelsOf(rows));
        expect(auroc(groups)?.value).toBeCloseTo(stats.auroc(ranked), 12);
        expect(averagePrecision(curveOf(groups))).toBeCloseTo(stats.averagePrecision(ranked), 12);
        expect(calibrationError(groups)).toBeCloseTo(
          stats.expectedCalibrationError(scoresOf(rows), labelsOf(rows)),
          12,
        );
      }),
    );
  });

  it("have DeLong's interval of the server", () => {
    fc.assert(
      fc.property(examples, (rows) => {
        fc.pre(rows.filter(({ positive }) => positive).length > 1);
        fc.pre(rows.filter(({ positive }) => !positive).length > 1);
        const [mine, servers] = [auroc(grouped(rows)), aurocTest(scoresOf(rows), labelsOf(rows))];
        expect(mine?.low).toBeCloseTo(servers.low, 10);
        expect(mine?.high).toBeCloseTo(servers.high, 10);
      }),
    );
  });

  it('are none without both classes', () => {
    const one = [{ score: 0.1, positives: 3, negatives: 0, scores: 1 }];
    expect(auroc(one)).toBeUndefined();
    expect(curveOf(one)).toEqual([]);
    expect([drawRoc(one, undefined), drawPrecision(one, undefined)]).toEqual([undefined, undefined]);
    expect(drawHistogram(one)?.rows).toHaveLength(30);
    expect(drawHistogram([])).toBeUndefined();
  });
});

describe('calibration', () => {
  it('has bins of every example, in order, of about one size', () => {
    fc.assert(
      fc.property(examples, fc.integer({ min: 1, max: 12 }), (rows, most) => {
        const bins = reliabilityBins(grouped(rows), most);
        expect(bins.length).toBeLessThanOrEqual(most);
        expect(bins.reduce((sum, { count }) => sum + count, 0)).toBe(rows.length);
        const means = bins.map(({ meanScore }) => meanScore);
        expect(means).toEqual(means.toSorted((a, b) => a - b));
        for (const { share, low, high } of bins) {
          expect(low).toBeLessThanOrEqual(share);
          expect(high).toBeGreaterThanOrEqual(share);
        }
      }),
    );
    const distinct = Array.from({ length: 100 }, (_, i) => ({ score: i / 100, positive: i % 2 === 0 }));
    expect(reliabilityBins(grouped(distinct), 10).map(({ count }) => count)).toEqual(Array(10).fill(10));
  });

  it('is of probabilities only', () => {
    expect(drawCalibration([{ score: 1.2, positives: 1, negatives: 1, scores: 1 }])).toBeUndefined();
    expect(drawCalibration([{ score: 0.5, positives: 1, negatives: 1, scores: 1 }])?.description).toContain(
      'Expected calibration error 0 over 15 bins',
    );
  });
});

describe('bands', () => {
  const random = (n: number) =>
    grouped(
      Array.from({ length: n }, (_, i) => ({
        score: ((i * 7919) % n) / n,
        positive: ((i * 7919) % n) / n + ((i * 104_729) % 101) / 101 > 1,
      })),
    );

  it('hold the curve, are the same every time, and narrow with more examples', () => {
    const [few, many] = [random(80), random(2000)];
    const [wide, narrow] = [bandsOf(few), bandsOf(many)];
    expect(bandsOf(few)).toEqual(wide);
    const width = (bands: typeof wide) =>
      (bands?.roc ?? []).reduce((sum, { low, high }) => sum + high - low, 0);
    expect(width(narrow)).toBeLessThan(width(wide) / 3);
    for (const [groups, bands] of [
      [few, wide],
      [many, narrow],
    ] as const) {
      const average = averagePrecision(curveOf(groups));
      expect(bands?.averagePrecision.low).toBeLessThan(average);
      expect(bands?.averagePrecision.high).toBeGreaterThan(average);
      const tops = new Map(
        curveOf(groups).map(({ truePositiveRate, falsePositiveRate }) => [
          falsePositiveRate,
          truePositiveRate,
        ]),
      );
      for (const [falsePositiveRate, truePositiveRate] of tops) {
        const near = bands?.roc.filter(({ at }) => Math.abs(at - falsePositiveRate) <= 0.011) ?? [];
        expect(Math.min(...near.map(({ low }) => low))).toBeLessThanOrEqual(truePositiveRate);
        expect(Math.max(...near.map(({ high }) => high))).toBeGreaterThanOrEqual(truePositiveRate);
      }
    }
  });

  it('are none where most resamples lack a class', () => {
    expect(bandsOf([{ score: 0.5, positives: 5, negatives: 0, scores: 1 }])).toBeUndefined();
  });

  it('take one draw a group, however large', () => {
    const large = bandsOf([
      { score: 0.9, positives: 3_000_000, negatives: 1_000_000, scores: 1 },
      { score: 0.1, positives: 1_000_000, negatives: 3_000_000, scores: 1 },
    ]);
    const at = large?.roc.find((point) => point.at === 0.25);
    expect(at?.low).toBeCloseTo(0.75, 2);
    expect(at?.high).toBeCloseTo(0.75, 2);
  });
});

describe('the question for scores', () => {
  let instance: DuckDBInstance;
  beforeAll(async () => {
    instance = await DuckDBInstance.create();
  });
  afterAll(() => instance.closeSync());

  async function groupsOf(id: string, rows: string): Promise<readonly ScoreGroup[]> {
    const connection = await instance.connect();
    await connection.run(`CREATE OR REPLACE TEMP TABLE predictions AS ${rows}`);
    const reader = await connection.runAndReadAll(scoreGroups(id).sql);
    connection.closeSync();
    const found = reader.getRowsJson();
    expect(found.length).toBeLessThanOrEqual(scoreGroups(id).most);
    return SCORES.schema.parse({ sql: { rows: found } });
  }

  it('has every score once, and only those of the run that have a label and are finite', async () => {
    const groups = await groupsOf(
      "it's",
      `FROM (VALUES ('it''s', 0.5, true), ('it''s', 0.5, false), ('it''s', 0.7, true), ('it''s', 'NaN'::DOUBLE, true),
        ('it''s', 0.1, NULL), ('it''s', NULL, true), ('other', 0.2, true)) t(run_id, score_halu, label_halu)`,
    );
    expect(groups).toEqual([
      { score: 0.7, positives: 1, negatives: 0, scores: 1 },
      { score: 0.5, positives: 1, negatives: 1, scores: 1 },
    ]);
  });

  it('takes neighbours together where there are too many, and says so', async () => {
    const n = 3 * MOST_GROUPS + 17;
    const groups = await groupsOf(
      'a',
      `SELECT 'a' AS run_id, i::DOUBLE / ${n} AS score_halu, hash(i) % 2 = 0 AS label_halu FROM range(${n}) r(i)`,
    );
    expect(groups).toHaveLength(MOST_GROUPS);
    const { positives, negatives } = totalsOf(groups);
    expect(positives + negatives).toBe(n);
    expect(basisOf(groups)).toContain(
      `Of ${n.toLocaleString('en')} different scores neighbours are taken together`,
    );
    expect(basisOf(groups.slice(0, 0))).not.toContain('together');
  });
});

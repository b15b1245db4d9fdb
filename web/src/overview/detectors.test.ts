import { describe, expect, it } from 'vitest';
import { detectorsOf, detectorsText, drawDetectors, newestSubject } from './detectors.ts';
import type { DetectedRun } from './queries.ts';

const auroc = (value: number | null, source = 'reported') => ({ value, ciLow: null, ciHigh: null, source });
const run = (id: string, method: string | null, ...metrics: DetectedRun['metrics']): DetectedRun => ({
  id,
  family: 'HALLULENS',
  status: 'completed',
  verdict: null,
  method,
  modelId: 'model',
  benchmark: 'bench',
  split: null,
  seed: 0,
  metrics,
});

describe('detectors', () => {
  const detectors = detectorsOf([
    run('a1', 'a', auroc(0.9, 'recomputed'), auroc(0.8)),
    run('a0', 'a', auroc(0.6, 'recomputed')),
    run('b', 'b', auroc(0.75)),
    run('none', 'c', auroc(null)),
    run('nameless', null, auroc(0.5)),
  ]);

  it('are the mean of their runs, the best first, by what the runs report', () => {
    expect(detectors.map(({ method, auroc: mean }) => [method, mean])).toEqual([
      ['b', 0.75],
      ['a', expect.closeTo(0.7)],
      ['nameless', 0.5],
    ]);
    expect(detectors[1]?.runs.map(({ id, auroc: value }) => [id, value])).toEqual([
      ['a1', 0.8],
      ['a0', 0.6],
    ]);
  });

  it('are those of the newest subject that has some', () => {
    const other = { ...run('x', 'a', auroc(0.9)), modelId: 'other' };
    const same = run('y', 'b');
    expect(
      newestSubject([
        run('none', 'a', auroc(null)),
        other,
        run('z', 'c', auroc(1)),
        { ...same, modelId: 'other' },
      ]),
    ).toEqual([other, { ...same, modelId: 'other' }]);
    expect(newestSubject([same])).toEqual([]);
  });

  it('are told and drawn where there are some', () => {
    expect(detectorsText(detectors)).toMatch(/^The best of 3 methods, b, reaches an AUROC of 0\.75:/);
    expect(drawDetectors(detectors)?.rows).toHaveLength(4);
    expect([detectorsText([]), drawDetectors([])]).toEqual([undefined, undefined]);
  });
});

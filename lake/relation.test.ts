import { describe, expect, it } from 'vitest';
import type { AddFile } from './log/actions.ts';
import { addFile, encodeStats, type FileStats } from './log/stats.ts';
import { isConstant, type VisibleFile } from './relation.ts';
import { PREDICTIONS } from './tables/tables.ts';
import { COLUMNS_TAG } from './visibility.ts';

function visible(add: AddFile): VisibleFile {
  return { path: add.path, add, onlyIngests: undefined };
}

const TAGS = { [COLUMNS_TAG]: String(PREDICTIONS.columns.length) };

/** A file of ours with what DuckDB says of its columns. */
function written(columnStats: Record<string, Record<string, string>>): VisibleFile {
  return visible(addFile(PREDICTIONS, { rows: 3, bytes: 1, columnStats }, 'f', { tags: TAGS }));
}

const text = (min: string, max: string, nulls = 0) =>
  written({ '"method"': { min, max, null_count: String(nulls) } });

describe('a column has one value in all rows', () => {
  const constant = (files: readonly VisibleFile[], name = 'method') => isConstant(PREDICTIONS, files, name);

  it('where every file says so, and all say the same', () => {
    expect(constant([text('mlp', 'mlp'), text('mlp', 'mlp')])).toBe(true);
    expect(constant([text('mlp', 'mlp'), text('knn', 'knn')])).toBe(false);
    expect(constant([text('knn', 'mlp')])).toBe(false);
    expect(constant([])).toBe(false);
    expect(constant([text('mlp', 'mlp')], 'split')).toBe(false);
    expect(constant([text('mlp', 'mlp')], 'no such column')).toBe(false);
  });

  it('or where it is null everywhere, not here and there', () => {
    const nulls = written({ '"method"': { null_count: '3' } });
    expect(constant([nulls, nulls])).toBe(true);
    expect(constant([nulls, text('mlp', 'mlp')])).toBe(false);
    expect(constant([text('mlp', 'mlp', 1)])).toBe(false);
  });

  it('by every digit of a whole number', () => {
    const seed = (value: string) => written({ '"seed"': { min: value, max: value, null_count: '0' } });
    expect(constant([seed('9007199254740993'), seed('9007199254740993')], 'seed')).toBe(true);
    expect(constant([seed('9007199254740993'), seed('9007199254740992')], 'seed')).toBe(false);
  });

  it('but not by bounds that were cut, by us or by others', () => {
    const long = 'x'.repeat(300);
    expect(constant([text(`${long}a`, `${long}b`)])).toBe(false);
    expect(constant([text(long, long)])).toBe(false);
    const stats: FileStats = {
      numRecords: 3,
      minValues: { method: 'x'.repeat(32) },
      maxValues: { method: 'x'.repeat(32) },
      nullCount: { method: 0 },
    };
    const { tags, ...foreign } = { ...text('a', 'a').add, stats: encodeStats(stats) };
    expect(constant([visible(foreign)])).toBe(false);
    expect(constant([visible({ ...foreign, tags: tags ?? {} })])).toBe(true);
  });

  it('and never by bounds of doubles or times, which are rounded or leave NaN out', () => {
    const stats: FileStats = {
      numRecords: 3,
      minValues: { score_halu: 1 },
      maxValues: { score_halu: 1 },
      nullCount: { score_halu: 0 },
    };
    expect(constant([visible({ ...text('a', 'a').add, stats: encodeStats(stats) })], 'score_halu')).toBe(
      false,
    );
  });
});

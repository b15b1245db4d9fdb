import { describe, expect, test } from 'vitest';
import type { RunEntry } from '../../lake/visibility.ts';
import { Duplicates } from './duplicates.ts';

const entry = (run_id: string, results_sha256?: string, duplicate_of?: string): [string, RunEntry] => [
  run_id,
  {
    run_id,
    ingest_id: `i-${run_id}`,
    content_sha256: 'c',
    stores: [],
    ...(results_sha256 === undefined ? {} : { results_sha256 }),
    ...(duplicate_of === undefined ? {} : { duplicate_of }),
  },
];

describe('copies of one measurement', () => {
  test('the first one found is the original', async () => {
    const duplicates = new Duplicates();
    expect(await duplicates.of('main/a', 'x')).toEqual({ sha256: 'x' });
    duplicates.settle('main/a', true);
    expect(await duplicates.of('main/b', 'x')).toEqual({ sha256: 'x', duplicateOf: 'main/a' });
    duplicates.settle('main/b', true);
    expect(await duplicates.of('main/c', 'x')).toEqual({ sha256: 'x', duplicateOf: 'main/a' });
    expect(await duplicates.of('main/d', 'y')).toEqual({ sha256: 'y' });
    expect(await duplicates.of('other/b', 'x')).toEqual({ sha256: 'x' });
  });

  test("a run that is rejected is nobody's original; the others wait for its fate", async () => {
    const duplicates = new Duplicates();
    expect(await duplicates.of('main/a', 'x')).toEqual({ sha256: 'x' });
    const waiting = duplicates.of('main/b', 'x');
    duplicates.settle('main/unknown', true);
    duplicates.settle('main/a', false);
    expect(await waiting).toEqual({ sha256: 'x' });
    duplicates.settle('main/b', true);
    expect(await duplicates.of('main/c', 'x')).toEqual({ sha256: 'x', duplicateOf: 'main/b' });
  });

  test('what lies in the lake comes before what is found', async () => {
    const visible = new Map([entry('main/z', 'x'), entry('main/y', 'x', 'main/z'), entry('other/a', 'x')]);
    const duplicates = new Duplicates();
    expect(await duplicates.of('main/a', 'x', visible)).toEqual({ sha256: 'x', duplicateOf: 'main/z' });
    expect(await duplicates.of('main/y', 'x', visible)).toEqual({ sha256: 'x', duplicateOf: 'main/z' });
    expect(await duplicates.of('main/z', 'x', visible)).toEqual({ sha256: 'x' });
  });

  test('two originals of two processes: one of them gives way when it is ingested again', async () => {
    const visible = new Map([entry('main/a', 'x'), entry('main/b', 'x')]);
    const duplicates = new Duplicates();
    expect(await duplicates.of('main/a', 'x', visible)).toEqual({ sha256: 'x' });
    expect(await duplicates.of('main/b', 'x', visible)).toEqual({ sha256: 'x', duplicateOf: 'main/a' });
  });

  test('an original that has just been found to be something else is none any more', async () => {
    const visible = new Map([entry('main/a', 'x'), entry('main/b', 'x', 'main/a')]);
    const duplicates = new Duplicates();
    expect(await duplicates.of('main/a', 'new', visible)).toEqual({ sha256: 'new' });
    expect(await duplicates.of('main/b', 'x', visible)).toEqual({ sha256: 'x' });
  });

  test('a copy whose original has become something else is an original', async () => {
    const visible = new Map([entry('main/a', 'new'), entry('main/b', 'x', 'main/a')]);
    expect(await new Duplicates().of('main/b', 'x', visible)).toEqual({ sha256: 'x' });
  });
});

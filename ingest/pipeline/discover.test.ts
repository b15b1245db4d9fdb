import { afterEach, expect, test } from 'vitest';
import { InvalidArgumentError } from '../../lake/errors.ts';
import { FAMILIES } from '../families/families.ts';
import type { Issue } from '../family.ts';
import { temporaryTree } from '../testing.ts';
import { discoverJobs } from './discover.ts';

let tree: ReturnType<typeof temporaryTree> | undefined;
afterEach(() => tree?.remove());

const NAME = '20260220T104105Z_mock';
const RECEIPT = JSON.stringify({
  published_utc: '2026-02-21T00:00:00Z',
  source_run_dir: `/x/runs/${NAME}`,
  run_id: NAME,
  artifacts_copied: [],
  artifacts_skipped: [],
  compress_predictions: false,
});

async function discover(...directories: readonly string[]) {
  const issues: Issue[] = [];
  const uris = directories.map((directory) => `${tree!.path}/${directory}`);
  const jobs = await discoverJobs(uris, { families: FAMILIES }, { issue: (issue) => issues.push(issue) });
  return {
    roots: jobs.map(({ candidate }) => `/${candidate.root}`.slice(tree!.path.length + 1)),
    left: issues.map(({ code, file }) => `${code} ${file?.slice(tree!.path.length + 1)}`),
  };
}

test('a copy named beside its original gives way to it, whichever comes first', async () => {
  const files = { 'run_manifest.json': '{}', 'metrics.json': '{}' };
  tree = temporaryTree({
    ...Object.fromEntries(Object.entries(files).map(([name, text]) => [`runs/${NAME}/${name}`, text])),
    ...Object.fromEntries(Object.entries(files).map(([name, text]) => [`published/${NAME}/${name}`, text])),
    [`published/${NAME}/publish_receipt.json`]: RECEIPT,
    [`again/runs/${NAME}/run_manifest.json`]: '{}',
  });
  for (const order of [
    ['runs', 'published'],
    ['published', 'runs'],
  ]) {
    expect(await discover(...order)).toEqual({
      roots: [`runs/${NAME}`],
      left: [`PUBLISHED_COPY published/${NAME}`],
    });
  }
  expect((await discover('published', 'published')).roots).toEqual([`published/${NAME}`]);
  await expect(discover('runs', 'again')).rejects.toThrow(InvalidArgumentError);
});

test('a path that is not there, or no directory, is no empty tree', async () => {
  tree = temporaryTree({ 'results.json': '{}' });
  await expect(discover('typo')).rejects.toThrow(/typo is not there/);
  await expect(discover('results.json')).rejects.toThrow(/results.json is no directory/);
});

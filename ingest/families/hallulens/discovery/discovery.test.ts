import { afterEach, describe, expect, test } from 'vitest';
import { LocalStore } from '../../../../lake/store/local-store.ts';
import type { Issue } from '../../../family.ts';
import { findRuns, temporaryTree } from '../../../testing.ts';
import { HALLULENS } from '../index.ts';
import { candidateStores } from '../stores/referenced.ts';

const trees: { remove(): void }[] = [];
afterEach(() => {
  for (const tree of trees.splice(0)) tree.remove();
});

async function found(files: Record<string, string>, namespace = 'main') {
  const temporary = temporaryTree(files);
  trees.push(temporary);
  const tree = { store: new LocalStore('/'), prefix: temporary.path.slice(1) };
  const issues: Issue[] = [];
  const runs = await findRuns(HALLULENS, tree, { namespace, issue: (i) => issues.push(i) });
  return { runs, issues, tree, below: (root: string) => root.slice(tree.prefix.length + 1) };
}

const kinds = async (files: Record<string, string>) => {
  const { runs, below } = await found(files);
  return runs.map((run) => `${run.kind} ${below(run.root)}`);
};

describe('what a directory is', () => {
  test('a contract run is told by what it has, and by its shape when half of it is missing', async () => {
    expect(await kinds({ 'a/generations.jsonl': '' })).toEqual(['contract-run a']);
    expect(await kinds({ 'a/predictions.csv': '', 'a/config.json': '{"benchmark": "b"}' })).toEqual([
      'contract-run a',
    ]);
    expect(await kinds({ 'a/eval_metrics.json': '{"dataset": "d"}' })).toEqual(['runner-run a']);
    expect(await kinds({ 'a/predictions.csv': '', 'a/config.json': '{"experiment": {}}' })).toEqual([
      'runner-run a',
    ]);
    expect(await kinds({ '2026-01-01/m/o__m/b/seed_1/config.json': 'broken' })).toEqual([
      'contract-run 2026-01-01/m/o__m/b/seed_1',
    ]);
    expect(await kinds({ 'a/run_error.json': '{}' })).toEqual(['runner-run a']);
  });

  test('runs of other families and unrelated files are left alone', async () => {
    expect(
      await kinds({
        'runs/x/run_manifest.json': '{}',
        'runs/x/predictions.jsonl': '',
        'runs/x/metrics.json': '{}',
        'runs/y/config.json': '{}',
        'entropy/results.json': '{}',
        'readme.md': '',
      }),
    ).toEqual([]);
  });

  test('hidden directories and Zarr groups without arrays hold no runs', async () => {
    expect(
      await kinds({
        '.runlake/queue/data.mdb': 'x',
        'a/.cache/generations.jsonl': '',
        'weather.zarr/.zgroup': '{}',
        'weather.zarr/temperature/.zarray': '{}',
      }),
    ).toEqual([]);
  });

  test('nested directories belong to the run only below artifacts', async () => {
    const { runs, below } = await found({
      'r/config.json': '{"experiment": {}}',
      'r/eval_metrics.json': '{}',
      'r/artifacts/checkpoints/1.pt': 'x',
      'r/notes/todo.txt': 'x',
      'r/log.txt': 'x',
    });
    expect(runs[0]!.attachments!.map((object) => below(object.key))).toEqual([
      'r/artifacts/checkpoints/1.pt',
      'r/log.txt',
    ]);
  });

  test('the namespace begins every id; two directories of one identity are reported', async () => {
    const run = 'runs/2026-01-01/m/o__m/b/seed_1/generations.jsonl';
    const { runs, issues } = await found({ [`one/${run}`]: '', [`two/${run}`]: '' }, 'lab');
    expect(runs.map((r) => r.runId)).toEqual(['lab/hallulens/2026-01-01/m/o__m/b/seed_1']);
    expect(issues.map((issue) => issue.code)).toEqual(['DUPLICATE_RUN']);
  });

  test('the prefixes of a store do not reach into its neighbours', async () => {
    const { runs, tree } = await found({
      'cap/meta.jsonl': '',
      'cap/config.json': '{}',
      'cap2/meta.jsonl': '',
      'cap2/config.json': '{}',
      'x.lmdb/data.mdb': '',
      'x.lmdb_metadata/data.mdb': '',
    });
    expect(runs.map((run) => run.kind).sort()).toEqual(['capture', 'capture', 'lmdb-store']);
    for (const run of runs) {
      for (const ref of await candidateStores(run, { tree, lenient: false })) {
        for (const prefix of ref.prefixes) {
          for await (const object of tree.store.list({ prefix })) {
            expect(object.key.slice(ref.root.length)).toMatch(/^(\/|_metadata\/)/);
          }
        }
      }
    }
  });
});

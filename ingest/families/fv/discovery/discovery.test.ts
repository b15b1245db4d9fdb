import { expect, test } from 'vitest';
import { MemoryStore } from '../../../../lake/log/memory-store.test-support.ts';
import type { Issue } from '../../../family.ts';
import { findRuns, memorySink } from '../../../testing.ts';
import { FV } from '../index.ts';
import { syntheticRun } from '../testing.ts';
import { modelComponent, runIdentity } from './identity.ts';

type Files = Readonly<Record<string, string | Uint8Array>>;

async function storeOf(files: Files): Promise<MemoryStore> {
  const store = new MemoryStore();
  for (const [path, content] of Object.entries(files)) await store.put(path, Buffer.from(content));
  return store;
}

function below(directory: string, files: Files): Files {
  return Object.fromEntries(
    Object.entries(files).map(([path, content]) => [`${directory}/${path}`, content]),
  );
}

async function find(files: Files, prefix = '') {
  const issues: Issue[] = [];
  const store = await storeOf(files);
  const runs = await findRuns(FV, { store, prefix }, { issue: (issue) => void issues.push(issue) });
  return { store, runs, issues, ids: runs.map(({ runId }) => runId) };
}

test('the model is named as in the hub, else by the end of its path', () => {
  expect(
    [
      '/mnt/hub/models--meta-llama--Llama-3.1-8B/snapshots/d04e',
      '/data/models/tiny',
      './tiny/',
      'org/tiny',
    ].map(modelComponent),
  ).toEqual(['meta-llama__Llama-3.1-8B', 'tiny', 'tiny', 'org__tiny']);
});

test('a run is identified by relation, query, model and the root of the results, never by what lies above', () => {
  const identity = (path: string, model = 'org/m') =>
    runIdentity('file:/', path, { config: { model, relation_csv_path: '/x/rel.csv' } });
  expect(identity('home/results_fv/relation_qwise/rel/Q3')).toBe('rel/Q3/org__m');
  expect(identity('other/results_fv/relation_qwise/rel/Q3')).toBe('rel/Q3/org__m');
  expect(identity('a/out_8b/relation_qwise/rel/Q3')).toBe('rel/Q3/org__m/out_8b');
  expect(identity('a/run_1/rel/Q3')).toBe('rel/Q3/org__m/run_1');
  expect(identity('a/interrupted/Q3')).toBe('rel/Q3/org__m/interrupted');
  expect(identity('a/run_1/rel/Q3', 'org/n')).not.toBe(identity('a/run_1/rel/Q3'));
  expect(runIdentity('s3://bucket', 'sweeps/2026', {})).toBe('sweeps/2026');
});

test('it is the same run whether a parent, the relation, the query or its artifacts are named', async () => {
  const files = below('lab/run_1/rel_ex/Q1', syntheticRun());
  for (const prefix of [
    '',
    'lab',
    'lab/run_1/rel_ex',
    'lab/run_1/rel_ex/Q1',
    'lab/run_1/rel_ex/Q1/artifacts',
  ]) {
    const { ids, runs, issues } = await find(files, prefix);
    expect([prefix, ids]).toEqual([prefix, ['main/fv/rel_ex/Q1/org__tiny/run_1']]);
    expect(runs[0]?.root).toBe('lab/run_1/rel_ex/Q1');
    expect(runs[0]?.files).toHaveLength(Object.keys(files).length);
    expect(issues).toEqual([]);
  }
});

test('every query of a relation is a run; what the orchestrator writes beside them is none', async () => {
  const { ids, issues } = await find({
    ...below('run_1/rel_ex/Q1', syntheticRun({ q: 'Q1' })),
    ...below('run_1/rel_ex/Q10', syntheticRun({ q: 'Q10' })),
    'run_1/rel_ex/_status/run_meta.json': '{}',
    'run_1/rel_ex/_status/run_summary.json': '{}',
    'run_1/rel_ex/qwise_orchestrator.log': '',
  });
  expect(ids.toSorted()).toEqual(['main/fv/rel_ex/Q1/org__tiny/run_1', 'main/fv/rel_ex/Q10/org__tiny/run_1']);
  expect(issues).toEqual([]);
});

test('logs, pictures and other files are listed, not read', async () => {
  const { runs } = await find({
    ...below('rel_ex/Q1', syntheticRun()),
    'rel_ex/Q1/logs/stepD_aie.log': 'x',
    'rel_ex/Q1/artifacts/aie_heatmap_Q1.png': 'x',
    'rel_ex/Q1/artifacts/step6/layer_0/step6.log': 'x',
    'rel_ex/Q1/artifacts/aie_scores_backup.csv': 'x',
  });
  expect(runs).toHaveLength(1);
  expect(runs[0]?.attachments?.map(({ key }) => key)).toEqual([
    'rel_ex/Q1/artifacts/aie_heatmap_Q1.png',
    'rel_ex/Q1/artifacts/aie_scores_backup.csv',
    'rel_ex/Q1/artifacts/step6/layer_0/step6.log',
    'rel_ex/Q1/logs/stepD_aie.log',
  ]);
});

test('none of its files is lost among more files than a listing remembers', async () => {
  const noise = Array.from({ length: 10_100 }, (_, i) => [`rel_ex/Q1/artifacts/cache/${i}.bin`, ''] as const);
  const files = below('rel_ex/Q1', syntheticRun());
  const { runs, issues } = await find({ ...files, ...Object.fromEntries(noise) });
  expect(runs[0]?.files.map(({ key }) => key)).toEqual(Object.keys(files).sort());
  expect(issues).toMatchObject([{ severity: 'info', code: 'ATTACHMENTS_CUT', file: 'rel_ex/Q1' }]);
});

test('names that other tools use too make no run', async () => {
  const { ids } = await find({
    'a/run_meta.json': '{}',
    'a/perf_stats.json': '{}',
    'b/eval_summary.json': '{}',
    'b/logs/x.log': '',
    'layer_x/eval_summary.json': '{}',
  });
  expect(ids).toEqual([]);
});

test('score files under names of their own are runs of their own', async () => {
  const csv = 'layer,head,mean_delta_p\n0,0,0.5\n';
  const { ids, issues } = await find({
    'sweeps/antonym_t25_aie_scores.csv': csv,
    'sweeps/cie_scores_Q1_Q3.csv': csv,
    'sweeps/topk_Q1.csv': csv,
    'single/20260101/artifacts/aie_scores.csv': csv,
  });
  expect(ids.toSorted()).toEqual([
    'main/fv/single/20260101',
    'main/fv/sweeps/antonym_t25_aie_scores',
    'main/fv/sweeps/cie_scores_Q1_Q3',
  ]);
  expect(issues).toMatchObject([{ code: 'RESULT_TABLES_IGNORED', file: 'sweeps/topk_Q1.csv' }]);
});

test('a vector over several queries is one run with the evaluation of each', async () => {
  const run = syntheticRun({ q: 'Q1', layers: 2 });
  const layer = (q: string) =>
    Object.fromEntries(
      Object.entries(run)
        .filter(([path]) => path.includes('/layer_'))
        .map(([path, content]) => [
          path.replace('artifacts/step6', `eval_by_q/${q}`),
          String(content).replaceAll('"Q1"', `"${q}"`),
        ]),
    );
  const { ids, runs, store } = await find(
    below('relation_qwise/rel_ex/_super_fv/s1', {
      'run_meta.json': JSON.stringify({ model: 'org/tiny', relation_root: '/x/rel_ex', run_id: 's1' }),
      'super_stepd_artifacts/aie_scores.csv': run['artifacts/aie_scores.csv']!,
      'super_fv_artifacts/top_heads.json': run['artifacts/top_heads.json']!,
      ...layer('Q1'),
      ...layer('Q2'),
    }),
  );
  expect(ids).toEqual(['main/fv/rel_ex/s1/org__tiny']);
  const context = { tree: { store, prefix: '' }, lenient: false };
  const sink = memorySink(FV, context);
  const { accepted, columns } = await FV.read(runs[0]!, sink, context);
  expect(sink.issues).toEqual([]);
  expect([accepted, columns.status, columns.benchmark, columns.split]).toEqual([
    true,
    'completed',
    'rel_ex',
    null,
  ]);
  expect(sink.table('fv_injections').map((row) => [row['q_id'], row['layer']])).toEqual([
    ['Q1', 0],
    ['Q1', 1],
    ['Q2', 0],
    ['Q2', 1],
  ]);
  expect(new Set(sink.table('generations').map((row) => row['example_id'])).size).toBe(8);
});

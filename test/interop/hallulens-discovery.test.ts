import { describe, expect, test } from 'vitest';
import { HALLULENS } from '../../ingest/families/hallulens/index.ts';
import type { Issue, RunCandidate } from '../../ingest/family.ts';
import { findRuns } from '../../ingest/testing.ts';
import { LocalStore } from '../../lake/store/local-store.ts';
import { sharedDir } from '../support/shared.ts';

async function runsBelow(path: string, rootAt = '/'): Promise<{ runs: RunCandidate[]; issues: Issue[] }> {
  const issues: Issue[] = [];
  const prefix = path.slice(rootAt.length).replace(/^\/|\/$/g, '');
  const tree = { store: new LocalStore(rootAt), prefix };
  const runs = await findRuns(HALLULENS, tree, { issue: (i) => issues.push(i) });
  return { runs, issues };
}

describe.skipIf(sharedDir === undefined)('discovery of HALLULENS runs', () => {
  const good = `${sharedDir}fixtures/hallulens/good`;

  test('every layout of a tree of trees is found once, referenced stores are not runs', async () => {
    const { runs, issues } = await runsBelow(good);
    const ids = runs.map((run) => `${run.kind} ${run.runId}`).sort();
    const contract = ['contrastive_v1', 'last_layer_baseline'].flatMap((method) =>
      [0, 1, 2].map(
        (seed) =>
          `contract-run main/hallulens/2026-01-20/${method}/hallulens-test__tiny-llama-4l/triviaqa/seed_${seed}`,
      ),
    );
    const seeded = [
      'contrastive_logprob_recon',
      'icr_probe',
      'linear_probe',
      'llmsknow_probe',
      'multi_layer_linear_probe',
      'saplma',
    ].flatMap((method) => [0, 1, 2].map((seed) => `${method}/seed_${seed}`));
    const runner = [...seeded, 'token_entropy', 'logprob_baseline'].map(
      (tail) => `runner-run main/hallulens/baseline_comparison_tiny/tiny_memmap/${tail}`,
    );
    const output = [
      'mmlu',
      'natural_questions',
      'nonsense_all_3_40',
      'precise_wikiqa_goodwiki_dynamic',
      'triviaqa_unfiltered_dev',
    ].map((task) => `output-tree main/hallulens/output/${task}/tiny-llama-4l`);
    const stores = [
      'capture main/hallulens/icr_capture/zoo_hallulens-test__tiny-llama-4l',
      'json-npy-store main/hallulens/stores/formats/json_npy_float32_all',
      'json-npy-store main/hallulens/stores/formats/json_npy_prompt',
      'lmdb-store main/hallulens/stores/lmdb_float32_all/activations.lmdb',
      'lmdb-store main/hallulens/stores/lmdb_second_half/activations.lmdb',
      'lmdb-store main/hallulens/stores/lmdb_second_half_zstd_fallback/activations.lmdb',
      'lmdb-store main/hallulens/stores/lmdb_zstd/activations.lmdb',
      'zarr-store main/hallulens/stores/zarr_default_chunks/activations.zarr',
      'zarr-store main/hallulens/stores/zarr_prealloc_multisample/activations.zarr',
    ];
    expect(ids).toEqual([...contract, ...runner, ...output, ...stores].sort());
    expect(issues.map((issue) => issue.code)).toEqual(['RESULT_TABLES_IGNORED']);
  });

  test('a run has the same identity wherever the walk begins and wherever the store is rooted', async () => {
    const run = `${good}/runs/2026-01-20/contrastive_v1/hallulens-test__tiny-llama-4l/triviaqa/seed_0`;
    const expected = 'main/hallulens/2026-01-20/contrastive_v1/hallulens-test__tiny-llama-4l/triviaqa/seed_0';
    for (const [path, root] of [
      [run, '/'],
      [run, run],
      [run, good],
      [`${good}/runs`, `${good}/runs`],
    ] as const) {
      const { runs } = await runsBelow(path, root);
      expect(runs.filter((r) => r.runId === expected).map((r) => r.kind)).toEqual(['contract-run']);
    }
  });

  test('files are those that are read; weights and logs are attachments', async () => {
    const { runs } = await runsBelow(`${good}/real_runner/runs`);
    const probe = runs.find((run) => run.runId.endsWith('llmsknow_probe/seed_0'))!;
    expect(probe.files.map((f) => f.key.slice(probe.root.length + 1)).sort()).toEqual([
      'config.json',
      'eval_metrics.json',
      'eval_metrics_extended.json',
      'predictions.csv',
      'run_manifest.json',
    ]);
    expect(probe.attachments!.map((f) => f.key.slice(probe.root.length + 1))).toEqual([
      'artifacts/sweep_auroc_matrix.npy',
      'artifacts/sweep_summary.json',
    ]);
  });

  test('broken runs are found too, told by what they still have', async () => {
    const { runs } = await runsBelow(`${sharedDir}fixtures/hallulens/bad`);
    expect(runs.filter((run) => run.kind === 'contract-run').length).toBe(17);
    expect(new Set(runs.map((run) => run.kind))).toEqual(new Set(['contract-run']));
  });
});

import { afterEach, describe, expect, test } from 'vitest';
import { LocalStore } from '../../../lake/store/local-store.ts';
import { relativeKey } from '../../discovery/path.ts';
import { jsonText } from '../../run-files/json-text.ts';
import { findRuns, readRuns, temporaryTree } from '../../testing.ts';
import { entropyIdentity } from './identity.ts';
import { ENTROPY } from './index.ts';
import { sampleDiagnostics } from './sample.test-support.ts';

const trees: { remove(): void }[] = [];
afterEach(() => {
  for (const tree of trees.splice(0)) tree.remove();
});

const RESULTS = jsonText(sampleDiagnostics());
const PLAN = JSON.stringify({
  compute_true: true,
  compute_linear: true,
  compute_linquad: false,
  run_control_variates: false,
  capture_per_sequence: true,
  eta_list: null,
  clip_overrides: null,
});

async function found(files: Record<string, string>, below = '') {
  const tree = temporaryTree(files);
  trees.push(tree);
  const prefix = `${tree.path.slice(1)}${below === '' ? '' : `/${below}`}`;
  const runs = await findRuns(ENTROPY, { store: new LocalStore('/'), prefix });
  return runs.map(({ runId, root, files: own }) => ({
    runId,
    files: own.map(({ key }) => relativeKey(root, key)),
  }));
}

describe('what is a run', () => {
  test('members, a plan or the place tell; the results of other tools are left alone', async () => {
    const runs = await found({
      'a/run_1/results.json': RESULTS,
      'b/run_1/results.json': '{"anything": 1}',
      'b/run_1/plan.json': PLAN,
      'c/run_1/results.json': '{"accuracy": 1}',
      'c/run_1/plan.json': '{"steps": []}',
      'd/entropy_experiments/results/x/run_1/results.json': '',
      'e/run_1/results_final.json': RESULTS,
    });
    expect(runs.map(({ runId }) => runId)).toEqual([
      'main/entropy/a/run_1',
      'main/entropy/b/run_1',
      'main/entropy/x/run_1',
    ]);
  });

  test('a second result file is a run of its own, a lone one is the run', async () => {
    const files = {
      'g/run_1/results.json': RESULTS,
      'g/run_1/results2.json': RESULTS,
      'g/run_1/plan.json': PLAN,
      'g/run_2/results2.json': RESULTS,
    };
    expect(await found(files)).toEqual([
      { runId: 'main/entropy/g/run_1', files: ['plan.json', 'results.json'] },
      { runId: 'main/entropy/g/run_1/results2', files: ['plan.json', 'results2.json'] },
      { runId: 'main/entropy/g/run_2', files: ['results2.json'] },
    ]);
  });

  test('what the group shares belongs to its runs, also when one is named alone', async () => {
    const files = {
      'g/index.json': '[]',
      'g/run_01/config.yaml': 'a: 1',
      'g/run_01/results.json': RESULTS,
      'g/run_02/results.json': RESULTS,
      'g/run_02/cv_20250101_000000/cv_per_seq.csv': 'gdotv_i',
      'g/run_02/cv_20250101_000000/cv_summary.json': '{}',
      'g/run_02/cv_20250101_000000/hist.png': '',
    };
    const second = {
      runId: 'main/entropy/g/run_02',
      files: [
        '../index.json',
        '../run_01/config.yaml',
        'cv_20250101_000000/cv_per_seq.csv',
        'cv_20250101_000000/cv_summary.json',
        'results.json',
      ],
    };
    expect(await found(files)).toEqual([
      { runId: 'main/entropy/g/run_01', files: ['../index.json', 'config.yaml', 'results.json'] },
      second,
    ]);
    expect(await found(files, 'g/run_02')).toEqual([second]);
  });

  test('companions that are broken are warnings', async () => {
    const tree = temporaryTree({
      'g/index.json': '{"no": "list"}',
      'g/run_01/plan.json': '{"compute_true": 1}',
      'g/run_01/config.yaml': 'a: b: c',
      'g/run_01/results.json': RESULTS,
    });
    trees.push(tree);
    const { sink, summary } = (await readRuns(ENTROPY, tree.path)).get('g/run_01')!;
    expect(summary.accepted).toBe(true);
    expect(new Set(sink.issues.map(({ severity }) => severity))).toEqual(new Set(['warning']));
    expect(new Set(sink.issues.map(({ file, code }) => `${file} ${code}`))).toEqual(
      new Set([
        'config.yaml INVALID_YAML',
        'plan.json WRONG_TYPE',
        'plan.json MISSING_REQUIRED_FIELD',
        '../index.json WRONG_TYPE',
      ]),
    );
    expect(JSON.parse(summary.columns.config ?? '')).toEqual({ plan: { compute_true: 1 } });
  });
});

describe('identity', () => {
  const id = (path: string) => entropyIdentity('file:/', path);
  test('is the path below the results, wherever the tree lies', () => {
    expect(id('home/me/entropy_experiments/results/diagnostics_run/full_data/E_256/run_01')).toBe(
      'diagnostics_run/full_data/E_256/run_01',
    );
    expect(id('mnt/copy/diagnostics_run/full_data/E_256/run_01')).toBe(
      'diagnostics_run/full_data/E_256/run_01',
    );
    expect(id('mnt/CVs_and_gdotv/run1/run_02')).toBe('CVs_and_gdotv/run1/run_02');
    expect(id('drive/overnight_runs_20250915_0246/run_03')).toBe('overnight_runs_20250915_0246/run_03');
    expect(entropyIdentity('s3://bucket', 'entropy_experiments/results/a/run_1')).toBe('a/run_1');
  });
});

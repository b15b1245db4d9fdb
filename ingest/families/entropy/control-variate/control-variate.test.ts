import { afterEach, describe, expect, test } from 'vitest';
import { readRuns, temporaryTree } from '../../../testing.ts';
import { ENTROPY } from '../index.ts';

const trees: { remove(): void }[] = [];
afterEach(() => {
  for (const tree of trees.splice(0)) tree.remove();
});

const TOKENS = 16;
const SCALE = 1 / TOKENS;
const ROWS = [
  { length: 4, wjlogp_sum: 32, jH_sum: 16 },
  { length: 4, wjlogp_sum: 16, jH_sum: 0 },
  { length: 8, wjlogp_sum: -48, jH_sum: 16 },
].map((row) => ({ gdotv_i: SCALE * (row.wjlogp_sum + row.jH_sum), ...row, oddity: 7 }));
// gdotv: 3, 1, -2: sum 2, mean 2/3, sample variance 19/3.
const VARIANCE = 19 / 3;
const ERROR = Math.sqrt(VARIANCE / 3);

const summary = {
  n_seqs: 3,
  normalization: 'per_token',
  mean_gdotv: 2 / 3,
  var_gdotv: VARIANCE,
  corr: { length: 0.5 },
  ols_beta: { length: 2 },
  var_after_cv: { length: 0.8 },
  var_after_cv_joint: 0.7,
  diagnostics: {
    features: ['length'],
    features_all: ['length', 'oddity'],
    ridge: 1e-8,
    crossfit_folds: 0,
    y_mean: 2 / 3,
    gdotv_batch: 2,
    var_batch: VARIANCE / 3,
    se_batch: ERROR,
    se_batch_after_cv: { length: ERROR * 0.9 },
    se_batch_after_cv_joint: ERROR / 2,
    all_features_stats: {
      corr: { length: 0.5, oddity: 0 },
      var_ratio_single: { length: 0.8, oddity: 1 },
      se_after_single: { length: ERROR * 0.9, oddity: ERROR },
      rank_top_abs_corr: ['length', 'oddity'],
    },
    meta: { B_total: 3, T_total: TOKENS, scale: SCALE, normalization: 'per_token', baseline_kind: 'hk_ema' },
  },
};
const results = {
  paths: { csv_path: '/content/x/run_01/cv_20250101_000000/cv_per_seq.csv', plot_hist_yi: '/content/x.png' },
  summary,
  v_stats: { method: 'adamw_from_grads', vec_norm: 2 },
  timing_sec: { total: 1 },
};
const CSV = [Object.keys(ROWS[0]!), ...ROWS.map((row) => Object.values(row))]
  .map((row) => row.join())
  .join('\n');
const STATS = `feature,selected_in_joint,corr,var_ratio_single,se_after_single,beta_joint
length,1,0.5,0.8,${ERROR * 0.9},2
oddity,0,0.0,1.0,${ERROR},
`;
const ANALYSIS = 'g/run_01/cv_20250101_000000';
const FILES: Readonly<Record<string, string>> = {
  'g/run_01/results.json': JSON.stringify(results),
  [`${ANALYSIS}/cv_per_seq.csv`]: `${CSV}\n`,
  [`${ANALYSIS}/cv_feature_stats.csv`]: STATS,
  [`${ANALYSIS}/cv_summary.json`]: JSON.stringify({ ...summary, timestamp: '2025-01-01T00:00:00Z' }),
};

async function readOne(files: Readonly<Record<string, string>>) {
  const tree = temporaryTree(files);
  trees.push(tree);
  const { sink, summary: run } = (await readRuns(ENTROPY, tree.path)).get('g/run_01')!;
  const issues = sink.issues.map(({ severity, code, file, pointer }) => [severity, code, file, pointer]);
  return { sink, run, issues };
}

describe('control variates', () => {
  test('a complete run: sequences, numbers a feature, the time of the analysis', async () => {
    const { sink, run, issues } = await readOne(FILES);
    expect([run.accepted, issues]).toEqual([true, []]);
    expect(run.columns.created_at).toBe(BigInt(Date.UTC(2025, 0, 1)) * 1000n);
    expect(sink.table('entropy_features')).toMatchObject([
      { sequence: 0, gdotv: 3, length: 4, jh_sum: 16, extra: '{"oddity":7}' },
      { sequence: 1, gdotv: 1 },
      { sequence: 2, gdotv: -2 },
    ]);
    const [update] = sink.table('entropy_updates');
    expect(update).toMatchObject({
      normalization: 'per_token',
      gdotv_sum: 2,
      cv_features: ['length'],
      ridge: 1e-8,
    });
    const extra = JSON.parse(String(update?.['extra']));
    expect(extra.summary.diagnostics.all_features_stats).toEqual({ rank_top_abs_corr: ['length', 'oddity'] });
    const metrics = new Map(
      sink.table('metrics').map((row) => [`${row['scope']} ${row['metric']} ${row['source']}`, row['value']]),
    );
    expect(metrics.get('feature:oddity var_ratio_single reported')).toBe(1);
    expect(metrics.get('feature:length ols_beta reported')).toBe(2);
    expect(metrics.get('overall var_gdotv recomputed')).toBeCloseTo(VARIANCE, 12);
    expect(metrics.get('overall VR_SE recomputed')).toBe(0.5);
    expect(metrics.has('overall VR_SE reported')).toBe(false);
  });

  test('the aggregate of the group gives its ratios, from JSON or from CSV', async () => {
    const row = { run_dir: '/content/x/run_01', gdotv_batch: 2, se_batch: ERROR, VR_SE: 0.5, SNR: 2 / ERROR };
    const json = { n_runs: 8, mean_SNR: 7, rows: [{ run_dir: '/content/x/run_02', VR_SE: 9 }, row] };
    const csv = `${Object.keys(row).join()}\n${Object.values(row).join()}\n`;
    const aggregates: readonly Readonly<Record<string, string>>[] = [
      { 'g/cv_runs_aggregate.json': JSON.stringify(json), 'g/cv_runs_aggregate.csv': csv },
      { 'g/cv_runs_aggregate.csv': csv },
    ];
    for (const aggregate of aggregates) {
      const { sink, run, issues } = await readOne({ ...FILES, ...aggregate });
      expect(issues).toEqual([]);
      const reported = sink
        .table('metrics')
        .filter((m) => m['source'] === 'reported' && m['metric'] === 'VR_SE');
      expect(reported).toMatchObject([{ scope: 'overall', value: 0.5 }]);
      const kept = JSON.parse(run.columns.manifest!).runlake;
      expect(kept.aggregate).toEqual(row);
      if ('g/cv_runs_aggregate.json' in aggregate) expect(kept.group).toEqual({ n_runs: 8, mean_SNR: 7 });
    }
    const wrong = await readOne({
      ...FILES,
      'g/cv_runs_aggregate.json': JSON.stringify({ rows: [{ ...row, SNR: 1 }] }),
    });
    expect(wrong.issues).toEqual([['warning', 'COMPANION_DISAGREES', '../cv_runs_aggregate', '/SNR']]);
  });

  test('companions that disagree are warnings; a table that contradicts the summary is an error', async () => {
    const stats = await readOne({
      ...FILES,
      [`${ANALYSIS}/cv_feature_stats.csv`]: STATS.replace('length,1,0.5', 'length,1,0.6'),
    });
    expect(stats.issues).toEqual([
      ['warning', 'COMPANION_DISAGREES', 'cv_20250101_000000/cv_feature_stats.csv', '/corr'],
    ]);
    const other = await readOne({ ...FILES, [`${ANALYSIS}/cv_summary.json`]: '{"n_seqs": 4}' });
    expect(other.issues).toEqual([
      ['warning', 'COMPANION_DISAGREES', 'cv_20250101_000000/cv_summary.json', '/n_seqs'],
    ]);
    const table = `${ANALYSIS}/cv_per_seq.csv`;
    const file = 'cv_20250101_000000/cv_per_seq.csv';
    for (const [text, code, pointer] of [
      [CSV.split('\n').slice(0, -1).join('\n'), 'CV_TABLE_MISMATCH', '/gdotv_i'],
      [CSV.replace('-2,8', '-2.5,8'), 'CV_TABLE_MISMATCH', '/gdotv_i'],
      [CSV.replace(',8,', ',9,'), 'CV_TABLE_MISMATCH', '/length'],
      [CSV.replace('-48,16', '-49,16'), 'GDOTV_COMPONENTS_MISMATCH', '/gdotv_i/2'],
      [CSV.replace('-48', 'none'), 'WRONG_TYPE', '/wjlogp_sum'],
      [CSV.replace(',8,', ',8.5,'), 'WRONG_TYPE', '/length'],
      [CSV.replace('gdotv_i', 'other'), 'WRONG_CSV_HEADER', undefined],
      ['', 'EMPTY_FILE', undefined],
    ] as const) {
      const { run, issues, sink } = await readOne({ ...FILES, [table]: text });
      expect(run.accepted).toBe(false);
      expect(issues).toContainEqual(['error', code, file, pointer]);
      expect(sink.table('entropy_updates')).toEqual([]);
    }
  });

  test('a scale that is none of the normalisations, or not the stated one', async () => {
    const variant = (change: object) => ({
      'g/run_01/results.json': JSON.stringify({
        ...results,
        summary: {
          ...summary,
          ...change,
          diagnostics: { ...summary.diagnostics, meta: { ...summary.diagnostics.meta, ...change } },
        },
      }),
    });
    const codes = async (change: object) => (await readOne(variant(change))).issues.map(([, code]) => code);
    expect(await codes({ scale: 0.2 })).toContain('SCALE_MISMATCH');
    expect(await codes({ normalization: 'per_sequence' })).toContain('SCALE_MISMATCH');
    expect(await codes({ normalization: 'per_sequence', scale: 1 / 3 })).toEqual(['MISSING_FILE']);
  });
});

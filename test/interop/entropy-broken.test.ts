import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { ENTROPY } from '../../ingest/families/entropy/index.ts';
import { type CollectedRun, readRuns } from '../../ingest/testing.ts';
import { sharedDir } from '../support/shared.ts';
import { fixtures } from './entropy-expectation.ts';

const manifestSchema = z.object({
  cases: z.array(
    z.object({ name: z.string(), violates: z.string(), severity: z.enum(['error', 'warning']) }),
  ),
});

/** Code and place by which each violation is reported. */
const REPORTED: Readonly<Record<string, readonly [code: string, pointer: string | undefined]>> = {
  b01_truncated_json: ['INVALID_JSON', undefined],
  b02_token_total_mismatch: ['TOKEN_TOTAL_MISMATCH', '/approx/per_sequence_meta/T_total'],
  b03_array_length: ['ARRAY_LENGTH_MISMATCH', '/true/entries/0/diagnostics/h_new'],
  b04_weights_not_normalised: ['WEIGHTS_NOT_NORMALISED', '/true/entries/1/diagnostics/normalized_weights'],
  b05_delta_h_seq: ['DELTA_H_SEQ_MISMATCH', '/true/entries/0/diagnostics/delta_h_seq/4'],
  b06_delta_h_true_tampered: ['DELTA_H_TRUE_MISMATCH', '/true/entries/1/delta_h_true'],
  b07_entry_vs_diag: ['DELTA_H_TRUE_DISAGREES', '/true/entries/0/diagnostics/delta_h_true'],
  b08_index_duplicate: ['SEQUENCE_ORDER', '/approx/per_sequence/3/index'],
  b09_scale_wrong: ['SCALE_MISMATCH', '/approx/per_sequence_meta/scale'],
  b10_gdotv_sum: ['GDOTV_SUM_MISMATCH', '/approx/delta_h_per_lr'],
  b11_vhvv_disagree: ['VHVV_MISMATCH', '/approx/quadratic/per_sequence_vhvv/0'],
  b12_nan_gdotv: ['JSON_NAN_LITERAL', '/approx/per_sequence/5/gdotv'],
  b13_negative_tokens: ['INVALID_VALUE', '/true/entries/0/diagnostics/token_counts/0'],
  b14_unknown_shape: ['UNKNOWN_SHAPE', undefined],
  b15_duplicate_eta: ['DUPLICATE_ETA', '/true/entries/1/eta'],
  b16_string_number: ['WRONG_TYPE', '/approx/delta_h_per_lr'],
  b17_ess_too_big: ['ESS_MISMATCH', '/true/entries/0/diagnostics/ess'],
  b18_missing_base_entropy: ['MISSING_REQUIRED_FIELD', '/true/entries/0/diagnostics/base_entropy'],
  b19_gdotv_components: ['GDOTV_COMPONENTS_MISMATCH', '/approx/per_sequence/7'],
  b20_B_E_mismatch: ['BATCH_SIZE_MISMATCH', '/B_E'],
  b21_negative_eta: ['INVALID_VALUE', '/true/entries/0/eta'],
  b22_plan_contradiction: ['PLAN_CONTRADICTION', '/capture_per_sequence'],
  b23_perm: ['LENGTH_MISMATCH', '/approx/per_sequence/0/length'],
  b24_sweep_linquad: ['SWEEP_LINQUAD_MISMATCH', '/sweep/3/deltaH_approx_linquad'],
  b25_cv_counts: ['CV_COUNT_MISMATCH', '/summary/n_seqs'],
};

describe.skipIf(sharedDir === undefined)('one violation each', () => {
  const { cases } =
    sharedDir === undefined
      ? { cases: [] }
      : manifestSchema.parse(JSON.parse(readFileSync(`${fixtures}/broken/manifest.json`, 'utf8')));
  let runs: Map<string, CollectedRun>;
  beforeAll(async () => {
    runs = await readRuns(ENTROPY, `${fixtures}/broken`);
  });

  test('every case is a run', () => {
    expect([...runs.keys()].sort()).toEqual(Object.keys(REPORTED).sort());
    expect(cases.map(({ name }) => name).sort()).toEqual(Object.keys(REPORTED).sort());
  });

  test.each(cases)('$name: $violates', ({ name, severity }) => {
    const { sink, summary } = runs.get(name)!;
    const [code, pointer] = REPORTED[name]!;
    expect(sink.issues).toContainEqual(
      expect.objectContaining({ severity, code, ...(pointer === undefined ? {} : { pointer }) }),
    );
    expect(summary.accepted).toBe(severity !== 'error');
    if (severity !== 'error') return;
    for (const table of [
      'entropy_updates',
      'entropy_points',
      'entropy_sequences',
      'entropy_features',
      'metrics',
    ])
      expect(sink.table(table)).toEqual([]);
  });

  test('a lenient reading leaves the broken learning rate out and keeps the others', async () => {
    // A learning rate that was left out may still have a predicted ratio.
    const measured = (sink: CollectedRun['sink']) =>
      sink.table('entropy_points').filter((row) => typeof row['delta_h_true'] === 'number').length;
    const lenient = await readRuns(ENTROPY, `${fixtures}/broken`, { lenient: true });
    for (const name of [
      'b04_weights_not_normalised',
      'b05_delta_h_seq',
      'b17_ess_too_big',
      'b15_duplicate_eta',
    ]) {
      const { sink, summary } = lenient.get(name)!;
      expect([name, summary.accepted]).toEqual([name, true]);
      expect(measured(sink)).toBe(1);
      expect(sink.table('entropy_sequences').length).toBe(24);
    }
    expect(measured(lenient.get('b24_sweep_linquad')!.sink)).toBe(7);
    for (const name of ['b09_scale_wrong', 'b12_nan_gdotv', 'b20_B_E_mismatch', 'b25_cv_counts'])
      expect([name, lenient.get(name)!.summary.accepted]).toEqual([name, false]);
  });
});

import type { JsonObject } from '../../contracts/json-value.ts';
import { mean, sum } from '../../stats/index.ts';

/** A small diagnostics document that obeys every identity, in either normalisation. */
export function sampleDiagnostics(
  normalization: 'per_token' | 'per_sequence' = 'per_token',
  etas: readonly number[] = [1e-6, 2e-6],
): JsonObject {
  const lengths = [3, 5, 2, 7];
  const n = lengths.length;
  const tokens = sum(lengths);
  const perToken = normalization === 'per_token';
  const scale = perToken ? 1 / tokens : 1 / n;
  const base = lengths.map((length, i) => length * 0.4 + i * 0.01);
  const baseEntropy = perToken ? sum(base) / tokens : mean(base);
  const records = lengths.map((length, i) => {
    const [wjlogp_sum, jH_sum, denom_corr_unscaled] = [100 * i - 120, 7 * i, -3 * length];
    return {
      index: i,
      gdotv: scale * (wjlogp_sum + jH_sum + denom_corr_unscaled),
      length,
      sum_logp: -length,
      mean_logp: -1,
      var_logp: 0.5,
      max_logp: -0.1,
      min_logp: -2,
      vhvv: 1000 * (i - 1),
      extras: {
        rb_entropy_sum: base[i]!,
        wjlogp_sum,
        jH_sum,
        denom_corr_unscaled,
        denom_corr_scaled: scale * denom_corr_unscaled,
        new_extra: i,
      },
      features: { length_log: Math.log(length), rb_entropy_sum: base[i]! },
    };
  });
  const gdotv = sum(records.map((record) => record.gdotv));
  const vHvv = sum(records.map((record) => record.vhvv));
  const entries = etas.map((eta, k) => {
    const log_weights = lengths.map((_, i) => 0.01 * (i - 1) * (k + 1));
    const shifted = log_weights.map((value) => Math.exp(value - Math.max(...log_weights)));
    const weights_sum = sum(shifted);
    const weights = shifted.map((value) => value / weights_sum);
    const h_new = base.map((value, i) => value + 0.02 * (k + 1) - 0.001 * i);
    const weighted = (values: readonly number[]) => sum(values.map((value, i) => value * weights[i]!));
    const entropy = perToken ? weighted(h_new) / weighted(lengths) : weighted(h_new);
    const delta_h_true = entropy - baseEntropy;
    return {
      eta,
      delta_h_true,
      diagnostics: {
        delta_h_true,
        base_entropy: baseEntropy,
        ess: 1 / sum(weights.map((value) => value * value)),
        logweight_stats: { min: log_weights[0]!, median: log_weights[2]!, max: log_weights[3]! },
        clip_fraction: 0,
        weights_sum,
        normalized_weights: weights,
        log_weights,
        h_base: base,
        h_new,
        delta_h_seq: h_new.map((value, i) => value - base[i]!),
        token_counts: lengths,
      },
    };
  });
  const audit = { scale_sum: 2 * scale, total_tokens_used: tokens };
  return {
    B_E: n,
    B_U: 2,
    G_U: 2,
    sampling_sec: 1,
    update: {
      method: 'adamw_from_grads',
      vec_norm: 1,
      num_params: 2,
      avg_mb_loss: 0.1,
      num_microbatches: 2,
      amp: { enabled: false, dtype: 'bfloat16' },
    },
    approx: {
      delta_h_per_lr: gdotv,
      num_sequences: n,
      num_tokens: tokens,
      estimator: 'rb',
      baseline: { kind: 'hk_ema' },
      method: 'jvp',
      audit,
      variance: { num_shards: 2, se_shard: 1, se_jackknife: 1 },
      duration: 1,
      used_quad: true,
      update_seconds: 1,
      per_sequence: records,
      per_sequence_meta: {
        B_total: n,
        T_total: tokens,
        scale,
        ...(perToken ? { H_base_mean: baseEntropy } : {}),
      },
      quadratic: {
        gdotv: gdotv * 1.01,
        vHvv,
        eta_star: (2 * Math.abs(gdotv * 1.01)) / Math.abs(vHvv),
        ratio_pred: { '1e-06': 0.9, '4e-06': 0.8 },
        per_sequence_vhvv: records.map((record) => record.vhvv),
        variance: { num_shards: 2, se_gdotv: 1, se_vHvv: 1 },
      },
    },
    true: { entries, duration: 1 },
    control_variates: null,
    precision: { runtime_dtype: 'float32', entropy_dtype: 'float64' },
    timing: { total: 2 },
    laboratory: 'x',
  };
}

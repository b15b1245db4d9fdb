import type { Row } from '../../lake/tables/schema.ts';

/** A row of `runs` with everything that may not be null. */
export function runRow(runId: string, row: Row = {}): Row {
  return {
    run_id: runId,
    ingest_id: `ingest-of-${runId}`,
    family: 'HALLULENS',
    status: 'completed',
    content_sha256: '0'.repeat(64),
    ingested_at: 1_767_225_600_000_000n,
    n_generations: 0,
    n_predictions: 0,
    n_activations: 0,
    n_issues: 0,
    ...row,
  };
}

export function generationRow(runId: string, exampleId: string, row: Row = {}): Row {
  return { run_id: runId, ingest_id: `ingest-of-${runId}`, example_id: exampleId, ...row };
}

export function predictionRow(runId: string, exampleId: string, row: Row = {}): Row {
  return { run_id: runId, ingest_id: `ingest-of-${runId}`, example_id: exampleId, ...row };
}

export function metricRow(runId: string, metric: string, value: number | null, row: Row = {}): Row {
  return {
    run_id: runId,
    ingest_id: `ingest-of-${runId}`,
    scope: 'overall',
    metric,
    value,
    source: 'reported',
    ...row,
  };
}

export function storeRow(runId: string, storeId: string, row: Row = {}): Row {
  return {
    run_id: runId,
    ingest_id: `ingest-of-${runId}`,
    store_id: storeId,
    store_ingest_id: `ingest-of-${storeId}`,
    format: 'lmdb',
    n_entries: 1,
    n_activations: 1,
    ...row,
  };
}

export function activationRow(storeId: string, key: string, layer: number, row: Row = {}): Row {
  const vector = row['vector'] instanceof Float32Array ? row['vector'] : new Float32Array([layer, 0.5, -1]);
  return {
    store_id: storeId,
    ingest_id: `ingest-of-${storeId}`,
    activation_key: key,
    site: 'resid_post',
    layer,
    token_selector: 'last',
    token_index: 0,
    dtype: 'float32',
    dim: vector.length,
    vector,
    ...row,
  };
}

export function issueRow(runId: string, code: string, row: Row = {}): Row {
  return { run_id: runId, ingest_id: `ingest-of-${runId}`, severity: 'warning', code, message: code, ...row };
}

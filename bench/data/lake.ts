import { join } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import { sqlName } from '../../lake/engine/sql-text.ts';
import { copyToParquet } from '../../lake/parquet/copy.ts';
import { duckdbType } from '../../lake/parquet/duckdb-types.ts';
import { dataFileName } from '../../lake/parquet/file-name.ts';
import type { TableSpec } from '../../lake/tables/schema.ts';
import {
  ACTIVATIONS,
  GENERATIONS,
  METRICS,
  PREDICTIONS,
  RUN_STORES,
  RUNS,
} from '../../lake/tables/tables.ts';
import type { RunEntry } from '../../lake/visibility.ts';
import type { IngestedFile, LakeWriter } from '../../lake/writer.ts';

/** How much a generated lake holds, over all runs. */
export interface LakeSize {
  readonly runs: number;
  readonly predictions: number;
  readonly generations: number;
  /** Vectors; they belong to one store, which every run refers to. */
  readonly activations: number;
  /** Length of a vector. */
  readonly hidden?: number;
}

const ROWS_PER_FILE = 1_000_000;
const VECTORS_PER_FILE = 50_000;
const RUNS_PER_COMMIT = 10_000;
const STORE_ID = 'store-generated';
const STORE_INGEST = `${STORE_ID}.0`;
const LAYERS = 16;

/** Columns of a generated run, from its number `r`: 8 methods, 10 models, 25 benchmarks, 5 seeds, and as many dates as it takes. */
const RUN_COLUMNS = `
  r,
  'ingest-generated-' || r AS ingest_id,
  'method_' || (r // 5) % 8 AS method,
  'org/model-' || (r // 40) % 10 || 'b' AS model_id,
  'benchmark_' || (r // 400) % 25 AS benchmark,
  r % 5 AS seed,
  (DATE '2025-01-01' + (r // 10000)::INTEGER)::DATE AS run_date`;

type Expressions = Readonly<Record<string, string>>;

const RUN_ROW: Expressions = {
  family: `'HALLULENS'`,
  split: `'test'`,
  created_at: `epoch_ms(1768467600000 + 1000 * r)::TIMESTAMPTZ`,
  status: `'completed'`,
  verdict: `'COMPLIANT'`,
  git_commit: `repeat('0', 40)`,
  git_dirty: 'false',
  config: `json_object('benchmark', benchmark, 'method', method, 'seed', seed)`,
  source_uri: `'file:/generated/' || run_id`,
  content_sha256: 'sha256(run_id)',
  ingested_at: `TIMESTAMPTZ '2026-01-16 00:00:00+00'`,
  n_issues: '0',
};

/** Scores and labels hang together, so that metrics would be plausible. */
const PREDICTION_ROW: Expressions = {
  example_id: `sha256(run_id || '/' || e)`,
  score_halu:
    'least(1, greatest(0, 0.3 + 0.3 * (hash(r, e) % 5 < 2)::INTEGER + 0.4 * (hash(e, r) % 100000) / 100000.0))::DOUBLE',
  label_halu: 'hash(r, e) % 5 < 2',
  pred_halu: 'hash(e, r) % 2 = 0',
  threshold: '0.5::DOUBLE',
  correct: '(hash(e, r) % 2 = 0) = (hash(r, e) % 5 < 2)',
  split: `'test'`,
  source_line: 'e + 2',
};

const GENERATION_ROW: Expressions = {
  example_id: `sha256(run_id || '/' || e)`,
  activation_key: `sha256('entry ' || e)`,
  split: `'test'`,
  prompt: `'Answer the question concisely.' || chr(10) || chr(10) || 'Q: what is number ' || hash(e) || '?' || chr(10) || 'A:'`,
  response: `'It is ' || hash(r, e) || ', as far as anybody knows.'`,
  reference: `json_object('answers', [hash(e)::VARCHAR])`,
  halu: 'hash(r, e) % 5 < 2',
  label_source: `'exact_match'`,
  generation_params: `'{"temperature":0.7,"top_p":0.95,"max_tokens":64,"n":1}'`,
  source_line: 'e + 1',
};

const METRIC_NAMES = ['auroc', 'auprc', 'accuracy', 'f1', 'n_examples'];
const METRIC_ROW: Expressions = {
  scope: `'overall'`,
  split: `'test'`,
  value: `CASE metric WHEN 'n_examples' THEN 500 ELSE 0.6 + 0.02 * ((r // 5) % 8) + (hash(r, metric) % 1000) / 10000.0 END::DOUBLE`,
  source: `'reported'`,
};

/** Fills an empty lake by SQL, in large sorted files, without going through artifacts. */
export async function generateLake(writer: LakeWriter, size: LakeSize): Promise<void> {
  const connection = await writer.connect();
  try {
    await connection.run(`CREATE TEMP TABLE generated_runs AS
      SELECT row_number() OVER (ORDER BY run_id) - 1 AS n, * FROM (
        SELECT *, 'main/hallulens/' || run_date || '/' || method || '/' || replace(model_id, '/', '__') || '/' ||
          benchmark || '/seed_' || seed AS run_id
        FROM (SELECT ${RUN_COLUMNS} FROM range(${size.runs}) t(r)))`);
    const tables: readonly (readonly [TableSpec, Expressions, number])[] = [
      [PREDICTIONS, PREDICTION_ROW, size.predictions],
      [GENERATIONS, GENERATION_ROW, size.generations],
    ];
    for (const [spec, expressions, rows] of tables) {
      const perRun = Math.round(rows / size.runs);
      if (perRun === 0) continue;
      const runsPerFile = Math.max(1, Math.floor(ROWS_PER_FILE / perRun));
      await byRuns(connection, writer, size.runs, runsPerFile, spec, expressions, `range(${perRun}) x(e)`);
    }
    const metrics = `(SELECT unnest(['${METRIC_NAMES.join("','")}']) AS metric) x`;
    await byRuns(connection, writer, size.runs, size.runs, METRICS, METRIC_ROW, metrics);
    if (size.activations > 0) await writeStore(connection, writer, size);
    await commitRuns(connection, writer, size);
  } finally {
    connection.closeSync();
  }
}

/** Selects a table's columns: generated ones by their expression, those of the run by name, nulls otherwise. */
function columnsOf(spec: TableSpec, expressions: Expressions): string {
  const ofRun = new Set(['run_id', 'ingest_id', 'method', 'model_id', 'benchmark', 'seed', 'run_date']);
  if (spec.name === METRICS.name) ofRun.add('metric');
  return spec.columns
    .map(({ name, type }) => {
      const value = expressions[name] ?? (ofRun.has(name) ? name : 'NULL');
      return `(${value})::${duckdbType(type).toString()} AS ${sqlName(name)}`;
    })
    .join(', ');
}

async function byRuns(
  connection: DuckDBConnection,
  writer: LakeWriter,
  runs: number,
  runsPerFile: number,
  spec: TableSpec,
  expressions: Expressions,
  perRun: string,
): Promise<void> {
  for (let start = 0; start < runs; start += runsPerFile) {
    const range = `n >= ${start} AND n < ${start + runsPerFile}`;
    const select = `SELECT * FROM (SELECT ${columnsOf(spec, expressions)} FROM generated_runs, ${perRun} WHERE ${range})
      ORDER BY ${spec.sortBy.join(', ')}`;
    await append(connection, writer, spec, select, await ingestsOf(connection, range));
  }
}

async function append(
  connection: DuckDBConnection,
  writer: LakeWriter,
  spec: TableSpec,
  select: string,
  ingests: readonly string[],
): Promise<void> {
  const file = await copyToParquet(connection, select, spec, join(writer.directory, dataFileName()));
  const entry: IngestedFile = { table: spec.name, file, ingests };
  await writer.append([entry]);
}

async function ingestsOf(connection: DuckDBConnection, range: string): Promise<string[]> {
  const reader = await connection.runAndReadAll(
    `SELECT ingest_id FROM generated_runs WHERE ${range} ORDER BY n`,
  );
  return reader.getRowsJson().map(([id]) => String(id));
}

async function writeStore(connection: DuckDBConnection, writer: LakeWriter, size: LakeSize): Promise<void> {
  const hidden = size.hidden ?? 256;
  const entries = Math.ceil(size.activations / LAYERS);
  const perFile = Math.max(1, Math.floor(VECTORS_PER_FILE / LAYERS));
  const row: Expressions = {
    store_id: `'${STORE_ID}'`,
    ingest_id: `'${STORE_INGEST}'`,
    activation_key: `sha256('entry ' || e)`,
    model_id: `'org/model-0b'`,
    site: `'resid_post'`,
    layer: 'layer',
    token_selector: `'last'`,
    segment: `'response'`,
    token_index: '7',
    dtype: `'float16'`,
    dim: `${hidden}`,
    norm: `sqrt(${hidden})`,
    vector: `list_transform(range(${hidden}), i -> (hash(i, e, layer) % 65536) / 32768.0 - 1)`,
  };
  for (let start = 0; start < entries; start += perFile) {
    const end = Math.min(entries, start + perFile);
    const select = `SELECT ${columnsOf(ACTIVATIONS, row)}
      FROM range(${start}, ${end}) x(e), range(${LAYERS}) y(layer) ORDER BY ${ACTIVATIONS.sortBy.join(', ')}`;
    await append(connection, writer, ACTIVATIONS, select, [STORE_INGEST]);
  }
  const link: Expressions = {
    store_id: `'${STORE_ID}'`,
    store_ingest_id: `'${STORE_INGEST}'`,
    format: `'lmdb'`,
    n_entries: `${entries}`,
    n_activations: `${entries * LAYERS}`,
  };
  await byRuns(connection, writer, size.runs, size.runs, RUN_STORES, link, '(SELECT 1) x');
}

async function commitRuns(connection: DuckDBConnection, writer: LakeWriter, size: LakeSize): Promise<void> {
  const counts: Expressions = {
    n_generations: `${Math.round(size.generations / size.runs)}`,
    n_predictions: `${Math.round(size.predictions / size.runs)}`,
    n_activations: `${size.activations}`,
  };
  for (let start = 0; start < size.runs; start += RUNS_PER_COMMIT) {
    const range = `n >= ${start} AND n < ${start + RUNS_PER_COMMIT}`;
    const columns = columnsOf(RUNS, { ...RUN_ROW, ...counts });
    const file = await copyToParquet(
      connection,
      `SELECT ${columns} FROM generated_runs WHERE ${range} ORDER BY run_id`,
      RUNS,
      join(writer.directory, dataFileName()),
    );
    const reader = await connection.runAndReadAll(
      `SELECT run_id, ingest_id, sha256(run_id) FROM generated_runs WHERE ${range} ORDER BY run_id`,
    );
    const entries = reader.getRowsJson().map(
      ([run_id, ingest_id, content_sha256]): RunEntry => ({
        run_id: String(run_id),
        ingest_id: String(ingest_id),
        content_sha256: String(content_sha256),
        stores: size.activations > 0 ? [STORE_INGEST] : [],
      }),
    );
    await writer.commitRuns(file, entries);
  }
}

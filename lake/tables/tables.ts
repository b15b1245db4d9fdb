import { exampleId, extra, ingestId, runId, table, VECTOR_ROW_GROUP } from './columns.ts';
import { ENTROPY_TABLES } from './entropy.ts';
import { FV_TABLES } from './fv.ts';
import { JOB_TABLES } from './jobs.ts';
import type { TableSpec } from './schema.ts';

export const RUNS = table({
  name: 'runs',
  doc: 'One row a run. Committed last: a run is visible once its row is.',
  sortBy: ['run_id'],
  columns: [
    runId,
    ingestId,
    {
      name: 'family',
      type: 'string',
      nullable: false,
      doc: 'HALLULENS, CHAOSBENCH, ENTROPY, FV or LM_EVAL.',
    },
    { name: 'method', type: 'string', doc: 'Method that produced the predictions.' },
    { name: 'model_id', type: 'string', doc: 'Model as the artifacts name it.' },
    { name: 'benchmark', type: 'string', doc: 'Benchmark, task or dataset.' },
    { name: 'split', type: 'string', doc: 'Split that the run reports on.' },
    { name: 'seed', type: 'long', doc: 'Training or sampling seed; null for methods without one.' },
    { name: 'run_date', type: 'date', doc: 'Date in the path of the run.' },
    { name: 'created_at', type: 'timestamp', doc: 'When the run says it was made.' },
    {
      name: 'status',
      type: 'string',
      nullable: false,
      doc: 'completed, failed, running, partial, pending or skipped.',
    },
    {
      name: 'verdict',
      type: 'string',
      doc: 'COMPLIANT or NONCOMPLIANT (HALLULENS), OFFICIAL or EXPLORATORY (CHAOSBENCH).',
    },
    { name: 'verdict_reasons', type: 'string[]', doc: 'The criteria that decided the verdict.' },
    { name: 'git_commit', type: 'string', doc: 'Commit of the code that made the run.' },
    { name: 'git_dirty', type: 'boolean', doc: 'Whether that code had uncommitted changes.' },
    { name: 'config', type: 'json', doc: 'The run configuration as recorded.' },
    { name: 'manifest', type: 'json', doc: 'The run manifest as recorded.' },
    { name: 'compliance', type: 'json', doc: 'The contract checklist: a list of {item, passed, detail}.' },
    { name: 'source_uri', type: 'string', doc: 'Where the artifacts lay when they were ingested.' },
    { name: 'content_sha256', type: 'string', nullable: false, doc: 'Hash of everything that was read.' },
    { name: 'ingested_at', type: 'timestamp', nullable: false, doc: 'When this version was ingested.' },
    { name: 'n_generations', type: 'long', nullable: false, doc: 'Rows of generations.' },
    { name: 'n_predictions', type: 'long', nullable: false, doc: 'Rows of predictions.' },
    {
      name: 'n_activations',
      type: 'long',
      nullable: false,
      doc: 'Rows of activations reachable through run_stores.',
    },
    { name: 'n_issues', type: 'long', nullable: false, doc: 'Rows of issues.' },
    {
      name: 'results_sha256',
      type: 'string',
      doc: 'Hash of the file that alone is the measurement, where the family has one.',
    },
    {
      name: 'duplicate_of',
      type: 'string',
      doc: 'The run that held the same measurement when this one was ingested; aggregates leave this one out.',
    },
  ],
});

export const ISSUES = table({
  name: 'issues',
  doc: 'What ingest found wrong or noteworthy.',
  sortBy: ['run_id'],
  columns: [
    runId,
    ingestId,
    { name: 'severity', type: 'string', nullable: false, doc: 'error, warning or info.' },
    { name: 'code', type: 'string', nullable: false, doc: 'Stable machine-readable code.' },
    { name: 'file', type: 'string', doc: 'Artifact, relative to the run.' },
    { name: 'line', type: 'long', doc: '1-based line.' },
    { name: 'pointer', type: 'string', doc: 'JSON pointer within the file or line.' },
    { name: 'message', type: 'string', nullable: false, doc: 'What was found and what was expected.' },
  ],
});

export const GENERATIONS = table({
  name: 'generations',
  doc: 'One row a prompt and its response.',
  sortBy: ['run_id', 'example_id'],
  columns: [
    runId,
    ingestId,
    exampleId,
    { name: 'activation_key', type: 'string', doc: 'Key of the entry in the activation store.' },
    { name: 'benchmark', type: 'string', doc: 'Benchmark of the example.' },
    { name: 'split', type: 'string', doc: 'Split of the example.' },
    { name: 'seed', type: 'long', doc: 'Seed of the example.' },
    { name: 'model_id', type: 'string', doc: 'Model that generated the response.' },
    { name: 'prompt', type: 'string', doc: 'Exact text sent to the model.' },
    { name: 'response', type: 'string', doc: 'Text the model returned.' },
    { name: 'reference', type: 'json', doc: 'Ground truth as recorded.' },
    { name: 'halu', type: 'boolean', doc: 'Whether the response is labelled a hallucination.' },
    { name: 'abstained', type: 'boolean', doc: 'Whether the model refused to answer.' },
    {
      name: 'label_source',
      type: 'string',
      doc: 'Who labelled it, as the artifact says; of jobs of Runlake the evaluator, e.g. containment.',
    },
    { name: 'generation_params', type: 'json', doc: 'Sampling parameters.' },
    { name: 'timing', type: 'json', doc: 'Timing as recorded.' },
    { name: 'source_line', type: 'long', doc: '1-based line of the artifact the row came from.' },
    extra,
  ],
});

export const PREDICTIONS = table({
  name: 'predictions',
  doc: 'One row a scored example.',
  sortBy: ['run_id', 'example_id'],
  columns: [
    runId,
    ingestId,
    exampleId,
    { name: 'score_halu', type: 'double', doc: 'Score; higher means more likely a hallucination.' },
    { name: 'label_halu', type: 'boolean', doc: 'Label the score is judged against.' },
    { name: 'pred_halu', type: 'boolean', doc: 'Thresholded prediction.' },
    { name: 'threshold', type: 'double', doc: 'Threshold that was applied.' },
    { name: 'pred_label', type: 'string', doc: 'Predicted answer (CHAOSBENCH, LM_EVAL).' },
    { name: 'true_label', type: 'string', doc: 'Correct answer (CHAOSBENCH, LM_EVAL).' },
    {
      name: 'outcome',
      type: 'string',
      doc: 'How the answer was parsed (CHAOSBENCH): VALID_TRUE, VALID_FALSE or INVALID.',
    },
    { name: 'correct', type: 'boolean', doc: 'Whether the prediction equals the label.' },
    { name: 'latency_s', type: 'double', doc: 'Seconds the answer took.' },
    { name: 'task_family', type: 'string', doc: 'Family of the item.' },
    { name: 'split', type: 'string', doc: 'Split of the example.' },
    { name: 'benchmark', type: 'string', doc: 'Benchmark of the example.' },
    { name: 'method', type: 'string', doc: 'Method that scored it (LM_EVAL: the filter).' },
    { name: 'model_id', type: 'string', doc: 'Model that was scored.' },
    { name: 'seed', type: 'long', doc: 'Seed of the method.' },
    { name: 'source_line', type: 'long', doc: '1-based line of the artifact the row came from.' },
    extra,
    {
      // Not `layer`: activations, to which predictions are joined, count that from the embedding.
      name: 'edit_layer',
      type: 'integer',
      doc: 'Decoder block to whose output the function vector was added, from 0 (FV).',
    },
  ],
});

export const METRICS = table({
  name: 'metrics',
  doc: 'One row a number about a run.',
  sortBy: ['run_id', 'scope', 'metric'],
  columns: [
    runId,
    ingestId,
    {
      name: 'scope',
      type: 'string',
      nullable: false,
      doc: '`overall`, or a part: `family:…`, `split:…`, `layer:…`, `control:…`, `filter:…`.',
    },
    { name: 'split', type: 'string', doc: 'Split it was computed on.' },
    {
      name: 'metric',
      type: 'string',
      nullable: false,
      doc: 'Name, e.g. auroc; `SELECT DISTINCT metric FROM metrics` lists those of the lake.',
    },
    {
      name: 'value',
      type: 'double',
      doc: 'The number; NaN where the tool wrote NaN, null where it wrote null.',
    },
    { name: 'ci_low', type: 'double', doc: 'Lower bound of the interval recorded with it.' },
    { name: 'ci_high', type: 'double', doc: 'Upper bound of the interval recorded with it.' },
    {
      name: 'source',
      type: 'string',
      nullable: false,
      doc: '`reported` by the artifact or `recomputed` by Runlake.',
    },
  ],
});

export const TRAIN_METRICS = table({
  name: 'train_metrics',
  doc: 'One row a training log line.',
  sortBy: ['run_id', 'step'],
  columns: [
    runId,
    ingestId,
    { name: 'step', type: 'long', nullable: false, doc: 'Position in the log, from 0.' },
    { name: 'time', type: 'timestamp', doc: 'When it was logged.' },
    { name: 'epoch', type: 'long', doc: 'Epoch.' },
    { name: 'split', type: 'string', doc: 'train or val.' },
    { name: 'loss', type: 'double', doc: 'Loss.' },
    { name: 'auroc', type: 'double', doc: 'AUROC during training.' },
    { name: 'lr', type: 'double', doc: 'Learning rate.' },
    { name: 'cosine_sim', type: 'double', doc: 'Mean cosine similarity of the two views.' },
    extra,
  ],
});

export const RUN_STORES = table({
  name: 'run_stores',
  doc: 'Which activation stores a run refers to; joins runs to activations.',
  sortBy: ['run_id', 'store_id'],
  columns: [
    runId,
    ingestId,
    {
      name: 'store_id',
      type: 'string',
      nullable: false,
      doc: 'Identity of the store: hash of its content and of how it was ingested.',
    },
    {
      name: 'store_ingest_id',
      type: 'string',
      nullable: false,
      doc: 'ingest_id of the activations rows of the store.',
    },
    { name: 'format', type: 'string', nullable: false, doc: 'lmdb, json_npy, zarr or memmap.' },
    { name: 'uri', type: 'string', doc: 'Where the store lay when it was ingested.' },
    { name: 'n_entries', type: 'long', nullable: false, doc: 'Entries in the store.' },
    { name: 'n_activations', type: 'long', nullable: false, doc: 'Rows of activations made from it.' },
    extra,
  ],
});

export const ACTIVATIONS = table({
  name: 'activations',
  doc: 'One row a vector: an entry of a store, a layer, a token or pooled tokens.',
  sortBy: ['store_id', 'layer', 'activation_key', 'token_index'],
  rowGroupSize: VECTOR_ROW_GROUP,
  byteStreamSplit: ['vector'],
  columns: [
    { name: 'store_id', type: 'string', nullable: false, doc: 'The store it came from (see run_stores).' },
    ingestId,
    { name: 'activation_key', type: 'string', nullable: false, doc: 'Key of the entry in the store.' },
    { name: 'example_id', type: 'string', doc: 'The example, where the store knows it.' },
    { name: 'model_id', type: 'string', doc: 'Model the activations were captured from.' },
    {
      name: 'site',
      type: 'string',
      nullable: false,
      doc: 'What was captured: `resid_post` (residual stream after the block), `attn_pattern` (attention weights).',
    },
    {
      name: 'layer',
      type: 'integer',
      nullable: false,
      doc: '0 is the embedding output, i the output of block i-1.',
    },
    {
      name: 'token_selector',
      type: 'string',
      nullable: false,
      doc: '`all`: one row a stored token; `last` or `mean`: one pooled row.',
    },
    {
      name: 'segment',
      type: 'string',
      doc: '`prompt` or `response`: what the token (or the pooled tokens) belongs to, where known.',
    },
    {
      name: 'token_index',
      type: 'integer',
      doc: 'Position in the stored sequence from 0, prompt first; null for `mean`.',
    },
    {
      name: 'dtype',
      type: 'string',
      nullable: false,
      doc: 'float16, bfloat16, float32 or float64 in the artifact.',
    },
    { name: 'dim', type: 'integer', nullable: false, doc: 'Length of the vector.' },
    { name: 'norm', type: 'double', doc: 'Euclidean norm of the vector.' },
    {
      name: 'vector',
      type: 'float[]',
      nullable: false,
      lengthColumn: 'dim',
      doc: 'The values; f16, bf16 and f32 are kept exactly.',
    },
  ],
});

export const TOKENS = table({
  name: 'tokens',
  doc: 'One row a token of a response whose ids or log-probabilities a store recorded.',
  sortBy: ['store_id', 'activation_key', 'token_index'],
  columns: [
    { name: 'store_id', type: 'string', nullable: false, doc: 'The store it came from (see run_stores).' },
    ingestId,
    { name: 'activation_key', type: 'string', nullable: false, doc: 'Key of the entry in the store.' },
    { name: 'segment', type: 'string', nullable: false, doc: '`prompt` or `response`.' },
    { name: 'token_index', type: 'integer', nullable: false, doc: 'Position in the segment from 0.' },
    { name: 'token_id', type: 'long', doc: 'Vocabulary id.' },
    { name: 'logprob', type: 'double', doc: 'Natural log of the probability of the token.' },
    { name: 'top_ids', type: 'long[]', doc: 'Most likely ids at this position, as recorded.' },
    { name: 'top_logprobs', type: 'float[]', doc: 'Their log-probabilities.' },
  ],
});

/** Every table of the lake, those of runs in the order in which an ingest commits them: `runs` last. */
export const TABLES = [
  ...JOB_TABLES,
  ACTIVATIONS,
  TOKENS,
  RUN_STORES,
  GENERATIONS,
  PREDICTIONS,
  METRICS,
  TRAIN_METRICS,
  ...ENTROPY_TABLES,
  ...FV_TABLES,
  ISSUES,
  RUNS,
] as const satisfies readonly TableSpec[];

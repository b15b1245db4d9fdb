import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { JsonValue } from '../json-value.ts';
import { schemaIssues } from '../schema-issues.ts';
import { isPredictionRecord, PREDICTION_KEYS, predictionSchema, recordViolations } from './prediction.ts';
import { MANIFEST_SCHEMAS, manifestGeneration } from './run-manifest.ts';
import { commitsOf, taggedCommitsSchema } from './tagged-commits.ts';

const RECORD = {
  id: 'a1',
  question: 'Is it?',
  ground_truth: 'TRUE',
  pred_text: 'TRUE',
  parsed_label: 'TRUE',
  outcome: 'VALID_TRUE',
  correct: true,
  latency_s: 0.1,
  task_family: 'atomic',
  split: null,
  retry_pred_text: null,
  retry_outcome: null,
  meta: { parse_reason: 'final line token', parse_confidence: 0.9 },
} satisfies Record<string, JsonValue>;

const anyValue: fc.Arbitrary<JsonValue | undefined> = fc.constantFrom<(JsonValue | undefined)[]>(
  undefined,
  null,
  true,
  false,
  0,
  -0.5,
  2,
  12345678901234567890n,
  -1n,
  Number.NaN,
  Infinity,
  '',
  'text',
  'TRUE',
  'FALSE',
  'VALID_FALSE',
  'INVALID',
  [],
  {},
  { parse_reason: 'x', parse_confidence: 1 },
  { parse_reason: 'x', parse_confidence: Number.NaN },
  { parse_reason: 1, parse_confidence: 1 },
);

describe('prediction records', () => {
  test('the fast check accepts exactly what the schema accepts', () => {
    const change = fc.tuple(fc.constantFrom(...PREDICTION_KEYS, 'unknown'), anyValue);
    let accepted = 0;
    fc.assert(
      fc.property(fc.array(change, { maxLength: 3 }), (changes) => {
        const record: Record<string, JsonValue> = { ...RECORD };
        for (const [key, value] of changes) {
          if (value === undefined) delete record[key];
          else record[key] = value;
        }
        const fast = isPredictionRecord(record);
        if (fast) accepted++;
        expect(fast).toBe(predictionSchema.safeParse(record).success);
        expect(schemaIssues(predictionSchema, record, { file: 'f' }).length > 0).toBe(!fast);
      }),
      { numRuns: 1000 },
    );
    expect(accepted).toBeGreaterThan(50);
  });

  test('rules between fields', () => {
    const violations = (changes: Record<string, JsonValue>) => {
      const record: JsonValue = { ...RECORD, ...changes };
      if (!isPredictionRecord(record)) throw new Error('not a record');
      return recordViolations(record).map(({ code, pointer }) => `${code} ${pointer}`);
    };
    const invalid = { parsed_label: null, outcome: 'INVALID', correct: null };
    expect(violations({})).toEqual([]);
    expect(violations(invalid)).toEqual([]);
    expect(violations({ retry_pred_text: '', retry_outcome: 'INVALID' })).toEqual([]);
    expect(violations({ ground_truth: 'MAYBE', correct: false })).toEqual([]);
    expect(violations({ ground_truth: 'MAYBE' })).toEqual([
      'UNKNOWN_GROUND_TRUTH /ground_truth',
      'CORRECT_MISMATCH /correct',
    ]);
    expect(violations({ outcome: 'VALID_FALSE' })).toEqual(['OUTCOME_MISMATCH /outcome']);
    expect(violations({ ...invalid, correct: false })).toEqual(['CORRECT_NOT_NULL_IFF_INVALID /correct']);
    expect(violations({ correct: null })).toEqual(['CORRECT_NOT_NULL_IFF_INVALID /correct']);
    expect(violations({ correct: false })).toEqual(['CORRECT_MISMATCH /correct']);
    expect(violations({ retry_pred_text: 'TRUE' })).toEqual(['RETRY_PAIR_INCOMPLETE /retry_outcome']);
  });
});

describe('manifests', () => {
  const legacy: Record<string, JsonValue> = {
    run_id: '20260219T193151Z_ollama_qwen2.5:7b',
    created_utc: '2026-02-19T19:32:00.000001+00:00',
    provider: 'ollama/qwen2.5:7b',
    prompt_version: 'v1',
    prompt_hash: '5881f664c444e3d3',
    dataset_global_sha256: '0'.repeat(64),
    canonical_selector: 'data/canonical_v2_files.json',
    total_items_evaluated: 10,
    max_items: null,
    seed: 42,
    retries: 1,
    workers: 4,
    strict_parsing: true,
    git_commit: '18daf63',
    python_version: '3.12.12',
    metrics_summary: {},
  };
  const ordered = { order_mode: 'canonical', shuffle_seed: null, resumed_from: null };
  const budget = { max_usd: null, truncate_pred_text: 0, phase: null, dry_run_cost: false };
  const problems = (manifest: JsonValue) =>
    schemaIssues(MANIFEST_SCHEMAS[manifestGeneration(manifest)], manifest, { file: 'f' }).map(
      ({ code, pointer }) => `${code} ${pointer}`,
    );

  test('three generations, told by their keys', () => {
    for (const [generation, manifest] of [
      ['legacy', legacy],
      ['ordered', { ...legacy, ...ordered }],
      ['budgeted', { ...legacy, ...ordered, budget }],
    ] as const) {
      expect(manifestGeneration(manifest)).toBe(generation);
      expect(problems(manifest)).toEqual([]);
    }
    expect(problems({ ...legacy, order_mode: 'canonical' })).toEqual([
      'MISSING_REQUIRED_FIELD /shuffle_seed',
      'MISSING_REQUIRED_FIELD /resumed_from',
    ]);
    expect(problems({ ...legacy, budget })).toHaveLength(3);
  });

  test('values', () => {
    expect(problems({ ...legacy, git_commit: null, dataset_global_sha256: 'unavailable' })).toEqual([]);
    for (const [key, value] of [
      ['created_utc', '2026-02-19T19:32:00'],
      ['created_utc', '2026-02-19'],
      ['git_commit', 'v2.0'],
      ['total_items_evaluated', -1],
      ['prompt_hash', 'short'],
      ['run_id', ''],
    ] as const) {
      expect(problems({ ...legacy, [key]: value })).toEqual([`INVALID_VALUE /${key}`]);
    }
  });
});

test('tagged commits are listed by tag, or by project and tag', () => {
  const commits = (value: unknown) => commitsOf(taggedCommitsSchema.parse(value));
  expect(commits({ v1: ['956ba40'], v2: [] })).toEqual(['956ba40']);
  expect(commits({ mini: { v1: ['956ba40'] }, real: { v1: ['18daf63'], v2: ['b4259ed'] } })).toHaveLength(3);
  expect(taggedCommitsSchema.safeParse({ v1: ['--all'] }).success).toBe(false);
});

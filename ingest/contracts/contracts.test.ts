import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { evalMetricsSchema } from './hallulens/eval-metrics.ts';
import { generationSchema, isGenerationRecord } from './hallulens/generation.ts';
import { parseDecimal, parseLabel } from './hallulens/prediction.ts';
import { runConfigSchema } from './hallulens/run-config.ts';
import { runManifestSchema } from './hallulens/run-manifest.ts';
import { trainMetricsSchema } from './hallulens/train-metrics.ts';
import type { JsonValue } from './json-value.ts';
import { modelCheckIssues } from './model-check.ts';
import { parseIsoTime } from './scalars.ts';
import { jsonPointer, schemaIssues } from './schema-issues.ts';

const GENERATION = {
  example_id: 'e1',
  benchmark: 'triviaqa',
  split: 'test',
  seed: 0,
  model_id: 'm/x',
  prompt: 'Q',
  response: 'A',
  reference: { answers: ['a'] },
  label: { halu: 1, label_source: 'exact_match' },
  generation_params: { temperature: 0.8 },
  timing: { log_s: 0.1 },
  activation_key: 'k',
  hashkey: 'k',
};

/** Values that are right somewhere and wrong elsewhere. */
const anyValue: fc.Arbitrary<JsonValue | undefined> = fc.oneof(
  fc.constantFrom<(JsonValue | undefined)[]>(
    undefined,
    null,
    true,
    false,
    0,
    1,
    2,
    -1,
    0.5,
    Number.NaN,
    Infinity,
    '',
    'text',
    12345678901234567890n,
    [],
    {},
  ),
  fc.record({
    halu: fc.constantFrom(0, 1, true, false, 2, 'x'),
    label_source: fc.constantFrom('s', 1, null),
  }),
);

describe('generation records', () => {
  test('the fast check accepts exactly what the schema accepts', () => {
    const field = fc.constantFrom(...Object.keys(GENERATION));
    const changes = fc.array(fc.tuple(field, anyValue), { maxLength: 3 });
    let accepted = 0;
    fc.assert(
      fc.property(changes, (list) => {
        const record: Record<string, JsonValue> = { ...GENERATION };
        for (const [key, value] of list) {
          if (value === undefined) delete record[key];
          else record[key] = value;
        }
        const fast = isGenerationRecord(record);
        if (fast) accepted++;
        expect(fast).toBe(generationSchema.safeParse(record).success);
        expect(schemaIssues(generationSchema, record, { file: 'f' }).length > 0).toBe(!fast);
      }),
      { numRuns: 2000 },
    );
    expect(accepted).toBeGreaterThan(100);
  });

  test('values that are no objects', () => {
    for (const value of [null, 1, 'x', [], true]) {
      expect(isGenerationRecord(value)).toBe(false);
      expect(generationSchema.safeParse(value).success).toBe(false);
    }
  });
});

describe('issues from schemas', () => {
  const config = {
    benchmark: 'b',
    split: 'test',
    method: 'm',
    seed: 1,
    model: { id: 'x', backend: 'hf' },
    inference: { max_tokens: 5, temperature: 0, top_p: 1, n: 1 },
    activation_logging: { enabled: true, format: 'zarr', path: 'p', layers: [0, 1], token_selector: 't' },
    training: { epochs: 1, batch_size: 1, sub_batch_size: 1, lr: 0.1 },
  };
  const codes = (value: JsonValue) =>
    schemaIssues(runConfigSchema, value, { file: 'config.json' }).map(({ code, pointer }) => [code, pointer]);

  test('a complete configuration has none; so has one without training', () => {
    expect(codes(config)).toEqual([]);
    const { training: _, ...rest } = config;
    expect(codes(rest)).toEqual([]);
    expect(codes({ ...config, activation_logging: { ...config.activation_logging, layers: 'all' } })).toEqual(
      [],
    );
  });

  test('absent, of the wrong type, NaN: different codes, with a pointer', () => {
    expect(codes({ ...config, model: { backend: 'hf' } })).toEqual([['MISSING_REQUIRED_FIELD', '/model/id']]);
    expect(codes({ ...config, seed: '1' })).toEqual([['WRONG_TYPE', '/seed']]);
    expect(codes({ ...config, seed: 1.5 })).toEqual([['WRONG_TYPE', '/seed']]);
    expect(codes({ ...config, benchmark: '' })).toEqual([['INVALID_VALUE', '/benchmark']]);
    expect(codes({ ...config, inference: { ...config.inference, top_p: Number.NaN } })).toEqual([
      ['JSON_NAN_LITERAL', '/inference/top_p'],
    ]);
    expect(codes([])).toEqual([['WRONG_TYPE', undefined]]);
  });

  test('messages name the place, what was found and what was expected', () => {
    const [issue] = schemaIssues(
      evalMetricsSchema,
      { ...metrics, auroc: 'high' },
      { file: 'e.json' },
      'warning',
    );
    expect(issue).toEqual({
      severity: 'warning',
      code: 'WRONG_TYPE',
      file: 'e.json',
      pointer: '/auroc',
      message: '/auroc is "high"; expected a number',
    });
  });

  const metrics = {
    benchmark: 'b',
    split: 's',
    method: 'm',
    model_id: 'x',
    seed: 0,
    n_examples: 3,
    auroc: 0.5,
  };

  test('metrics: recommended fields may be absent or null', () => {
    expect(schemaIssues(evalMetricsSchema, metrics, { file: 'f' })).toEqual([]);
    expect(schemaIssues(evalMetricsSchema, { ...metrics, ece: null, f1: 0.2 }, { file: 'f' })).toEqual([]);
  });

  test('manifest: git and environment are required, times are ISO 8601', () => {
    const manifest = {
      created_at: '2026-01-20T09:00:00+00:00',
      git: { commit: 'abc', dirty: false },
      environment: { python_version: '3.11', platform: 'Linux', cuda: null },
    };
    expect(schemaIssues(runManifestSchema, manifest, { file: 'f' })).toEqual([]);
    const { git: _, ...rest } = manifest;
    expect(schemaIssues(runManifestSchema, rest, { file: 'f' }).map((i) => i.pointer)).toEqual(['/git']);
    expect(
      schemaIssues(runManifestSchema, { ...manifest, created_at: 'today' }, { file: 'f' })[0]?.code,
    ).toBe('INVALID_VALUE');
  });

  test('training losses may diverge', () => {
    const record = { time: '2026-01-20T09:00:07', epoch: 0, split: 'train', loss: 1 };
    for (const loss of [0.5, Number.NaN, Infinity, -Infinity]) {
      expect(schemaIssues(trainMetricsSchema, { ...record, loss }, { file: 'f' })).toEqual([]);
    }
    expect(schemaIssues(trainMetricsSchema, { ...record, loss: '1' }, { file: 'f' })[0]?.code).toBe(
      'WRONG_TYPE',
    );
  });

  test('pointers escape tilde and slash', () => {
    expect(jsonPointer(['a/b', 'c~d', 0])).toBe('/a~1b/c~0d/0');
    expect(jsonPointer([])).toBe('');
  });
});

describe('texts of a CSV', () => {
  test('decimals: every double as its shortest text, and what Python calls a number', () => {
    fc.assert(
      fc.property(fc.double(), (value) => {
        const text = Object.is(value, -0) ? '-0' : String(value).toLowerCase();
        expect(parseDecimal(text)).toBe(value);
      }),
    );
    expect(['nan', 'NaN', '-inf', 'Infinity', ' 1.5 ', '1e-7', '+.5', '1.'].map(parseDecimal)).toEqual([
      Number.NaN,
      Number.NaN,
      -Infinity,
      Infinity,
      1.5,
      1e-7,
      0.5,
      1,
    ]);
  });

  test('what is no number', () => {
    for (const text of ['', 'high', '0x10', '1,5', '1e', 'e5', '.', '1 2', '--1', 'null'])
      expect(parseDecimal(text)).toBeUndefined();
  });

  test('labels', () => {
    expect(['0', '1', 'True', 'false', '1.0'].map(parseLabel)).toEqual([false, true, true, false, true]);
    expect(['2', '', 'yes', '-0'].map(parseLabel)).toEqual([undefined, undefined, undefined, undefined]);
  });
});

describe('ISO times', () => {
  test('microseconds survive, offsets count, none means UTC', () => {
    const base = BigInt(Date.UTC(2026, 0, 20, 9, 0, 7)) * 1000n;
    expect(parseIsoTime('2026-01-20T09:00:07+00:00')).toBe(base);
    expect(parseIsoTime('2026-01-20T09:00:07.000926Z')).toBe(base + 926n);
    expect(parseIsoTime('2026-01-20 11:00:07.5+02:00')).toBe(base + 500_000n);
    expect(parseIsoTime('2026-01-20T09:00:07')).toBe(base);
    expect(parseIsoTime('2026-01-20')).toBe(BigInt(Date.UTC(2026, 0, 20)) * 1000n);
  });

  test('what is no time', () => {
    for (const text of ['', 'today', '2026-13-40T00:00:00Z', '20260120', '2026-01-20T9:00'])
      expect(parseIsoTime(text)).toBeUndefined();
  });
});

describe('model_check', () => {
  const issues = (found: JsonValue) =>
    modelCheckIssues({ model_check: found }, 'run_manifest.json').map(({ severity, code, pointer }) => [
      severity,
      code,
      pointer,
    ]);
  test('is an issue unless the model passed', () => {
    expect(modelCheckIssues(undefined, 'f')).toEqual([]);
    expect(modelCheckIssues({}, 'f')).toEqual([]);
    expect(issues({ verdict: 'passed', failed_checks: [], reason: null })).toEqual([]);
    expect(issues({ verdict: 'failed', failed_checks: ['a'], reason: null })).toEqual([
      ['warning', 'MODEL_CHECK_FAILED', '/model_check'],
    ]);
    expect(issues({ verdict: 'unverified', failed_checks: [], reason: 'slow' })).toEqual([
      ['warning', 'MODEL_UNVERIFIED', '/model_check'],
    ]);
    expect(issues('passed')).toEqual([['warning', 'WRONG_TYPE', '/model_check']]);
    expect(issues({ verdict: 'fine', failed_checks: [], reason: null })).toEqual([
      ['warning', 'INVALID_VALUE', '/model_check/verdict'],
    ]);
  });
});

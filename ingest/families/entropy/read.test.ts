import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import type { JsonObject } from '../../contracts/json-value.ts';
import { jsonText } from '../../run-files/json-text.ts';
import { readRuns, temporaryTree } from '../../testing.ts';
import { ENTROPY } from './index.ts';
import { sampleDiagnostics } from './sample.test-support.ts';

const trees: { remove(): void }[] = [];
afterEach(() => {
  for (const tree of trees.splice(0)) tree.remove();
});

async function read(files: Record<string, string | Uint8Array>) {
  const tree = temporaryTree(files);
  trees.push(tree);
  return readRuns(ENTROPY, tree.path);
}

async function readOne(document: JsonObject, files: Record<string, string> = {}) {
  const runs = await read({ 'g/run_01/results.json': pythonJson(document), ...files });
  return runs.get('g/run_01')!;
}

/** JSON with bare NaN, as Python writes it. */
const pythonJson = (document: JsonObject) => jsonText(document).replaceAll(/"(NaN|-?Infinity)"/g, '$1');

/** The object at a path of a document, to be changed. */
function at(document: JsonObject, ...path: (string | number)[]): JsonObject {
  let value: unknown = document;
  for (const key of path) value = (value as Record<string | number, unknown>)[key];
  return value as JsonObject;
}

describe('diagnostics', () => {
  test.each(['per_token', 'per_sequence'] as const)(
    'a %s run keeps its identities',
    async (normalization) => {
      const { sink, summary } = await readOne(sampleDiagnostics(normalization));
      expect([summary.accepted, sink.issues]).toEqual([true, []]);
      expect(sink.table('entropy_updates')[0]).toMatchObject({
        normalization,
        true_normalization: normalization,
        denominator_correction: true,
      });
      for (const point of sink.table('entropy_points').slice(0, 2)) {
        const rows = sink.table('entropy_sequences').filter((row) => row['eta'] === point['eta']);
        const total = (column: string) => rows.reduce((sum, row) => sum + Number(row[column]), 0);
        expect(total('true_contrib')).toBeCloseTo(Number(point['delta_h_true']), 13);
        expect(total('linear')).toBeCloseTo(Number(point['linear']), 13);
        expect(total('linquad')).toBeCloseTo(Number(point['linquad_sum']), 13);
        const value = normalization === 'per_token' ? 'per_token_value' : 'per_sequence_value';
        expect(point[value]).toBeCloseTo(Number(point['delta_h_true']), 13);
      }
    },
  );

  test('a ratio that was predicted where nothing was measured is a point of its own', async () => {
    const { sink } = await readOne(sampleDiagnostics());
    const points = sink.table('entropy_points');
    expect(points.map((row) => [row['eta'], row['ratio_pred'], row['delta_h_true'] === undefined])).toEqual([
      [1e-6, 0.9, false],
      [2e-6, undefined, false],
      [4e-6, 0.8, true],
    ]);
    expect(typeof points[2]?.['linquad']).toBe('number');
  });

  test('members without a column are kept in extra, copies are not', async () => {
    const { sink } = await readOne(sampleDiagnostics());
    expect(JSON.parse(String(sink.table('entropy_updates')[0]?.['extra']))).toMatchObject({
      laboratory: 'x',
      control_variates: null,
    });
    expect(sink.table('entropy_features')[1]?.['extra']).toBe('{"extras":{"new_extra":1}}');
  });

  test('every member of the document is in some row', async () => {
    const document = sampleDiagnostics();
    const { sink } = await readOne(document);
    const found = new Set<number>();
    const collect = (value: unknown): void => {
      if (typeof value === 'number') found.add(value);
      else if (typeof value === 'string' && /^[{[]/.test(value)) collect(JSON.parse(value));
      else if (typeof value === 'object' && value !== null)
        for (const item of Object.values(value)) collect(item);
    };
    for (const table of ['entropy_updates', 'entropy_points', 'entropy_sequences', 'entropy_features'])
      collect(sink.table(table));
    const missing: number[] = [];
    const look = (value: unknown): void => {
      if (typeof value === 'number' && !found.has(value)) missing.push(value);
      else if (typeof value === 'object' && value !== null)
        for (const item of Object.values(value)) look(item);
    };
    look(document);
    expect(missing).toEqual([]);
  });

  test('descriptions that are absent or odd are a warning; numbers that sums need are an error', async () => {
    const odd = sampleDiagnostics();
    delete odd['timing'];
    at(odd, 'approx', 'variance')['se_shard'] = Number.NaN;
    at(odd, 'precision')['runtime_dtype'] = 32;
    const { sink, summary } = await readOne(odd);
    expect(summary.accepted).toBe(true);
    expect(sink.issues.map(({ severity, code, pointer }) => [severity, code, pointer])).toEqual([
      ['warning', 'WRONG_TYPE', '/precision/runtime_dtype'],
      ['warning', 'MISSING_REQUIRED_FIELD', '/timing'],
    ]);
    const [update] = sink.table('entropy_updates');
    expect(update?.['se_shard']).toBeNaN();
    expect(JSON.parse(String(update?.['extra'])).precision).toEqual({ runtime_dtype: 32 });
    const broken = sampleDiagnostics();
    delete at(broken, 'approx')['num_tokens'];
    expect((await readOne(broken)).summary.accepted).toBe(false);
  });

  test('normalisations that differ, and that the configuration does not ask for, are warnings', async () => {
    const document = sampleDiagnostics('per_sequence');
    const yaml = 'approx_delta_h:\n  normalize: per_token\ntrue_delta_h:\n  report_per_token: true\n';
    const { sink } = await readOne(document, { 'g/run_01/config.yaml': yaml });
    expect(sink.issues.map(({ code, message }) => [code, message])).toEqual([
      ['NORMALIZATION_MISMATCH', 'the derivatives are per_sequence, the configuration asks for per_token'],
      ['NORMALIZATION_MISMATCH', 'the true change is per_sequence, the configuration asks for per_token'],
    ]);
    const mixed = sampleDiagnostics();
    mixed['true'] = sampleDiagnostics('per_sequence')['true']!;
    delete at(mixed, 'approx', 'per_sequence_meta')['H_base_mean'];
    const found = await readOne(mixed);
    expect(found.sink.issues.map(({ message }) => message)).toEqual([
      'the true change is per_sequence, the derivatives are per_token: they measure different things',
    ]);
  });

  test('a normalisation that we do not know has no scale to check', async () => {
    const document = sampleDiagnostics();
    const records = document['approx'] as JsonObject;
    at(document, 'approx', 'per_sequence_meta')['scale'] = 0.5;
    delete records['audit'];
    for (const record of records['per_sequence'] as JsonObject[]) {
      const { wjlogp_sum, jH_sum, denom_corr_unscaled } = record['extras'] as Record<string, number>;
      record['gdotv'] = 0.5 * (wjlogp_sum! + jH_sum! + denom_corr_unscaled!);
    }
    const gdotv = (records['per_sequence'] as { gdotv: number }[]).reduce((sum, r) => sum + r.gdotv, 0);
    records['delta_h_per_lr'] = gdotv;
    const config = { 'g/run_01/config.yaml': 'approx_delta_h: {normalize: per_seq_token_mean}' };
    const { sink, summary } = await readOne(document, config);
    expect(summary.accepted).toBe(true);
    expect(sink.table('entropy_updates')[0]).toMatchObject({ normalization: undefined, scale: 0.5 });
    expect((await readOne(document)).sink.issues.map(({ code }) => code)).toContain('SCALE_MISMATCH');
  });

  test('whatever number is changed, the run is rejected, or the number stands in a row', async () => {
    const numbers: (string | number)[][] = [];
    const visit = (value: unknown, path: (string | number)[]): void => {
      if (typeof value === 'number') numbers.push(path);
      else if (typeof value === 'object' && value !== null)
        for (const [key, item] of Object.entries(value)) visit(item, [...path, key]);
    };
    visit(sampleDiagnostics(), []);
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...numbers), fc.double({ min: 1.5, max: 3 }), async (path, factor) => {
        const document = sampleDiagnostics();
        const owner = at(document, ...path.slice(0, -1));
        const key = String(path.at(-1));
        const changed = Number(owner[key]) * factor + 0.25;
        owner[key] = changed;
        const { sink, summary } = await readOne(document);
        if (!summary.accepted) return;
        const rows = ['entropy_updates', 'entropy_points', 'entropy_sequences', 'entropy_features'].map(
          (table) => sink.table(table),
        );
        // As text that also has NaN and the infinities, which JSON writes as null.
        const numbersAsText = (_key: string, value: unknown) =>
          typeof value === 'number' ? String(value) : value;
        expect(JSON.stringify(rows, numbersAsText)).toContain(String(changed));
      }),
      { numRuns: 40 },
    );
  });

  test('bytes that are no results are rejected, never thrown', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(5000), fc.integer({ min: 0, max: 255 }), async (offset, byte) => {
        const bytes = Buffer.from(jsonText(sampleDiagnostics()));
        bytes[offset % bytes.length] = byte;
        const runs = await read({
          'entropy_experiments/results/run_01/results.json': bytes,
          'entropy_experiments/results/run_01/plan.json': '{',
        });
        const { summary, sink } = runs.get('entropy_experiments/results/run_01')!;
        expect(summary.accepted).toBe(!sink.issues.some(({ severity }) => severity === 'error'));
        for (const tree of trees.splice(0)) tree.remove();
      }),
      { numRuns: 25 },
    );
  });
});

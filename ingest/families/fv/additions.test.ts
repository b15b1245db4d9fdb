import { describe, expect, test } from 'vitest';
import { MemoryStore } from '../../../lake/log/memory-store.test-support.ts';
import { type CollectedRun, findRuns, memorySink } from '../../testing.ts';
import { FV } from './index.ts';
import { syntheticRun } from './testing.ts';

const lines = (records: readonly object[]) => records.map((record) => `${JSON.stringify(record)}\n`).join('');

/** Reads a synthetic run with files of `artifacts/runlake`. */
async function read(files: Readonly<Record<string, string>>, lenient = false): Promise<CollectedRun> {
  const tree = { store: new MemoryStore(), prefix: 'data' };
  const added = Object.entries(files).map(([name, text]) => [`artifacts/runlake/${name}`, text] as const);
  for (const [path, content] of [...Object.entries(syntheticRun()), ...added])
    await tree.store.put(`data/results/rel_ex/Q1/${path}`, Buffer.from(content));
  const [candidate] = await findRuns(FV, tree);
  const sink = memorySink(FV, { tree, lenient });
  return { candidate: candidate!, sink, summary: await FV.read(candidate!, sink, { tree, lenient }) };
}

const control = { q_id: 'Q1', query_set: 'held_out', vector_kind: 'random_vector', draw: 1, layer: 0 };
const example = (idx: number, p: number) => ({
  ...control,
  idx,
  prompt: `Q: x${idx}\nA:`,
  answer: ' y',
  target_id: 7,
  p_base: 0.25,
  p_with: p,
  delta_p: p - 0.25,
});
const injections = lines([
  { ...control, n_eval: 2, alpha: 1, fv_norm: 3, mean_delta_p: 0.375, mean_p_base: 0.25, seed: 4 },
]);
const trials = lines([example(0, 0.5), example(1, 0.75)]);

describe('evaluations beyond the contract', () => {
  test('are rows beside those of the function vector, told apart by their columns', async () => {
    const { sink, summary } = await read({
      'injections.jsonl': injections,
      'injection_trials.jsonl': trials,
    });
    expect(sink.issues).toEqual([]);
    expect(summary.columns.status).toBe('completed');
    const rows = sink.table('fv_injections');
    expect(rows.at(-1)).toMatchObject({ ...control, n_eval: 2, fv_norm: 3, mean_delta_p: 0.375 });
    expect(JSON.parse(String(rows.at(-1)?.['extra']))).toEqual({ seed: 4 });
    for (const row of rows.slice(0, -1))
      expect(row).toMatchObject({ vector_kind: 'function_vector', query_set: 'extraction' });
    const [first, second] = sink.table('fv_injection_trials').slice(-2);
    expect([first, second]).toMatchObject([
      { ...control, idx: 0, p_with: 0.5, source_line: 1 },
      { ...control, idx: 1, p_with: 0.75, source_line: 2 },
    ]);
    const prompts = new Map(sink.table('generations').map((row) => [row['example_id'], row['prompt']]));
    expect(prompts.get(second?.['example_id'])).toBe('Q: x1\nA:');
    // They are none of the run's own answers.
    const plain = await read({});
    for (const table of ['predictions', 'metrics'])
      expect(sink.table(table)).toHaveLength(plain.sink.table(table).length);
  });

  test('that do not agree with their examples are reported', async () => {
    const wrong = injections.replace('0.375', '0.5');
    const { sink } = await read({ 'injections.jsonl': wrong, 'injection_trials.jsonl': trials });
    expect(sink.issues).toMatchObject([
      { severity: 'warning', code: 'INJECTION_MISMATCH', line: 1, pointer: '/mean_delta_p' },
    ]);
  });

  test.each([
    [
      'an unknown kind',
      { 'injections.jsonl': injections.replace('random_vector', 'magic') },
      'INVALID_VALUE',
    ],
    ['a line twice', { 'injections.jsonl': injections + injections }, 'DUPLICATE_TRIAL'],
    ['an example twice', { 'injection_trials.jsonl': trials + trials }, 'DUPLICATE_TRIAL'],
    ['a torn line', { 'injections.jsonl': injections.slice(0, -9) }, undefined],
  ])('%s is an error, and forgiven when lenient', async (_, files, code) => {
    const strict = await read(files);
    expect(strict.summary.accepted).toBe(false);
    if (code !== undefined) expect(strict.sink.issues.map((issue) => issue.code)).toContain(code);
    expect((await read(files, true)).summary.accepted).toBe(true);
  });
});

describe('attributions', () => {
  const head = { q_id: 'Q1', layer: 0, head: 1 };
  const attribution = (more: object = {}) =>
    lines([{ ...head, dla: 1.5, dla_clean: -0.5, trials: { corrupted: [1, 2], clean: [-1, 0] }, ...more }]);

  test('are columns of their head and of its trials', async () => {
    const { sink } = await read({ 'head_attribution.jsonl': attribution() });
    expect(sink.issues).toEqual([]);
    const of = (table: string, layer: number, number: number) =>
      sink.table(table).filter((row) => row['layer'] === layer && row['head'] === number);
    expect(of('fv_heads', 0, 1)).toMatchObject([{ dla: 1.5, dla_clean: -0.5 }]);
    expect(of('fv_heads', 0, 0)).toMatchObject([{ dla: null, dla_clean: null }]);
    const byTrial = of('fv_trials', 0, 1).map((row) => [row['trial_idx'], row['dla'], row['dla_clean']]);
    expect(byTrial.slice(0, 2)).toEqual([
      [0, 1, -1],
      [1, 2, 0],
    ]);
    for (const [, dla] of byTrial.slice(2)) expect(dla).toBeNull();
  });

  test('that are not the means of their trials, or come twice, are reported', async () => {
    const wrong = await read({ 'head_attribution.jsonl': attribution({ dla: 2 }) });
    expect(wrong.sink.issues).toMatchObject([{ code: 'ATTRIBUTION_MISMATCH', pointer: '/dla', line: 1 }]);
    const twice = await read({ 'head_attribution.jsonl': attribution() + attribution() });
    expect(twice.sink.issues).toMatchObject([{ severity: 'error', code: 'DUPLICATE_HEAD', line: 2 }]);
  });
});

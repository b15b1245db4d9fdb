import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MemoryStore } from '../../../lake/log/memory-store.test-support.ts';
import { FV_HEADS, FV_INJECTION_TRIALS, FV_INJECTIONS, FV_TRIALS } from '../../../lake/tables/fv.ts';
import { HEAD_SCORES } from '../../contracts/fv/head-score.ts';
import { INJECTION_SCORES, INJECTION_TRIAL_METRICS } from '../../contracts/fv/injection.ts';
import { TRIAL_METRICS } from '../../contracts/fv/trial-metric.ts';
import { type Picklable, type TorchView, torchFile, vector } from '../../formats/torch/writer.ts';
import { type CollectedRun, findRuns, memorySink } from '../../testing.ts';
import { FV } from './index.ts';
import { syntheticRun } from './testing.ts';

type Files = Record<string, string | Uint8Array>;

/** Reads the one run that the files below `data/results/rel_ex/Q1` are. */
async function read(files: Files, lenient = false): Promise<CollectedRun> {
  const tree = { store: new MemoryStore(), prefix: 'data' };
  for (const [path, content] of Object.entries(files))
    await tree.store.put(`data/results/rel_ex/Q1/${path}`, Buffer.from(content));
  const [candidate, ...others] = await findRuns(FV, tree);
  if (candidate === undefined) throw new Error('no run was found');
  expect(others).toEqual([]);
  const context = { tree, lenient };
  const sink = memorySink(FV, context);
  return { candidate, sink, summary: await FV.read(candidate, sink, context) };
}

function codes({ sink }: CollectedRun): string[] {
  return sink.issues.map(({ severity, code, file }) => `${severity} ${code} ${file}`);
}

function textOf(files: Files, path: string): string {
  const content = files[path];
  if (typeof content !== 'string') throw new Error(`${path} is no text`);
  return content;
}

/** A run with one JSON document changed. */
function changed(path: string, change: (document: Record<string, unknown>) => object): Files {
  const files = syntheticRun();
  return { ...files, [path]: JSON.stringify(change(JSON.parse(textOf(files, path)))) };
}

function without(files: Files, ...paths: readonly (string | RegExp)[]): Files {
  return Object.fromEntries(
    Object.entries(files).filter(
      ([name]) => !paths.some((path) => (typeof path === 'string' ? path === name : path.test(name))),
    ),
  );
}

const STATUS = 'artifacts/qid_status.json';
const withStatus = (status: string, more: object = {}) =>
  changed(STATUS, (document) => ({ ...document, status, ...more }));

test('every number of the contract has a column', () => {
  const names = (table: typeof FV_HEADS) => table.columns.map(({ name }) => name);
  expect(names(FV_HEADS)).toEqual(expect.arrayContaining([...HEAD_SCORES]));
  expect(names(FV_TRIALS)).toEqual(expect.arrayContaining([...TRIAL_METRICS]));
  expect(names(FV_INJECTIONS)).toEqual(expect.arrayContaining([...INJECTION_SCORES]));
  expect(names(FV_INJECTION_TRIALS)).toEqual(expect.arrayContaining([...INJECTION_TRIAL_METRICS]));
});

describe('a completed relation query', () => {
  test('gives rows of every table and not one issue', async () => {
    const run = await read(syntheticRun());
    expect(codes(run)).toEqual([]);
    expect(run.summary.accepted).toBe(true);
    expect(run.summary.columns).toMatchObject({
      status: 'completed',
      method: 'function_vector',
      model_id: 'org/tiny',
      benchmark: 'rel_ex',
      split: 'Q1',
      seed: 0,
      created_at: 1795206803081461n,
    });
    expect(run.candidate.runId).toBe('main/fv/rel_ex/Q1/org__tiny/results');
    const counts = ['fv_heads', 'fv_trials', 'fv_vectors', 'fv_injections', 'fv_injection_trials'].map(
      (name) => run.sink.table(name).length,
    );
    // 3 layers x 2 heads, 4 trials; means of 6 heads, 3 layers, one vector.
    expect(counts).toEqual([6, 24, 10, 3, 12]);
    expect(run.sink.table('generations')).toHaveLength(8);
    expect(run.sink.table('predictions')).toHaveLength(12);
  });

  test('links trials and examples to their prompts', async () => {
    const { sink } = await read(syntheticRun());
    const prompts = new Map(sink.table('generations').map((row) => [row['example_id'], row]));
    for (const table of ['fv_trials', 'fv_injection_trials', 'predictions'])
      for (const row of sink.table(table)) expect(prompts.has(row['example_id'])).toBe(true);
    expect(prompts.get('Q1/trial/2')).toMatchObject({
      prompt: 'Q: a\nA: c\n\nQ: query 2\nA:',
      split: 'Q1',
      reference: '{"answer":" answer 2","first_token_id":12}',
    });
    expect(JSON.parse(String(prompts.get('Q1/trial/2')?.['extra']))).toMatchObject({
      clean_prompt_str: 'Q: a\nA: b\n\nQ: query 2\nA:',
      zero_shot: { corrupted_prompt_str: 'Q: query 2\nA:' },
    });
    expect(prompts.get('Q1/zero-shot/1')?.['prompt']).toBe('Q: query 1\nA:');
    const injected = sink.table('predictions').filter((row) => row['example_id'] === 'Q1/zero-shot/1');
    expect(injected.map(({ correct, pred_label, true_label }) => [correct, pred_label, true_label])).toEqual([
      [true, 't1', 't1'],
      [true, 't1', 't1'],
      [true, 't1', 't1'],
    ]);
    expect(injected.map(({ edit_layer }) => edit_layer)).toEqual([0, 1, 2]);
  });

  test('says that its model was not checked', async () => {
    const check = { verdict: 'unverified', failed_checks: [], reason: 'too slow' };
    const run = await read(changed(STATUS, (document) => ({ ...document, model_check: check })));
    expect(codes(run)).toEqual([`warning MODEL_UNVERIFIED ${STATUS}`]);
    expect(JSON.parse(String(run.summary.columns.manifest))).toMatchObject({ model_check: check });
  });

  test('ranks heads, and says which are in the function vector', async () => {
    const { sink } = await read(syntheticRun());
    const heads = sink.table('fv_heads').toSorted((a, b) => Number(a['rank']) - Number(b['rank']));
    const scores = heads.map((head) => Number(head['mean_delta_p']));
    expect(scores).toEqual(scores.toSorted((a, b) => b - a));
    expect(heads.map(({ rank }) => rank)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(heads.map(({ selected }) => selected)).toEqual([true, true, false, false, false, false]);
  });

  test('has the numbers of its best layer as its own', async () => {
    const { sink } = await read(syntheticRun());
    const metrics = sink.table('metrics');
    const value = (scope: string, metric: string, source: string) =>
      metrics.find((row) => row['scope'] === scope && row['metric'] === metric && row['source'] === source)?.[
        'value'
      ];
    const layers = [0, 1, 2].map((layer) => Number(value(`layer:${layer}`, 'mean_delta_p', 'reported')));
    expect(value('overall', 'best_layer', 'reported')).toBe(layers.indexOf(Math.max(...layers)));
    for (const source of ['reported', 'recomputed']) {
      expect(value('overall', 'mean_delta_p', source)).toBeCloseTo(Math.max(...layers), 12);
      expect(value('overall', 'acc_with', source)).toBe(0.5);
      expect(value('overall', 'aie_max', source)).toBeCloseTo(
        Math.max(...sink.table('fv_heads').map((head) => Number(head['mean_delta_p']))),
        12,
      );
    }
    expect(new Set(metrics.map(({ split }) => split))).toEqual(new Set(['Q1']));
  });

  test('is one run wherever it lies, and by its columns in whatever order', async () => {
    const files = syntheticRun();
    const [header = '', ...rows] = textOf(files, 'artifacts/cie_scores.csv').trimEnd().split('\r\n');
    const reversed = [header, ...rows].map((line) => line.split(',').reverse().join(',')).join('\n');
    const run = await read({ ...files, 'artifacts/cie_scores.csv': `${reversed}\n` });
    expect(codes(run)).toEqual([]);
    const plain = await read(files);
    expect(run.sink.table('fv_heads')).toEqual(plain.sink.table('fv_heads'));
    expect(run.candidate.runId).toBe(plain.candidate.runId);
  });
});

describe('states', () => {
  test('skipped: a run without rows that says why', async () => {
    const files = withStatus('skipped', { reason: 'insufficient rows (2 < 3)', q_row_count: 2 });
    const run = await read({ [STATUS]: files[STATUS]! });
    expect(run.summary.accepted).toBe(true);
    expect(run.summary.columns.status).toBe('skipped');
    expect(run.sink.issues).toMatchObject([
      { severity: 'info', code: 'RUN_SKIPPED', message: 'insufficient rows (2 < 3)' },
    ]);
    expect(JSON.parse(run.summary.columns.manifest ?? '')).toMatchObject({
      status: 'skipped',
      reason: 'insufficient rows (2 < 3)',
    });
  });

  test('skipped although there were enough rows', async () => {
    const files = withStatus('skipped', { q_row_count: 3 });
    expect(codes(await read({ [STATUS]: files[STATUS]! }))).toContain(`warning STATUS_MISMATCH ${STATUS}`);
  });

  test.each(['pending', 'dry_run'])('%s: nothing has been done yet', async (status) => {
    const run = await read({ [STATUS]: withStatus(status)[STATUS]! });
    expect(run.summary.columns.status).toBe('pending');
    expect(run.summary.accepted).toBe(true);
  });

  test('failed: the reason is an issue, what was done before is there', async () => {
    const files = without(withStatus('failed', { reason: 'step6 failed' }), /step6/);
    const run = await read(files);
    expect(run.summary.columns.status).toBe('failed');
    expect(run.sink.table('fv_heads')).toHaveLength(6);
    expect(codes(run)).toContain(`warning RUN_FAILED ${STATUS}`);
  });

  test('running or pending, but everything is there', async () => {
    for (const status of ['running', 'pending', 'failed']) {
      const run = await read(withStatus(status));
      expect(run.summary.columns.status).toBe(status);
      expect(codes(run)).toContain(`warning STATUS_MISMATCH ${STATUS}`);
    }
  });

  test('interrupted in the sweep: the resumed rows, a torn line forgiven', async () => {
    const files = withStatus('running');
    const trials = textOf(files, 'artifacts/trial_metrics.jsonl').split('\n').slice(0, 11);
    const [header = '', ...rows] = textOf(files, 'artifacts/cie_scores.csv').split('\r\n');
    const resumed = rows.slice(0, 3).map((row) => {
      const numbers = header.split(',').map((name, i) => [name, Number(row.split(',')[i])] as const);
      return JSON.stringify({ ...Object.fromEntries(numbers), any_nonzero: true, q_id: 'Q1' });
    });
    const run = await read({
      [STATUS]: files[STATUS]!,
      'artifacts/sampled_trials.json': files['artifacts/sampled_trials.json']!,
      'artifacts/_resume/resume_state.json': '{"resume_fingerprint": "ab", "created_at": 1}',
      'artifacts/_resume/aie_scores.resume.jsonl': `${resumed.join('\n')}\n`,
      'artifacts/_resume/trial_metrics.resume.jsonl': `${trials.join('\n')}\n{"trial_idx": 3, "lay`,
    });
    expect(run.summary).toMatchObject({ accepted: true, columns: { status: 'running' } });
    expect(run.sink.table('fv_heads').map(({ partial }) => partial)).toEqual([true, true, true]);
    expect(run.sink.table('fv_trials')).toHaveLength(11);
    expect(codes(run)).toEqual([
      'warning TRUNCATED_LAST_LINE artifacts/_resume/trial_metrics.resume.jsonl',
      'info TRIAL_ROWS_SHORT artifacts/_resume/trial_metrics.resume.jsonl',
      'info HEADS_MISSING artifacts/_resume/aie_scores.resume.jsonl',
      `info RUN_UNFINISHED ${STATUS}`,
    ]);
  });

  test('killed while an artifact was written in place', async () => {
    const files = withStatus('running');
    const torn = textOf(files, 'artifacts/top_heads.json').slice(0, 40);
    const run = await read({ ...files, 'artifacts/top_heads.json': torn });
    expect(run.summary.accepted).toBe(true);
    expect(codes(run)).toContain('warning INVALID_JSON artifacts/top_heads.json');
  });

  test('a completed run is judged by the depth of the model, not by the layers that are there', async () => {
    const run = await read(without(syntheticRun(), /layer_2/));
    expect(run.summary).toMatchObject({ accepted: true, columns: { status: 'partial' } });
    expect([...new Set(codes(run))]).toEqual([
      'warning SUMMARY_MISMATCH artifacts/step6/step6_all_layers_summary.json',
      'warning MISSING_FILE artifacts/step6',
      `warning STATUS_MISMATCH ${STATUS}`,
    ]);
  });

  test.each([
    'sampled_trials.json',
    'aie_scores.csv',
    'trial_metrics.jsonl',
    'top_heads.json',
    'fv_global_resid.pt',
    'fv_by_layer.pt',
    'step6/step6_all_layers_summary.json',
  ])('a completed run without %s is partial', async (name) => {
    const run = await read(without(syntheticRun(), `artifacts/${name}`));
    expect(run.summary).toMatchObject({ accepted: true, columns: { status: 'partial' } });
    expect(codes(run)).toContain(`warning MISSING_FILE artifacts/${name}`);
  });

  test('without its status file a run is judged by its files', async () => {
    const files = without(syntheticRun(), STATUS);
    const complete = await read(files);
    expect(complete.summary.columns).toMatchObject({
      status: 'completed',
      split: 'Q1',
      model_id: 'org/tiny',
    });
    expect(codes(complete)).toEqual([]);
    expect(complete.candidate.runId).toBe('main/fv/rel_ex/Q1/org__tiny');
    const averages = await read(without(files, /cie_scores/));
    expect(codes(averages)).toEqual([]);
    expect(averages.sink.table('fv_heads').map((row) => row['q_id'])).toContain('Q1');
    expect((await read(without(files, /fv_global_resid.pt/))).summary.columns.status).toBe('partial');
  });
});

describe('disagreements', () => {
  test('the status file has the arguments of a later call', async () => {
    const run = await read(
      changed(STATUS, (document) => ({
        ...document,
        config: { ...Object(document['config']), n_eval: 7, topk: 3, model: 'other' },
      })),
    );
    const model = 'model is "org/tiny"; model in the configuration of qid_status.json is "other"';
    const n = 'requested_n_eval is 50; n_eval in the configuration of qid_status.json is 7';
    expect(run.sink.issues.map(({ code, file, message }) => `${code} ${file} ${message}`)).toEqual([
      `CONFIG_MISMATCH artifacts/sampled_trials_zeroshot.json ${model}`,
      `CONFIG_MISMATCH artifacts/top_heads.json ${model}`,
      'CONFIG_MISMATCH artifacts/top_heads.json k is 2; topk in the configuration of qid_status.json is 3',
      `CONFIG_MISMATCH artifacts/step6/layer_0/eval_meta.json ${model} (here and in 2 other files)`,
      `CONFIG_MISMATCH artifacts/step6/layer_0/eval_meta.json ${n} (here and in 2 other files)`,
    ]);
  });

  test('results of an evaluation with fewer examples do not win by their name', async () => {
    const files = syntheticRun();
    const name = 'artifacts/step6/layer_1/step6_results_tiny_layer1_n';
    const stale = JSON.parse(textOf(files, `${name}4.json`));
    stale.summary.mean_delta_p = 9;
    const run = await read({ ...files, [`${name}5.json`]: JSON.stringify(stale) });
    expect(codes(run)).toEqual([`warning STALE_RESULTS ${name}5.json`]);
    expect(run.sink.table('fv_injections')[1]?.['mean_delta_p']).not.toBe(9);
  });

  test('trial rows lost in a kill', async () => {
    const files = syntheticRun();
    const lines = textOf(files, 'artifacts/trial_metrics.jsonl').split('\n');
    const run = await read({ ...files, 'artifacts/trial_metrics.jsonl': lines.toSpliced(5, 2).join('\n') });
    expect(run.summary.accepted).toBe(true);
    expect(run.sink.issues).toMatchObject([
      {
        severity: 'warning',
        code: 'TRIAL_ROWS_SHORT',
        message: expect.stringContaining('22 trial rows; the scores say 24'),
      },
    ]);
  });

  test('scores that are not the means of their trials', async () => {
    const files = syntheticRun();
    const lines = textOf(files, 'artifacts/trial_metrics.jsonl').split('\n');
    const first = JSON.parse(lines[0]!);
    lines[0] = JSON.stringify({ ...first, delta_p: first.delta_p + 1e-4 });
    const run = await read({ ...files, 'artifacts/trial_metrics.jsonl': lines.join('\n') });
    expect(codes(run)).toEqual(['warning AIE_MISMATCH artifacts/cie_scores.csv']);
  });

  test('a layer whose summary is not that of its examples', async () => {
    const path = 'artifacts/step6/layer_0/eval_summary.json';
    const run = await read(changed(path, (summary) => ({ ...summary, acc_with: 0.75 })));
    expect(codes(run)).toEqual([
      'warning STALE_RESULTS artifacts/step6/layer_0/step6_results_tiny_layer0_n4.json',
      `warning INJECTION_MISMATCH ${path}`,
    ]);
  });

  test('other heads, another vector, another best layer', async () => {
    const top = await read(
      changed('artifacts/top_heads.json', ({ heads, ...rest }) => ({
        ...rest,
        heads: Array.isArray(heads) ? heads.toReversed() : [],
      })),
    );
    expect(codes(top)).toEqual([
      'warning TOP_HEADS_MISMATCH artifacts/top_heads.json',
      'warning STALE_INJECTION artifacts/step6/layer_0',
    ]);
    const files = syntheticRun();
    const other = torchFile(new Map([['fv_global_resid', vector([9, 9, 9, 9, 9, 9, 9, 9])]]));
    expect(codes(await read({ ...files, 'artifacts/fv_global_resid.pt': other }))).toEqual([
      'warning STALE_INJECTION artifacts/step6/layer_0',
    ]);
    const summary = 'artifacts/step6/step6_all_layers_summary.json';
    const best = await read(
      changed(summary, (document) => ({ ...document, best_layer: (Number(document['best_layer']) + 1) % 3 })),
    );
    expect(codes(best)).toEqual([`warning SUMMARY_MISMATCH ${summary}`]);
  });

  test('the status file expects other layers than the model has', async () => {
    const run = await read(changed(STATUS, (document) => ({ ...document, expected_layers: [0, 1] })));
    expect(run.sink.issues).toMatchObject([
      {
        code: 'STATUS_MISMATCH',
        pointer: '/expected_layers',
        message: '[0-1]; the model has the layers [0-2]',
      },
    ]);
  });

  test('fewer trials than were to be sampled, other queries in the zero-shot file', async () => {
    const sampled = 'artifacts/sampled_trials.json';
    const fewer = await read(
      changed(sampled, (document) => ({ ...document, meta: { ...Object(document['meta']), n_trials: 5 } })),
    );
    expect(codes(fewer)).toEqual([`warning TRIALS_SHORT ${sampled}`, `warning CONFIG_MISMATCH ${sampled}`]);
    const zeroShot = 'artifacts/sampled_trials_zeroshot.json';
    const files = syntheticRun();
    const other = textOf(files, zeroShot)
      .replace('"trial_idx": 3', '"trial_idx": 9')
      .replace('" answer 1"', '" no"');
    expect(codes(await read({ ...files, [zeroShot]: other }))).toEqual([
      `warning ZERO_SHOT_MISMATCH ${zeroShot}`,
      `warning ZERO_SHOT_MISMATCH ${zeroShot}`,
    ]);
  });

  test('heads that nobody swept', async () => {
    const files = syntheticRun();
    const drop = (name: string, pattern: RegExp) =>
      textOf(files, name)
        .split(/(?<=\n)/)
        .filter((line) => !pattern.test(line))
        .join('');
    const run = await read({
      ...files,
      'artifacts/cie_scores.csv': drop('artifacts/cie_scores.csv', /^1,0,/),
      'artifacts/aie_scores.csv': drop('artifacts/aie_scores.csv', /^1,0,/),
      'artifacts/trial_metrics.jsonl': drop('artifacts/trial_metrics.jsonl', /"layer":1,"head":0,/),
    });
    expect(codes(run)).toContain('warning HEADS_MISSING artifacts/cie_scores.csv');
    expect(run.summary.columns.status).toBe('partial');
  });
});

describe('damage', () => {
  const reject = async (files: Files, code: string, file: string) => {
    const run = await read(files);
    expect(run.summary.accepted).toBe(false);
    expect(codes(run)).toContain(`error ${code} artifacts/${file}`);
    return run;
  };
  const cut = (name: string, length: number): Files => {
    const files = syntheticRun();
    return { ...files, [`artifacts/${name}`]: textOf(files, `artifacts/${name}`).slice(0, length) };
  };

  test('torn JSON documents of a completed run', async () => {
    await reject(cut('qid_status.json', 60), 'INVALID_JSON', 'qid_status.json');
    await reject(cut('sampled_trials.json', 500), 'INVALID_JSON', 'sampled_trials.json');
    await reject(
      cut('step6/layer_1/eval_summary.json', 30),
      'INVALID_JSON',
      'step6/layer_1/eval_summary.json',
    );
    await reject(
      cut('step6/step6_all_layers_summary.json', 0),
      'EMPTY_FILE',
      'step6/step6_all_layers_summary.json',
    );
  });

  test('torn lines of a completed run; lenient leaves them out', async () => {
    const files = cut('trial_metrics.jsonl', 1000);
    await reject(files, 'TRUNCATED_LAST_LINE', 'trial_metrics.jsonl');
    const run = await read(files, true);
    expect(run.summary.accepted).toBe(true);
    expect(codes(run)).toContain('warning TRUNCATED_LAST_LINE artifacts/trial_metrics.jsonl');
  });

  test('a status that nobody writes', async () => {
    await reject(withStatus('finished'), 'INVALID_VALUE', 'qid_status.json');
  });

  test('score files without what tells heads apart, or without numbers', async () => {
    const files = syntheticRun();
    const csv = textOf(files, 'artifacts/cie_scores.csv');
    const put = (text: string) => ({ ...files, 'artifacts/cie_scores.csv': text });
    const blind = await reject(put(csv.replace('layer,', 'block,')), 'MISSING_COLUMN', 'cie_scores.csv');
    expect(codes(blind)).toHaveLength(1);
    await reject(put('layer,head\n0,0\n'), 'MISSING_COLUMN', 'cie_scores.csv');
    await reject(put(''), 'EMPTY_FILE', 'cie_scores.csv');
    await reject(put(csv.replace(/\r\n0,0,/, '\r\n0,zero,')), 'WRONG_TYPE', 'cie_scores.csv');
    await reject(put(`${csv}${csv.split('\r\n')[1]}\r\n`), 'DUPLICATE_HEAD', 'cie_scores.csv');
    await reject(put(csv.replace(/\r\n0,0,4,[^,]*,/, '\r\n0,0,4,high,')), 'WRONG_TYPE', 'cie_scores.csv');
  });

  test('layers that no model has', async () => {
    const vast = changed(STATUS, (document) => ({ ...document, expected_layers: [2_000_000_000] }));
    await reject(vast, 'INVALID_VALUE', 'qid_status.json');
    const files = syntheticRun();
    const summary = files['artifacts/step6/layer_0/eval_summary.json']!;
    const run = await read({ ...files, 'artifacts/step6/layer_99999999/eval_summary.json': summary });
    expect(run.sink.table('fv_injections')).toHaveLength(3);
  });

  test('whatever bytes change: an answer, never a crash', async () => {
    const files = syntheticRun({ layers: 1, heads: 1, trials: 2, k: 1 });
    const paths = Object.keys(files);
    await fc.assert(
      fc.asyncProperty(
        fc.nat(paths.length - 1),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        fc.uint8Array({ maxLength: 4 }),
        fc.nat(40),
        async (which, where, put, drop) => {
          const path = paths[which]!;
          const bytes = [...Buffer.from(files[path]!)];
          bytes.splice(Math.floor(where * bytes.length), drop, ...put);
          const run = await read({ ...files, [path]: Uint8Array.from(bytes) });
          expect(run.summary.accepted).toBe(!run.sink.issues.some(({ severity }) => severity === 'error'));
        },
      ),
      { numRuns: 80 },
    );
  });

  test('a trial that was not sampled breaks a link', async () => {
    const files = syntheticRun();
    const stranger = textOf(files, 'artifacts/trial_metrics.jsonl').replace(
      '"trial_idx":3,',
      '"trial_idx":77,',
    );
    await reject(
      { ...files, 'artifacts/trial_metrics.jsonl': stranger },
      'UNKNOWN_TRIAL',
      'trial_metrics.jsonl',
    );
  });

  test('a layer whose examples are lost takes them from the result file', async () => {
    const run = await read(without(syntheticRun(), 'artifacts/step6/layer_1/eval_trials.jsonl'));
    expect(codes(run)).toEqual([]);
    expect(run.sink.table('fv_injection_trials')).toHaveLength(12);
  });
});

describe('torch files', () => {
  const mean = 'artifacts/stepD_mean_acts/qid_Q1_clean_mean.pt';
  const view = (more: Partial<TorchView>): Uint8Array =>
    torchFile(
      new Map([
        [
          'clean_mean',
          { storage: new Float32Array(72), shape: [3, 2, 4], strides: [24, 12, 1], offset: 8, ...more },
        ],
      ]),
    );
  const put = (path: string, content: Uint8Array): Files => ({ ...syntheticRun(), [path]: content });

  test('views are read with stride and offset', async () => {
    const storage = Float32Array.from({ length: 72 }, (_, i) => i);
    const files = without(put(mean, view({ storage })), /global_clean_mean/);
    const { sink } = await read(files, true);
    const vectors = sink.table('fv_vectors').filter(({ kind }) => kind === 'clean_mean');
    expect(
      vectors.map(({ layer, head, vector: values }) => [layer, head, ...(values as Float32Array)]),
    ).toEqual(
      [0, 1, 2].flatMap((layer) =>
        [0, 1].map((head) => [layer, head, ...[0, 1, 2, 3].map((i) => 8 + 24 * layer + 12 * head + i)]),
      ),
    );
    expect(vectors[0]).toMatchObject({
      q_id: 'Q1',
      dtype: 'float32',
      dim: 4,
      norm: Math.hypot(8, 9, 10, 11),
      file: mean,
    });
  });

  test.each([
    ['strides beyond the storage', { strides: [48, 12, 1] }, 'TRUNCATED'],
    ['an offset beyond it', { offset: 60 }, 'TRUNCATED'],
    ['strides of another rank', { strides: [24, 1] }, 'LIMIT'],
    ['a negative stride', { strides: [24, -12, 1] }, 'LIMIT'],
    ['a shape that no memory holds', { shape: [100_000, 100_000, 4], strides: [0, 0, 0] }, 'LIMIT'],
    ['another rank', { shape: [3, 8], strides: [24, 1] }, 'WRONG_TYPE'],
  ] as const)('%s', async (_name, more, code) => {
    const run = await read(put(mean, view(more)));
    expect(run.summary.accepted).toBe(false);
    expect(codes(run)).toContain(`error ${code} ${mean}`);
    const lenient = await read(put(mean, view(more)), true);
    expect(lenient.summary.accepted).toBe(true);
  });

  test('a file that asks for foreign code is refused, lenient or not, and nothing runs', async () => {
    const evil: Picklable = { call: ['os', 'system'], args: ['touch /tmp/runlake-owned'] };
    for (const lenient of [false, true]) {
      const run = await read(put('artifacts/fv_global_resid.pt', torchFile(evil)), lenient);
      expect(run.summary.accepted).toBe(false);
      expect(codes(run)).toContain('error PICKLE_FORBIDDEN artifacts/fv_global_resid.pt');
    }
  });

  test.each([
    ['no archive', Buffer.from('hello'), 'TORCH_CORRUPT'],
    ['half an archive', torchFile(vector([1, 2])).subarray(0, 200), 'ZIP_CORRUPT'],
    ['a dict without the vector', torchFile(new Map([['other', 1]])), 'WRONG_TYPE'],
    [
      'a matrix',
      torchFile({ storage: new Float32Array(4), shape: [2, 2], strides: [2, 1], offset: 0 }),
      'WRONG_TYPE',
    ],
  ])('%s', async (_name, content, code) => {
    const run = await read(put('artifacts/fv_global_resid.pt', content));
    expect(codes(run)).toContain(`error ${code} artifacts/fv_global_resid.pt`);
  });

  test('means that are not those of the scores are one issue', async () => {
    const run = await read(without(put(mean, view({})), /global_clean_mean/));
    expect(run.summary.accepted).toBe(true);
    expect(run.sink.issues).toMatchObject([
      { code: 'CLEAN_MEAN_MISMATCH', line: 2, message: expect.stringContaining('5 other heads differ too') },
    ]);
  });

  test('a mean over all that is not that of the only relation query', async () => {
    const run = await read(put('artifacts/stepD_mean_acts/global_clean_mean.pt', view({})));
    expect(codes(run)).toContain(
      'warning CLEAN_MEAN_MISMATCH artifacts/stepD_mean_acts/global_clean_mean.pt',
    );
  });
});

import { type Picklable, type TorchView, torchFile, vector } from '../../formats/torch/writer.ts';

export interface SyntheticRun {
  readonly q?: string;
  readonly layers?: number;
  readonly heads?: number;
  readonly trials?: number;
  readonly k?: number;
}

type Files = Record<string, string | Uint8Array>;

const json = (value: unknown) => JSON.stringify(value, null, 2);
const lines = (records: readonly object[]) => records.map((record) => `${JSON.stringify(record)}\n`).join('');

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function stdOf(values: readonly number[]): number {
  const mean = meanOf(values);
  return Math.sqrt(meanOf(values.map((value) => (value - mean) ** 2)));
}

type Numbers = Readonly<Record<string, number>>;

/** Base, changed and delta of each measure of a target. */
function measured(random: () => number, changed: 'patch' | 'with'): Record<string, number> {
  return Object.fromEntries(
    ['p', 'logit', 'logprob'].flatMap((name) => {
      const [base, other] = [random() / 10, random() / 10];
      return [
        [`${name}_base`, base],
        [`${name}_${changed}`, other],
        [`delta_${name}`, other - base],
      ];
    }),
  );
}

function column(rows: readonly object[], name: string): number[] {
  return rows.map((row) => Number(Object.entries(row).find(([key]) => key === name)?.[1]));
}

/** Means of the measures and spreads of their deltas. */
function summaryOf(rows: readonly object[], changed: 'patch' | 'with'): Record<string, number> {
  return Object.fromEntries(
    ['p', 'logit', 'logprob'].flatMap((name) => [
      ...[`${name}_base`, `${name}_${changed}`, `delta_${name}`].map(
        (measure) => [`mean_${measure}`, meanOf(column(rows, measure))] as const,
      ),
      [`std_delta_${name}`, stdOf(column(rows, `delta_${name}`))] as const,
    ]),
  );
}

/** The scores of a head: the sums, the spreads of the probabilities, and what repeats others. */
function headScores(rows: readonly object[]): Numbers {
  const scores = summaryOf(rows, 'patch');
  for (const name of ['p', 'logit', 'logprob'])
    scores[`mean_abs_delta_${name}`] = meanOf(column(rows, `delta_${name}`).map(Math.abs));
  for (const name of ['p_base', 'p_patch', 'delta_p'])
    scores[`mean_${name}_target`] = scores[`mean_${name}`] ?? Number.NaN;
  for (const name of ['p_base', 'p_patch']) scores[`std_${name}`] = stdOf(column(rows, name));
  return scores;
}

/** Numbers that look measured and are the same every time. */
function noise(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/**
 * The files of a completed relation query below its directory, consistent in every number: whatever a test breaks is the
 * only thing wrong with them.
 */
export function syntheticRun({
  q = 'Q1',
  layers = 3,
  heads = 2,
  trials = 4,
  k = 2,
}: SyntheticRun = {}): Files {
  const random = noise(7);
  const dim = 4;
  const resid = heads * dim;
  const config = {
    model: 'org/tiny',
    model_spec: 'llama3',
    relation_csv_path: 'datasets/rel_ex.csv',
    n_trials_per_q: trials,
    n_demos: 2,
    topk: k,
    score_key: 'mean_delta_p',
    alpha: 1,
    n_eval: 50,
    seed: 0,
  };
  const files: Files = {};
  const put = (name: string, content: string | Uint8Array) => {
    files[`artifacts/${name}`] = content;
  };

  const sampled = Array.from({ length: trials }, (_, i) => ({
    q_id: q,
    trial_idx: i,
    clean_prompt_str: `Q: a\nA: b\n\nQ: query ${i}\nA:`,
    corrupted_prompt_str: `Q: a\nA: c\n\nQ: query ${i}\nA:`,
    target_str: ` answer ${i}`,
    target_first_token_id: 10 + i,
    query: { input: `query ${i}`, output: `answer ${i}` },
  }));
  put(
    'sampled_trials.json',
    json({ meta: { source: 'relation_csv', n_trials: trials, n_demos: 2, seed: 0 }, trials: sampled }),
  );
  const zeroShot = sampled.map(({ clean_prompt_str: _, ...trial }) => ({
    ...trial,
    corrupted_prompt_str: `Q: ${trial.query.input}\nA:`,
  }));
  put('sampled_trials_zeroshot.json', json({ meta: { model: config.model }, trials: zeroShot }));

  const storage = Float32Array.from({ length: layers * heads * 3 * dim }, random);
  const slot = 2;
  const cleanMean: TorchView = {
    storage,
    shape: [layers, heads, dim],
    strides: [heads * 3 * dim, 3 * dim, 1],
    offset: slot * dim,
  };
  const meanAt = (layer: number, head: number) =>
    storage.subarray(slot * dim + (layer * heads + head) * 3 * dim).subarray(0, dim);
  const means = torchFile(
    new Map<string, Picklable>([
      ['clean_mean', cleanMean],
      ['slot_q', slot],
    ]),
  );
  put(`stepD_mean_acts/qid_${q}_clean_mean.pt`, means);
  put('stepD_mean_acts/global_clean_mean.pt', means);

  const trialRows: object[] = [];
  const scores: Record<string, string | number | boolean>[] = [];
  for (let layer = 0; layer < layers; layer++) {
    for (let head = 0; head < heads; head++) {
      const rows = sampled.map(({ trial_idx }) => ({
        trial_idx,
        layer,
        head,
        target_id: 10 + trial_idx,
        ...measured(random, 'patch'),
        q_id: q,
      }));
      trialRows.push(...rows);
      const norm = Math.hypot(...meanAt(layer, head));
      scores.push({
        layer,
        head,
        n_trials: trials,
        ...headScores(rows),
        mean_act_norm: norm,
        clean_mean_norm: norm,
        any_nonzero: true,
      });
    }
  }
  put('trial_metrics.jsonl', lines(trialRows));
  put('cie_scores.csv', csvOf(scores.map((score) => ({ ...score, q_id: q }))));
  const ranked = scores.toSorted((a, b) => Number(b['mean_delta_p']) - Number(a['mean_delta_p']));
  put(
    'aie_scores.csv',
    csvOf(ranked.map(({ n_trials: _, ...score }) => ({ ...score, n_qid: 1, any_nonzero: 1 }))),
  );

  const top = ranked
    .slice(0, k)
    .map(({ layer, head, mean_delta_p: score }) => ({ layer, head, rank_score: score }));
  put('top_heads.json', json({ meta: { k, score_key: 'mean_delta_p', model: config.model }, heads: top }));
  const global = Array.from({ length: resid }, random);
  put('fv_global_resid.pt', torchFile(new Map([['fv_global_resid', vector(global)]])));
  const byLayer = new Map<string | number, Picklable>();
  for (let layer = 0; layer < layers; layer++) {
    const values = new Array<number>(resid).fill(0);
    for (const { head } of top.filter((item) => item.layer === layer)) {
      values.splice(Number(head) * dim, dim, ...meanAt(layer, Number(head)));
    }
    byLayer.set(layer, vector(values));
  }
  put(
    'fv_by_layer.pt',
    torchFile(
      new Map<string, Picklable>([
        ['fv_by_layer', byLayer],
        ['selected_k', k],
      ]),
    ),
  );

  const perLayer: Record<string, object> = {};
  let best = { layer: 0, score: -Infinity };
  for (let layer = 0; layer < layers; layer++) {
    const rows = zeroShot.map(({ corrupted_prompt_str: prompt, target_str: answer }, idx) => {
      const accuracy_with = idx % 2;
      return {
        idx,
        q_id: q,
        prompt,
        answer,
        target_id: 10 + idx,
        target_token: `t${idx}`,
        pred_id_base: 5,
        pred_id_with: 10 + idx,
        accuracy_base: 0,
        accuracy_with,
        delta_acc: accuracy_with,
        ...measured(random, 'with'),
      };
    });
    const summary = {
      acc_base: 0,
      acc_with: meanOf(rows.map((row) => row.accuracy_with)),
      delta_acc: meanOf(rows.map((row) => row.delta_acc)),
      ...summaryOf(rows, 'with'),
    };
    const meta = {
      model: config.model,
      edit_layer: layer,
      n_eval: trials,
      requested_n_eval: 50,
      alpha: 1,
      seed: 0,
      heads: top,
      fv: { norm: Math.hypot(...global) },
    };
    const directory = `step6/layer_${layer}`;
    put(`${directory}/eval_summary.json`, json(summary));
    put(`${directory}/eval_trials.jsonl`, lines(rows));
    put(`${directory}/eval_meta.json`, json(meta));
    put(
      `${directory}/step6_results_tiny_layer${layer}_n${trials}.json`,
      json({ summary, metadata: meta, results: rows }),
    );
    const score = meanOf(column(rows, 'delta_p'));
    perLayer[layer] = { score_value: score };
    if (score > best.score) best = { layer, score };
  }
  const expected = Array.from({ length: layers }, (_, layer) => layer);
  put(
    'step6/step6_all_layers_summary.json',
    json({
      q_id: q,
      score_key: 'mean_delta_p',
      expected_layers: expected,
      completed_layers: expected,
      missing_layers: [],
      best_layer: best.layer,
      best_score: best.score,
      per_layer: perLayer,
    }),
  );
  put(
    'qid_status.json',
    json({
      q_id: q,
      status: 'completed',
      created_at: '2026-11-20T20:33:23.081461Z',
      config,
      q_row_count: 10,
      expected_layers: expected,
      reason: 'all stages completed',
    }),
  );
  return files;
}

function csvOf(records: readonly Readonly<Record<string, string | number | boolean>>[]): string {
  const header = Object.keys(records[0] ?? {});
  const cell = (value: string | number | boolean | undefined) =>
    typeof value === 'boolean' ? (value ? 'True' : 'False') : String(value);
  return [header.join(','), ...records.map((record) => header.map((name) => cell(record[name])).join(','))]
    .map((line) => `${line}\r\n`)
    .join('');
}

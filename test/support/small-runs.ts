import { createHash } from 'node:crypto';
import { auroc, rankScores } from '../../ingest/stats/index.ts';

const MODEL = 'org/model';
const BENCHMARK = 'bench';
const METHODS = ['probe_v1', 'probe_v2'] as const;
const EXAMPLES = 8;
const TRAINING_EXAMPLES = 2;
const [LAYERS, TOKENS, HIDDEN] = [2, 3, 8];

type Files = Record<string, string | Uint8Array>;

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
const lines = (records: readonly unknown[]): string => records.map((r) => `${JSON.stringify(r)}\n`).join('');

/**
 * Small HalluLens runs, for tests of what happens to runs rather than of what is in them: two methods for each seed, which
 * share an activation store of 8 entries with 6 float32 vectors each. Files by their paths, for `temporaryTree`.
 */
export function smallRuns(seeds: number): Files {
  const files: Files = {};
  for (let seed = 0; seed < seeds; seed++) {
    const store = `activations/${BENCHMARK}/org__model/seed_${seed}/json_npy`;
    const examples = Array.from({ length: EXAMPLES }, (_, i) => exampleOf(seed, i));
    Object.assign(files, storeFiles(store, examples));
    for (const method of METHODS) {
      const run = `runs/2026-02-03/${method}/org__model/${BENCHMARK}/seed_${seed}`;
      for (const [name, content] of Object.entries(runFiles(method, seed, store, examples))) {
        files[`${run}/${name}`] = content;
      }
    }
  }
  return files;
}

interface Example {
  readonly id: string;
  readonly key: string;
  readonly prompt: string;
  readonly split: string;
  readonly halu: boolean;
  readonly score: number;
}

function exampleOf(seed: number, i: number): Example {
  return {
    id: sha256(`example ${i} of seed ${seed}`),
    key: sha256(`prompt ${i} of seed ${seed}`),
    prompt: `question ${i}`,
    split: i < TRAINING_EXAMPLES ? 'train' : 'test',
    halu: i % 3 === 0,
    score: ((i * 5 + seed) % EXAMPLES) / EXAMPLES,
  };
}

/** The six files of a run, by name. */
function runFiles(
  method: string,
  seed: number,
  store: string,
  examples: readonly Example[],
): Record<string, string> {
  const tested = examples.filter(({ split }) => split === 'test');
  const ranked = rankScores(
    tested.map(({ score }) => score),
    tested.map(({ halu }) => Number(halu)),
  );
  const run = { benchmark: BENCHMARK, split: 'test', method, seed };
  const predictions = tested.map(({ id, score, halu }) => `${id},${score},${Number(halu)},test,${BENCHMARK}`);
  return {
    'config.json': JSON.stringify({
      ...run,
      model: { id: MODEL, backend: 'hf' },
      inference: { max_tokens: 5, temperature: 0, top_p: 1, n: 1 },
      activation_logging: {
        enabled: true,
        format: 'json_npy',
        path: store,
        layers: 'all',
        token_selector: 'all',
      },
      training: { epochs: 2, batch_size: 1, sub_batch_size: 1, lr: 0.1 },
    }),
    'run_manifest.json': JSON.stringify({
      created_at: '2026-02-03T01:02:03+00:00',
      git: { commit: '0'.repeat(40), dirty: false },
      environment: { python_version: '3', platform: 'Linux' },
    }),
    'generations.jsonl': lines(
      examples.map(({ id, key, prompt, split, halu }) => ({
        example_id: id,
        benchmark: BENCHMARK,
        split,
        seed,
        model_id: MODEL,
        prompt,
        response: `answer to ${prompt}`,
        reference: { answers: ['gold'] },
        label: { halu, label_source: 'exact_match' },
        generation_params: { temperature: 0 },
        activation_key: key,
      })),
    ),
    'predictions.csv': ['example_id,score_halu,label_halu,split,benchmark', ...predictions, ''].join('\r\n'),
    'eval_metrics.json': JSON.stringify({
      ...run,
      model_id: MODEL,
      n_examples: tested.length,
      auroc: auroc(ranked),
    }),
    'train_metrics.jsonl': lines(
      [0, 1].map((epoch) => ({ time: '2026-02-03T01:02:03', epoch, split: 'train', loss: 1 / (epoch + 1) })),
    ),
  };
}

/** A JSON+NPY activation store. */
function storeFiles(root: string, examples: readonly Example[]): Files {
  const files: Files = {
    [`${root}/metadata.jsonl`]: lines(examples.map(({ key }) => ({ key, has_activations: true }))),
  };
  for (const [i, { key, prompt }] of examples.entries()) {
    const logging_config = { sequence_mode: 'response' };
    files[`${root}/activations/${key}.json`] = JSON.stringify({ prompt, model: MODEL, logging_config });
    const values = Float32Array.from({ length: LAYERS * TOKENS * HIDDEN }, (_, j) => Math.sin(i * 1000 + j));
    files[`${root}/activations/${key}.npy`] = float32Npy(values, [LAYERS, 1, TOKENS, HIDDEN]);
  }
  return files;
}

/** A little-endian float32 `.npy` file, version 1. */
function float32Npy(values: Float32Array, shape: readonly number[]): Uint8Array {
  const dict = `{'descr': '<f4', 'fortran_order': False, 'shape': (${shape.join(', ')}), }`;
  const header = `${dict.padEnd(128 - 11)}\n`;
  const head = Buffer.from([0x93, ...Buffer.from('NUMPY'), 1, 0, header.length, 0]);
  return Buffer.concat([head, Buffer.from(header), Buffer.from(values.buffer)]);
}

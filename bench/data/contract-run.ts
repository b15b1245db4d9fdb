import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { accuracy, auroc, averagePrecision, confusion, f1, rankScores } from '../../ingest/stats/index.ts';
import { type Random, random } from './random.ts';

const BENCHMARK = 'benchtrivia';
const METHOD = 'last_layer_baseline';
const MODEL = 'bench/generated';
const SEED = 0;

const WORDS =
  'the of a to in was river city north old castle stone letter harbour winter song field glass paper garden bridge market train silver window mountain'.split(
    ' ',
  );

/** A run of the contract with so many generations, all predicted. */
export interface GeneratedRun {
  /** The tree to ingest. */
  readonly tree: string;
  /** The run directory. */
  readonly run: string;
  readonly runId: string;
  /** Where the store belongs that the run refers to, if it refers to one. */
  readonly store: string;
}

export function generatedRun(tree: string): GeneratedRun {
  const identity = `2026-01-15/${METHOD}/${MODEL.replace('/', '__')}/${BENCHMARK}/seed_${SEED}`;
  return {
    tree,
    run: join(tree, 'runs', identity),
    runId: `main/hallulens/${identity}`,
    store: join(tree, 'activations', 'activations.lmdb'),
  };
}

/**
 * Writes a run with `count` generations of about 600 bytes each and as many predictions, whose metrics are right.
 * @param withStore the configuration names the LMDB store at `GeneratedRun.store`, which the caller writes
 */
export async function writeContractRun(tree: string, count: number, withStore: boolean): Promise<void> {
  const { run } = generatedRun(tree);
  await mkdir(run, { recursive: true });
  const labels = new Uint8Array(count);
  const scores = new Float64Array(count);
  await pipeline(generationLines(count, labels), createWriteStream(join(run, 'generations.jsonl')));
  await pipeline(predictionLines(count, labels, scores), createWriteStream(join(run, 'predictions.csv')));
  const predicted = Uint8Array.from(scores, (score) => Number(score >= 0.5));
  const ranked = rankScores(scores, labels);
  const counts = confusion(predicted, labels);
  await writeFile(
    join(run, 'eval_metrics.json'),
    JSON.stringify({
      ...identity(),
      n_examples: count,
      auroc: auroc(ranked),
      auprc: averagePrecision(ranked),
      accuracy: accuracy(counts),
      f1: f1(counts),
    }),
  );
  await writeFile(join(run, 'config.json'), JSON.stringify(configuration(withStore)));
  await writeFile(
    join(run, 'run_manifest.json'),
    JSON.stringify({
      created_at: '2026-01-15T09:00:00+00:00',
      git: { commit: '0'.repeat(40), dirty: false },
      environment: { python_version: 'none', platform: 'generated' },
      notes: 'generated for a benchmark; no model was run',
    }),
  );
  const step = { time: '2026-01-15T09:00:07+00:00', epoch: 0, split: 'train', loss: 0.69 };
  await writeFile(join(run, 'train_metrics.jsonl'), `${JSON.stringify(step)}\n`);
}

function identity(): Record<string, unknown> {
  return { benchmark: BENCHMARK, split: 'test', method: METHOD, model_id: MODEL, seed: SEED };
}

function configuration(withStore: boolean): unknown {
  return {
    benchmark: BENCHMARK,
    split: 'test',
    method: METHOD,
    seed: SEED,
    model: { id: MODEL, backend: 'hf', dtype: 'float16' },
    inference: { max_tokens: 64, temperature: 0.7, top_p: 0.95, n: 1 },
    activation_logging: {
      enabled: withStore,
      format: 'lmdb',
      path: 'activations/activations.lmdb',
      layers: 'all',
      token_selector: 'all',
    },
    training: { epochs: 1, batch_size: 64, sub_batch_size: 64, lr: 0.001 },
  };
}

function sentence(source: Random, words: number): string {
  let text = source.pick(WORDS);
  for (let i = 1; i < words; i++) text += ` ${source.pick(WORDS)}`;
  return text;
}

function hash(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

const exampleId = (n: number): string => hash(`example ${n}`);

function* generationLines(count: number, labels: Uint8Array): Generator<string> {
  const source = random(1);
  for (let n = 0; n < count; n++) {
    labels[n] = Number(source.next() < 0.4);
    const prompt = `Answer the question concisely.\n\nQ: ${sentence(source, 12)} (${n})?\nA:`;
    const line = JSON.stringify({
      example_id: exampleId(n),
      ...{ benchmark: BENCHMARK, split: 'test', seed: SEED, model_id: MODEL },
      prompt,
      response: sentence(source, 16),
      reference: { answers: [sentence(source, 3)] },
      label: { halu: labels[n] === 1, label_source: 'exact_match' },
      generation_params: { temperature: 0.7, top_p: 0.95, max_tokens: 64, n: 1 },
      activation_key: hash(prompt),
    });
    yield `${line}\n`;
  }
}

function* predictionLines(count: number, labels: Uint8Array, scores: Float64Array): Generator<string> {
  const source = random(2);
  yield 'example_id,score_halu,label_halu,split,benchmark,method,model_id,seed,threshold,pred_halu\r\n';
  for (let n = 0; n < count; n++) {
    const score = Math.min(1, Math.max(0, 0.35 + 0.3 * labels[n]! + 0.2 * source.gaussian()));
    scores[n] = score;
    const cells = [exampleId(n), score, labels[n], 'test', BENCHMARK, METHOD, MODEL, SEED, 0.5];
    yield `${cells.join(',')},${Number(score >= 0.5)}\r\n`;
  }
}

import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  accuracy,
  auroc,
  averagePrecision,
  confusion,
  expectedCalibrationError,
  f1,
  rankScores,
} from '../../ingest/stats/index.ts';
import { type Answer, answerAll, BENCHMARK, MODEL_ID } from './answers.ts';
import { METHODS, type Method, viewsOf } from './methods.ts';
import type { TrainedProbe } from './probes.ts';
import { EPOCH_SECONDS, writeActivationStore } from './store-files.ts';

const RUN_DATE = '2026-01-15';
const MODEL_SLUG = MODEL_ID.replaceAll('/', '__');
const NOTES = "synthetic example data written by runlake's generator; no model was run";
const INFERENCE = { max_tokens: 32, temperature: 0.7, top_p: 0.95, n: 1 };
const RUN_SEEDS = 3;

/** A row of `predictions.csv`. */
interface Prediction {
  readonly exampleId: string;
  readonly score: number;
  readonly halu: boolean;
  readonly predicted: boolean;
}

/**
 * Writes example runs of the HalluLens contract below a directory: two methods with three seeds each, whose runs of
 * one seed share an activation store. Everything is invented, the same bytes for the same seed, and says so in its
 * manifest; the scores really come from probes trained on the invented activations. About 4 MB.
 * @param options.seed first of the three seeds; default 0
 * @returns the run directories
 */
export async function writeDemoRuns(directory: string, options: { seed?: number } = {}): Promise<string[]> {
  const runs: string[] = [];
  const first = options.seed ?? 0;
  for (let seed = first; seed < first + RUN_SEEDS; seed++) {
    const answers = answerAll(seed);
    const store = `activations/${BENCHMARK}/${MODEL_SLUG}/seed_${seed}/json_npy`;
    await writeActivationStore(join(directory, store), answers);
    for (const method of METHODS) {
      const run = join(directory, 'runs', RUN_DATE, method.name, MODEL_SLUG, BENCHMARK, `seed_${seed}`);
      await mkdir(run, { recursive: true });
      for (const [name, text] of Object.entries(runFiles(method, seed, store, answers))) {
        await writeFile(join(run, name), text);
      }
      runs.push(run);
    }
  }
  return runs;
}

/** The six files of a run, by name. */
function runFiles(
  method: Method,
  seed: number,
  store: string,
  answers: readonly Answer[],
): Record<string, string> {
  const train = answers.filter(({ question }) => question.split === 'train');
  const probe = method.train(
    train.map((answer) => viewsOf(answer, method.layers)),
    train.map((answer) => answer.halu),
  );
  const predictions = answers
    .filter(({ question }) => question.split === 'test')
    .map((answer): Prediction => {
      const score = probe.score(viewsOf(answer, method.layers));
      return { exampleId: answer.exampleId, score, halu: answer.halu, predicted: score >= probe.threshold };
    });
  return {
    'config.json': document(configOf(method, seed, store)),
    'run_manifest.json': document({
      created_at: timeAt(0),
      git: { commit: '0'.repeat(40), dirty: false },
      environment: { python_version: 'none', platform: 'synthetic', cuda: null },
      notes: NOTES,
    }),
    'generations.jsonl': lines(answers.map((answer) => generationOf(answer, seed))),
    'predictions.csv': csvOf(predictions, method, seed, probe.threshold),
    'eval_metrics.json': document(metricsOf(predictions, method, seed, probe)),
    'train_metrics.jsonl': lines(
      probe.log.map(({ epoch, loss, lr, cosineSim }) => ({
        time: timeAt(7 * (epoch + 1)),
        epoch,
        split: 'train',
        loss,
        lr,
        ...(cosineSim === undefined ? {} : { cosine_sim: cosineSim }),
      })),
    ),
  };
}

function configOf(method: Method, seed: number, store: string): unknown {
  return {
    benchmark: BENCHMARK,
    split: 'test',
    method: method.name,
    seed,
    model: { id: MODEL_ID, backend: 'synthetic', dtype: 'float16' },
    inference: INFERENCE,
    activation_logging: {
      enabled: true,
      format: 'json_npy',
      path: store,
      layers: 'all',
      token_selector: 'mean_pool',
    },
    training: method.training,
  };
}

function generationOf(answer: Answer, seed: number): unknown {
  const { max_tokens, temperature, top_p, n } = INFERENCE;
  return {
    example_id: answer.exampleId,
    benchmark: BENCHMARK,
    split: answer.question.split,
    seed,
    model_id: MODEL_ID,
    prompt: answer.prompt,
    response: answer.response,
    reference: { answers: [answer.question.answer], relation: answer.question.relation },
    label: { halu: answer.halu, label_source: 'exact_match' },
    generation_params: { temperature, top_p, max_tokens, n },
    timing: { generation_s: answer.seconds },
    activation_key: answer.key,
  };
}

function csvOf(predictions: readonly Prediction[], method: Method, seed: number, threshold: number): string {
  const header =
    'example_id,score_halu,label_halu,split,benchmark,method,model_id,seed,threshold,pred_halu'.split(',');
  const rows = predictions.map(({ exampleId, score, halu, predicted }) => [
    exampleId,
    score,
    Number(halu),
    'test',
    BENCHMARK,
    method.name,
    MODEL_ID,
    seed,
    threshold,
    Number(predicted),
  ]);
  return [header, ...rows].map((row) => `${row.join(',')}\r\n`).join('');
}

function metricsOf(
  predictions: readonly Prediction[],
  method: Method,
  seed: number,
  probe: TrainedProbe,
): unknown {
  const scores = predictions.map(({ score }) => score);
  const labels = predictions.map(({ halu }) => Number(halu));
  const ranked = rankScores(scores, labels);
  const counts = confusion(
    predictions.map(({ predicted }) => Number(predicted)),
    labels,
  );
  return {
    benchmark: BENCHMARK,
    split: 'test',
    method: method.name,
    model_id: MODEL_ID,
    seed,
    n_examples: predictions.length,
    auroc: auroc(ranked),
    auprc: averagePrecision(ranked),
    accuracy: accuracy(counts),
    f1: f1(counts),
    ...(method.calibrated ? { ece: expectedCalibrationError(scores, labels) } : {}),
    threshold: probe.threshold,
  };
}

function timeAt(secondsLater: number): string {
  return new Date((EPOCH_SECONDS + secondsLater) * 1000).toISOString().replace('.000Z', '+00:00');
}

function document(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}

function lines(values: readonly unknown[]): string {
  return values.map((value) => `${JSON.stringify(value)}\n`).join('');
}

import type { JsonObject } from '../../../ingest/contracts/json-value.ts';
import { modelSlug } from '../../../ingest/families/hallulens/identity.ts';
import { recompute, ScoreTable } from '../../../ingest/families/hallulens/metric-rows.ts';
import { jsonText } from '../../../ingest/run-files/json-text.ts';
import { keyProblem } from '../../../lake/store/keys.ts';
import type { ObjectStore } from '../../../lake/store/object-store.ts';
import { PermanentTaskError } from '../../jobs/worker.ts';

/** What names a run of the HalluLens contract, and its directory. */
export interface RunIdentity {
  /** `YYYY-MM-DD`. */
  readonly date: string;
  readonly method: string;
  readonly modelId: string;
  readonly benchmark: string;
  readonly split: string;
  readonly seed: number;
}

/** A line of `generations.jsonl`, and its row of `predictions.csv`. */
export interface ContractExample {
  readonly exampleId: string;
  /** Where it is not the run's. */
  readonly split?: string;
  readonly prompt: string;
  readonly response: string;
  readonly reference?: JsonObject;
  readonly label: { readonly halu: boolean; readonly label_source: string; readonly abstained?: boolean };
  readonly generationParams: JsonObject;
  readonly timing?: JsonObject;
  /** `activation_key` where the store has an entry, else `hashkey`. */
  readonly link: { readonly activation_key: string } | { readonly hashkey: string };
  /** Kept as it is, beside the contract's members. */
  readonly extra?: JsonObject;
  /** Absent for an example that no metric is to see. */
  readonly score?: number;
  /** Values of the run's `scoreColumns`. */
  readonly otherScores?: readonly number[];
}

export interface ContractRun {
  readonly identity: RunIdentity;
  /** `config.json` but for what the identity says. */
  readonly config: JsonObject & { readonly model: JsonObject };
  readonly manifest: JsonObject;
  readonly examples: AsyncIterable<ContractExample>;
  /** Columns of `predictions.csv` beside the contract's, for runs whose examples have several scores. */
  readonly scoreColumns?: readonly string[];
  /** Members beside the contract's for `eval_metrics.json`; asked for after the last example. */
  readonly metrics?: () => JsonObject;
  /** Lines of `train_metrics.jsonl`; none for a run that trains nothing. */
  readonly training?: readonly JsonObject[];
}

/** `runs/{date}/{method}/{model}/{benchmark}/seed_{n}`. @throws PermanentTaskError for names that are no directories */
export function runDirectory({ date, method, modelId, benchmark, seed }: RunIdentity): string {
  const parts = [date, method, modelSlug(modelId), benchmark, `seed_${seed}`];
  for (const part of parts) {
    const problem = directoryProblem(part);
    if (problem !== undefined)
      throw new PermanentTaskError(
        'BAD_NAME',
        `${JSON.stringify(part)} cannot be a directory of a run: ${problem}`,
      );
  }
  return ['runs', ...parts].join('/');
}

/** Why a name cannot be one of the directories of a run; undefined when it can. */
export function directoryProblem(name: string): string | undefined {
  return name.includes('/') ? 'it contains a slash' : keyProblem(name);
}

const COLUMNS = [
  'example_id',
  'score_halu',
  'label_halu',
  'split',
  'benchmark',
  'method',
  'model_id',
  'seed',
];

/**
 * Writes the six files of a run below `prefix`, replacing what is there; the examples stream.
 * @returns the key of the run's directory
 */
export async function writeContractRun(
  store: ObjectStore,
  prefix: string,
  run: ContractRun,
  signal: AbortSignal,
): Promise<{ readonly root: string; readonly examples: number; readonly predictions: number }> {
  const { identity, config, manifest, training = [], scoreColumns = [] } = run;
  const { method, modelId, benchmark, split, seed } = identity;
  const root = `${prefix}/${runDirectory(identity)}`;
  const put = (name: string, text: string) => store.put(`${root}/${name}`, Buffer.from(text), { signal });

  const scores = new ScoreTable();
  const rows: string[] = [csvLine([...COLUMNS, ...scoreColumns])];
  let examples = 0;
  async function* generations(): AsyncGenerator<Uint8Array> {
    let lines: string[] = [];
    for await (const example of run.examples) {
      const { label, score } = example;
      lines.push(`${jsonText(generationOf(example, identity))}\n`);
      examples++;
      if (score !== undefined) {
        scores.push(score, label.halu, undefined);
        const where = example.split ?? split;
        const { exampleId, otherScores = [] } = example;
        const own = [exampleId, score, label.halu ? 1 : 0, where, benchmark, method, modelId, seed];
        rows.push(csvLine([...own, ...otherScores]));
      }
      if (lines.length < 500) continue;
      yield Buffer.from(lines.join(''));
      lines = [];
    }
    yield Buffer.from(lines.join(''));
  }
  await store.upload(`${root}/generations.jsonl`, generations(), { signal });
  await put('predictions.csv', rows.join(''));
  const computed = Object.fromEntries(
    // Undefined where only one class is there: null, since NaN is no JSON.
    [...recompute(scores)].map(([name, value]) => [name, Number.isNaN(value) ? null : value]),
  );
  await put(
    'eval_metrics.json',
    document({
      benchmark,
      split,
      method,
      model_id: modelId,
      seed,
      n_examples: scores.length,
      ...computed,
      ...run.metrics?.(),
    }),
  );
  await put('train_metrics.jsonl', training.map((record) => `${jsonText(record)}\n`).join(''));
  await put('run_manifest.json', document(manifest));
  await put('config.json', document({ benchmark, split, method, seed, ...config }));
  return { root, examples, predictions: scores.length };
}

function generationOf(example: ContractExample, identity: RunIdentity): JsonObject {
  const { benchmark, split, seed, modelId } = identity;
  const { reference, timing } = example;
  return {
    example_id: example.exampleId,
    benchmark,
    split: example.split ?? split,
    seed,
    model_id: modelId,
    prompt: example.prompt,
    response: example.response,
    ...(reference !== undefined && { reference }),
    label: { ...example.label },
    generation_params: example.generationParams,
    ...(timing !== undefined && { timing }),
    ...example.link,
    ...example.extra,
  };
}

function document(value: object): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

function csvLine(fields: readonly (string | number)[]): string {
  return `${fields.map(csvField).join(',')}\r\n`;
}

function csvField(value: string | number): string {
  const text = String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

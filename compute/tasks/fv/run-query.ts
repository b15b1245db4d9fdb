import { isInjectionScore } from '../../../ingest/families/fv/injection-scores.ts';
import { bestLayer, rankHeads } from '../../../ingest/families/fv/ranking.ts';
import type { ObjectStore } from '../../../lake/store/object-store.ts';
import type { ProgressUpdate } from '../../jobs/meter.ts';
import type { OutputProjection } from '../../model/index.ts';
import type { Experiment, TokenizedTrial } from './artifacts/experiment.ts';
import { heatmap } from './artifacts/heatmap.ts';
import {
  type HeadSpaceEffect,
  headSpaceEvaluation,
  type LayerInjection,
  layerDirectory,
  layerFiles,
  layersSummary,
} from './artifacts/injection-files.ts';
import { pythonJson } from './artifacts/python-json.ts';
import { aieScores, cieScores, trialMetrics } from './artifacts/score-tables.ts';
import { sampledTrials, zeroShotTrials } from './artifacts/trial-documents.ts';
import { byLayerFile, cleanMeanFile, globalFile, globalMeta, topHeads } from './artifacts/vector-files.ts';
import { Checkpoints, fingerprintOf } from './checkpoints.ts';
import { PythonRandom } from './random/python-random.ts';
import { queryDirectory } from './relation/query-directory.ts';
import { ineligible, type Relation } from './relation/relation.ts';
import { type HeadScores, headScores } from './scores/head-scores.ts';
import { injectionScores } from './scores/injection-scores.ts';
import { mean, populationDeviation } from './scores/moments.ts';
import type { QueryStatus } from './status.ts';
import { cleanMeans, norm } from './sweep/clean-means.ts';
import { headsOf, sweepTrial, type TrialSweep } from './sweep/head-sweep.ts';
import type { FvModel, RunOptions } from './sweep/readings.ts';
import { cleanPrompt, corruptedPrompt, slotPrompt } from './trials/prompts.ts';
import { sampleTrials } from './trials/sample.ts';
import { type PromptTokenizer, type PromptTokens, promptTokens } from './trials/targets.ts';
import { zeroShotExamples } from './trials/zero-shot.ts';
import { functionVector, vectorsByLayer } from './vectors/function-vector.ts';
import { inject } from './vectors/inject.ts';

/** A model with all that experiments need of it. */
export interface ExperimentModel {
  readonly model: FvModel;
  readonly tokenizer: PromptTokenizer;
  /** Of the checkpoint and of the program that runs it. */
  readonly identity: string;
  projectionOf(layer: number): Promise<OutputProjection>;
}

export interface QueryRun {
  readonly experiment: Experiment;
  readonly relation: Relation;
  readonly subset: { readonly layers?: readonly number[]; readonly heads?: readonly number[] };
  readonly options: RunOptions;
  readonly store: ObjectStore;
  readonly status: QueryStatus;
  readonly signal: AbortSignal;
  readonly progress: (update: ProgressUpdate) => void;
}

export type QueryOutcome = 'completed' | 'skipped' | 'unchanged';

/** Trials on which the contract's `stepE_eval.json` is made. */
const HEAD_SPACE_TRIALS = 20;
/** Least time between two writings of what is known of a trial. */
const CHECKPOINT_MS = 5000;

/**
 * Takes one relation query from its rows to its artifacts. What an earlier attempt has left is used where its fingerprint is
 * the same: a completed query is not begun again, a sweep goes on at the head it had reached.
 */
export async function runQuery(run: QueryRun, examined: ExperimentModel): Promise<QueryOutcome> {
  const { experiment, relation, status, store, signal, subset, options } = run;
  const { qId, root, demos } = experiment;
  const facts = fingerprintOf(examined.identity, experiment, subset, options.reference, [
    ...relation.queries,
  ]);
  if (status.isSettled(facts)) return 'unchanged';
  if (status.state !== 'none' && status.fingerprint !== facts) await removeStale(store, root, signal);
  await status.set('pending', facts, signal);
  const reason = ineligible(relation, qId, demos);
  if (reason !== undefined) {
    await status.set('skipped', facts, signal, { reason });
    return 'skipped';
  }
  const layers = Array.from({ length: examined.model.info.layers }, (_, layer) => layer);
  await status.set('running', facts, signal, { expected_layers: layers });
  try {
    await new Stages(run, examined).run();
  } catch (error) {
    if (signal.aborted) throw error;
    const message = error instanceof Error ? error.message : String(error);
    await status.set('failed', facts, signal, { reason: message, expected_layers: layers });
    throw error;
  }
  await status.set('completed', facts, signal, { expected_layers: layers, reason: 'all stages completed' });
  return 'completed';
}

/** Artifacts of other settings would be taken for those of these; the checkpoints tell by themselves. */
async function removeStale(store: ObjectStore, root: string, signal: AbortSignal): Promise<void> {
  const keys: string[] = [];
  for await (const { key } of store.list({ prefix: `${root}/`, signal })) {
    const name = key.slice(root.length + 1);
    if (!name.startsWith('_resume/') && name !== 'qid_status.json') keys.push(key);
  }
  await store.delete(keys, { signal });
}

/** The stages of one relation query, each writing its files before the next begins. */
class Stages {
  readonly #run: QueryRun;
  readonly #examined: ExperimentModel;

  constructor(run: QueryRun, examined: ExperimentModel) {
    this.#run = run;
    this.#examined = examined;
  }

  async run(): Promise<void> {
    const { experiment } = this.#run;
    const { info } = this.#examined.model;
    const trials = this.#trials();
    await this.#put('sampled_trials.json', sampledTrials(experiment, trials));
    const slot = this.#examined.tokenizer.encode(slotPrompt(experiment.demos)).length - 1;
    const heads = headsOf(info, this.#run.subset);
    const clean = trials.map(({ trial }) => this.#examined.tokenizer.encode(cleanPrompt(trial)));
    this.#run.progress({ stage: `${experiment.qId}: clean means`, done: 0 });
    const means = await cleanMeans(this.#examined.model, clean, this.#run.options);
    const meanFile = cleanMeanFile(means, info, slot);
    await this.#put(`stepD_mean_acts/qid_${queryDirectory(experiment.qId)}_clean_mean.pt`, meanFile);
    await this.#put('stepD_mean_acts/global_clean_mean.pt', meanFile);

    const basis = fingerprintOf(
      this.#examined.identity,
      clean,
      trials.map(({ prompt }) => prompt),
      heads,
      this.#run.options.reference,
    );
    const sweeps = await this.#sweep(trials, means, heads, basis);
    const scores = headScores(heads, sweeps, means, info);
    const { qId, seed, scoreKey } = experiment;
    await this.#stream('trial_metrics.jsonl', trialMetrics({ qId, seed, heads, trials, sweeps, slot }));
    await this.#put('cie_scores.csv', cieScores(qId, scores));
    await this.#put('aie_scores.csv', aieScores(scores, scoreKey));

    const top = rankHeads(scores, (head) => head.scores[scoreKey]).slice(0, experiment.topk);
    const title = `${qId}: ${scoreKey}, ${experiment.corruption} labels, ${trials.length} trials`;
    await this.#put(`aie_heatmap_${queryDirectory(qId)}.svg`, heatmap(scores, top, { title, scoreKey }));
    const vector = await this.#vectors(means, top, scores);
    await this.#headSpace(trials, means, top, `${basis} ${experiment.alpha}`);
    await this.#put('sampled_trials_zeroshot.json', zeroShotTrials(experiment, trials));
    await this.#inject(trials, top, vector);
  }

  #trials(): TokenizedTrial[] {
    const { experiment, relation } = this.#run;
    const { tokenizer } = this.#examined;
    return sampleTrials(relation, [experiment.qId], experiment).map((trial) => {
      const prompt = promptTokens(tokenizer, corruptedPrompt(trial), trial.query.output);
      return { trial, prompt, targetToken: tokenizer.tokenName(prompt.target) };
    });
  }

  async #sweep(
    trials: readonly TokenizedTrial[],
    means: Float32Array,
    heads: ReturnType<typeof headsOf>,
    basis: string,
  ): Promise<TrialSweep[]> {
    const { experiment, progress, options } = this.#run;
    const kept = this.#checkpoints('sweep', basis);
    const sweeps: TrialSweep[] = [];
    for (const [index, { prompt }] of trials.entries()) {
      let written = Date.now();
      const told = async (sweep: TrialSweep) => {
        const done = index * heads.length + sweep.patched.length;
        const total = trials.length * heads.length;
        progress({ stage: `${experiment.qId}: heads`, done, total, counter: { unit: 'heads', count: done } });
        const finished = sweep.patched.length === heads.length;
        if (!finished && Date.now() - written < CHECKPOINT_MS) return;
        await kept.write(index, sweep);
        written = Date.now();
      };
      const known = await kept.read(index);
      sweeps.push(await sweepTrial(this.#examined.model, prompt, means, heads, options, told, known));
    }
    return sweeps;
  }

  /** Ranks heads and sums their means; returns the function vector. */
  async #vectors(
    means: Float32Array,
    top: readonly HeadScores[],
    scores: readonly HeadScores[],
  ): Promise<Float32Array> {
    const { experiment } = this.#run;
    const { info } = this.#examined.model;
    const layers = [...new Set(scores.map(({ layer }) => layer))];
    const vector = await functionVector(means, info, top, (layer) => this.#examined.projectionOf(layer));
    await this.#put('top_heads.json', topHeads(experiment, top));
    await this.#put(
      'fv_by_layer.pt',
      byLayerFile(vectorsByLayer(means, info, top, layers), info, experiment, top.length),
    );
    await this.#put('fv_global_resid.pt', globalFile(vector, info));
    await this.#put('fv_global_resid_meta.json', pythonJson(globalMeta(experiment, top), 2));
    return vector;
  }

  /** `stepE_eval.json`, where vectors of heads are as wide as the residual stream. */
  async #headSpace(
    trials: readonly TokenizedTrial[],
    means: Float32Array,
    top: readonly HeadScores[],
    basis: string,
  ): Promise<void> {
    const { experiment } = this.#run;
    const { info } = this.#examined.model;
    if (info.heads * info.headDim !== info.hidden) return;
    const layers = this.#layers().filter((layer) => this.#run.subset.layers?.includes(layer) ?? true);
    const vectors = vectorsByLayer(means, info, top, layers);
    const drawn = Array.from({ length: HEAD_SPACE_TRIALS }, (_, i) =>
      new PythonRandom(experiment.seed + i).randrange(trials.length),
    );
    const prompts = new Map([...new Set(drawn)].map((index) => [index, trials[index]!.prompt]));
    const deltas = await this.#deltas('head-space', prompts, layers, (layer) => vectors.get(layer)!, [
      basis,
      top.map(({ layer, head }) => [layer, head]),
    ]);
    const logits = layers.map((_, at) =>
      drawn.map((index) => {
        const { base, patched } = deltas.get(index)!;
        return patched[at]!.logit - base.logit;
      }),
    );
    const effect = (values: readonly number[]) => ({
      mean: mean(values),
      std: populationDeviation(values),
      anyNonzero: values.some((value) => Math.abs(value) > 1e-12),
    });
    const perLayer = layers.map((layer, at): HeadSpaceEffect => ({ layer, ...effect(logits[at]!) }));
    const trialMajor = drawn.flatMap((_, trial) => logits.map((values) => values[trial]!));
    await this.#put(
      'stepE_eval.json',
      headSpaceEvaluation(experiment, perLayer, effect(trialMajor), HEAD_SPACE_TRIALS),
    );
  }

  /** The function vector after each layer, on zero-shot prompts. */
  async #inject(
    trials: readonly TokenizedTrial[],
    top: readonly HeadScores[],
    vector: Float32Array,
  ): Promise<void> {
    const { experiment } = this.#run;
    const { model, tokenizer } = this.#examined;
    const drawn = trials.map(({ trial }) => trial);
    const sources = zeroShotExamples(drawn, { seed: experiment.seed, count: experiment.evalExamples });
    const prompts = sources.map(({ prompt, output }) => promptTokens(tokenizer, prompt, output));
    const layers = this.#layers();
    const basis = [this.#examined.identity, prompts, fingerprintOf([...vector]), experiment.alpha];
    const read = await this.#deltas('injection', new Map(prompts.entries()), layers, () => vector, basis);
    const injections = layers.map((layer, at): LayerInjection => {
      const examples = sources.map((source, i) => {
        const { target } = prompts[i]!;
        const { base, patched } = read.get(i)!;
        return { source, target, targetToken: tokenizer.tokenName(target), base, with: patched[at]! };
      });
      return { layer, examples, scores: injectionScores(examples) };
    });
    const context = { experiment, heads: top, sizes: model.info, norm: norm(vector) };
    for (const injection of injections) {
      for (const [name, text] of layerFiles(context, injection)) {
        await this.#put(`${layerDirectory(injection.layer)}/${name}`, text);
      }
    }
    const { scoreKey } = experiment;
    const best = isInjectionScore(scoreKey)
      ? bestLayer(injections.map(({ layer, scores }) => [layer, scores[scoreKey]] as const))
      : undefined;
    await this.#put('step6/step6_all_layers_summary.json', layersSummary(experiment, injections, best));
  }

  /** Readings of prompts without and with a vector after each layer; `patched` is in the order of the layers. */
  async #deltas(
    stage: string,
    prompts: ReadonlyMap<number, PromptTokens>,
    layers: readonly number[],
    vectorOf: (layer: number) => Float32Array,
    basis: readonly unknown[],
  ): Promise<Map<number, TrialSweep>> {
    const { experiment, options, progress } = this.#run;
    const kept = this.#checkpoints(stage, fingerprintOf(stage, basis, layers, options.reference));
    const found = new Map<number, TrialSweep>();
    for (const [index, prompt] of prompts) {
      const total = prompts.size * layers.length;
      const done = found.size * layers.length;
      progress({
        stage: `${experiment.qId}: ${stage}`,
        done,
        total,
        counter: { unit: 'layers', count: done },
      });
      let one = await kept.read(index);
      if (one === undefined) {
        const { base, injected } = await inject(
          this.#examined.model,
          prompt,
          layers,
          vectorOf,
          experiment.alpha,
          options,
        );
        one = { base, patched: layers.map((layer) => injected.get(layer)!) };
        await kept.write(index, one);
      }
      found.set(index, one);
    }
    return found;
  }

  #layers(): number[] {
    return Array.from({ length: this.#examined.model.info.layers }, (_, layer) => layer);
  }

  #checkpoints(stage: string, fingerprint: string): Checkpoints {
    const { experiment, store, signal } = this.#run;
    return new Checkpoints(store, `${experiment.root}/_resume/${stage}`, fingerprint, signal);
  }

  async #put(name: string, content: string | Uint8Array): Promise<void> {
    const { experiment, store, signal } = this.#run;
    const bytes = typeof content === 'string' ? Buffer.from(content) : content;
    await store.put(`${experiment.root}/${name}`, bytes, { signal });
  }

  async #stream(name: string, lines: Iterable<string>): Promise<void> {
    const { experiment, store, signal } = this.#run;
    await store.upload(`${experiment.root}/${name}`, chunksOf(lines), { signal });
  }
}

/** Lines in chunks of some hundred kilobytes. */
async function* chunksOf(lines: Iterable<string>): AsyncGenerator<Uint8Array> {
  let chunk: string[] = [];
  for (const line of lines) {
    chunk.push(line);
    if (chunk.length < 500) continue;
    yield Buffer.from(chunk.join(''));
    chunk = [];
  }
  yield Buffer.from(chunk.join(''));
}

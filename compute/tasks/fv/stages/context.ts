import type { ObjectStore } from '../../../../lake/store/object-store.ts';
import type { ProgressUpdate } from '../../../jobs/meter.ts';
import type { OutputProjection, Unembedding } from '../../../model/index.ts';
import type { Experiment } from '../artifacts/experiment.ts';
import { Checkpoints } from '../checkpoints.ts';
import type { Inventory } from '../inventory.ts';
import type { Relation } from '../relation/relation.ts';
import type { FvModel, RunOptions } from '../sweep/readings.ts';
import type { PromptTokenizer } from '../trials/targets.ts';

/** A model with all that experiments need of it. */
export interface ExperimentModel {
  readonly model: FvModel;
  readonly tokenizer: PromptTokenizer;
  /** Of the checkpoint and of the program that runs it. */
  readonly identity: string;
  projectionOf(layer: number): Promise<OutputProjection>;
  /** Only where attributions are asked for the model has the residual stream that they need. */
  unembeddingOf(tokens: readonly number[]): Promise<Unembedding>;
}

/** The heads that are swept: those of some layers, and of some numbers, where that is asked for. */
export interface HeadSubset {
  readonly layers?: readonly number[];
  readonly heads?: readonly number[];
}

/** What the stages of one relation query share: what is examined, and where its artifacts go. */
export interface StageContext {
  readonly experiment: Experiment;
  readonly relation: Relation;
  readonly subset: HeadSubset;
  readonly options: RunOptions;
  readonly store: ObjectStore;
  /** Of the artifacts that this attempt writes. */
  readonly inventory: Inventory;
  readonly signal: AbortSignal;
  /** Told how far a stage is; the stages do not name the relation query. */
  readonly progress: (update: ProgressUpdate) => void;
  readonly examined: ExperimentModel;
  /** Makes a PNG picture of an SVG drawing. */
  readonly picture: Picture;
}

export type Picture = (svg: string) => Promise<Uint8Array>;

/** Every layer of the model. */
export function layersOf({ examined }: StageContext): number[] {
  return Array.from({ length: examined.model.info.layers }, (_, layer) => layer);
}

/** What is known of the prompts of a stage. @param fingerprint of everything that its readings depend on */
export function checkpointsOf(
  { experiment, store, signal }: StageContext,
  stage: string,
  fingerprint: string,
): Checkpoints {
  return new Checkpoints(store, `${experiment.root}/_resume/${stage}`, fingerprint, signal);
}

/** Writes an artifact. @param name below the directory of artifacts */
export async function put(
  { inventory, signal }: StageContext,
  name: string,
  content: string | Uint8Array,
): Promise<void> {
  await inventory.put(`artifacts/${name}`, content, signal);
}

/** Writes an artifact of many lines. */
export async function putLines(
  { inventory, signal }: StageContext,
  name: string,
  lines: Iterable<string>,
): Promise<void> {
  await inventory.upload(`artifacts/${name}`, chunksOf(lines), signal);
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

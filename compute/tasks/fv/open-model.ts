import { freemem } from 'node:os';
import { z } from 'zod';
import type { ModelCheck } from '../../../ingest/contracts/model-check.ts';
import type { ObjectStore } from '../../../lake/store/object-store.ts';
import {
  describeDecoder,
  ModelProcess,
  openCheckpoint,
  readOutputProjection,
  readUnembedding,
} from '../../model/index.ts';
import { Tokenizer } from '../../model/tokenizer/tokenizer.ts';
import { writtenOnce } from '../contract-run/provenance.ts';
import { checkedModel } from '../model-check/model-check.ts';
import type { TaskServices } from '../task.ts';
import { modelIdOf } from '../text-model/model-spec.ts';
import { checkpointFiles } from '../text-model/onnx/checkpoint-files.ts';
import type { FvSpec } from './spec.ts';
import type { ExperimentModel } from './stages/context.ts';
import { fvModel } from './sweep/readings.ts';
import { checkpointTokenizer } from './trials/checkpoint-tokenizer.ts';

/** A model that is loaded for a job. */
export interface OpenModel extends ExperimentModel {
  /** Whether its numbers may be relied on. */
  readonly check: ModelCheck;
  /** Whether prompts have special tokens. */
  readonly specialTokens: boolean;
  close(): Promise<void>;
}

export type OpenExperimentModel = (
  spec: FvSpec,
  services: TaskServices,
  signal: AbortSignal,
) => Promise<OpenModel>;

/** The reference implementation runs models of this type without BOS. */
const WITHOUT_BOS: ReadonlySet<string> = new Set(['gpt2']);

/** Whether prompts have special tokens, as asked for or as the reference implementation does it. */
export function usesSpecialTokens({ specialTokens }: FvSpec, modelType: string): boolean {
  return specialTokens ?? !WITHOUT_BOS.has(modelType);
}

/** The checkpoint in a process of its own. @throws PermanentTaskError, and as `ModelProcess.info` */
export const openModel: OpenExperimentModel = async (spec, services, signal) => {
  const { path, provider, compute, threads } = spec.model;
  const files = await checkpointFiles(path, services, signal);
  let process: ModelProcess | undefined;
  const close = async () => {
    await process?.close();
    await files.release();
  };
  try {
    const checkpoint = await openCheckpoint(files.path, signal);
    const layers = describeDecoder(checkpoint).decoder.blocks.length;
    process = new ModelProcess({
      path: files.path,
      provider,
      ...(compute === undefined ? {} : { compute }),
      ...(threads === undefined ? {} : { threads }),
      // Attributions need the residual stream before the final norm.
      taps: { residual: spec.additions.attribution ? [layers] : [] },
      ...(services.modelHost !== undefined && { script: services.modelHost }),
    });
    const { identity, check } = await checkedModel(process, modelIdOf(spec.model), services.store, signal);
    const model = await fvModel(process, signal);
    const specialTokens = usesSpecialTokens(spec, model.info.modelType);
    const { graphVersion, provider: used, compute: type } = model.info;
    return {
      model,
      tokenizer: checkpointTokenizer(await Tokenizer.load(files.path, signal), specialTokens),
      identity: [identity.modelHash, graphVersion, used, type, identity.runtime].join(' '),
      check,
      specialTokens,
      projectionOf: (layer) => readOutputProjection(checkpoint, layer, signal),
      unembeddingOf: (tokens) => readUnembedding(checkpoint, tokens, signal),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
};

const MIN_BYTES = 64 * 2 ** 20;
const MAX_BYTES = 8 * 2 ** 30;

/**
 * Memory of one batch: as asked for, else a quarter of what the first worker of the job has free. It decides how rows are
 * divided into batches and thereby the last bits of results, so later attempts keep to it.
 */
export async function batchMemory(
  spec: FvSpec,
  store: ObjectStore,
  prefix: string,
  signal: AbortSignal,
): Promise<number> {
  if (spec.model.memoryBytes !== undefined) return spec.model.memoryBytes;
  const schema = z.object({ memoryBytes: z.number().positive() });
  const free = Math.min(MAX_BYTES, Math.max(MIN_BYTES, Math.floor(freemem() / 4)));
  const make = async () => ({ memoryBytes: free });
  return (await writtenOnce(store, `${prefix}/batches.json`, schema, signal, make)).memoryBytes;
}

import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Answer, MODEL_ID } from './answers.ts';
import { encodeFloat16Npy } from './npy.ts';
import { HIDDEN, LAYERS } from './stream.ts';

/** When the invented experiment ran, in seconds since the epoch: 2026-01-15T09:00:00Z. */
export const EPOCH_SECONDS = 1_768_467_600;

const LAYER_NUMBERS = Array.from({ length: LAYERS }, (_, layer) => layer);

/** Writes a JSON+NPY activation store: an index, and for every entry an array (layer, 1, token, hidden) with a sidecar. */
export async function writeActivationStore(directory: string, answers: readonly Answer[]): Promise<void> {
  await mkdir(join(directory, 'activations'), { recursive: true });
  const index: string[] = [];
  const files: [string, Buffer | string][] = [];
  answers.forEach((answer, i) => {
    const { key, prompt, response } = answer;
    const tokens = answer.stream.length / (LAYERS * HIDDEN);
    const timestamp = EPOCH_SECONDS + i / 8;
    const identity = {
      prompt_hash: key,
      multi_sample: false,
      sample_group_id: key,
      sample_index: null,
      request_id: null,
    };
    index.push(JSON.stringify({ key, prompt, has_activations: true, timestamp, ...identity }));
    const sidecar = {
      prompt,
      response,
      input_length: answer.promptTokens,
      model: MODEL_ID,
      trim_position: null,
      ...identity,
      example_id: answer.exampleId,
      model_id: MODEL_ID,
      layers: LAYER_NUMBERS,
      token_selector: 'mean_pool',
      activation_key: key,
      logging_config: { target_layers: 'all', sequence_mode: 'response' },
      has_activations: true,
      activation_file: `activations/${key}.npy`,
      activation_shape_info: LAYER_NUMBERS.map(() => ({ shape: [1, tokens, HIDDEN], dtype: 'float16' })),
      timestamp,
    };
    const path = join(directory, 'activations', key);
    files.push([`${path}.npy`, encodeFloat16Npy(answer.stream, [LAYERS, 1, tokens, HIDDEN])]);
    files.push([`${path}.json`, JSON.stringify(sidecar, undefined, 2)]);
  });
  await writeFile(join(directory, 'metadata.jsonl'), `${index.join('\n')}\n`);
  await inGroups(files, ([path, bytes]) => writeFile(path, bytes));
}

/** Bounded parallelism: hundreds of small files, but never as many open descriptors. */
async function inGroups<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  for (let start = 0; start < items.length; start += 64) {
    await Promise.all(items.slice(start, start + 64).map(work));
  }
}

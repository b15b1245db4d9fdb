import type { Checkpoint } from '../checkpoint/checkpoint.ts';
import { UnsupportedModelError } from '../errors.ts';
import type { Architecture, DecoderSpec } from './decoder.ts';
import { gpt2 } from './gpt2.ts';
import { llama } from './llama.ts';
import { mistral } from './mistral.ts';
import { qwen2 } from './qwen2.ts';
import { qwen3 } from './qwen3.ts';
import { smollm3 } from './smollm3.ts';

/** Every architecture the engine builds. A new one is one file and one entry here. */
export const architectures: readonly Architecture[] = [llama, mistral, qwen2, qwen3, smollm3, gpt2];

/**
 * The decoder that a checkpoint's `config.json` describes.
 * @throws UnsupportedModelError | CheckpointError
 */
export function describeDecoder(checkpoint: Checkpoint): {
  architecture: Architecture;
  decoder: DecoderSpec;
} {
  const type = checkpoint.config.model_type;
  const architecture = architectures.find((one) => one.modelType === type);
  if (architecture === undefined) {
    throw new UnsupportedModelError(`model_type ${type} is not supported`, {
      where: { file: 'config.json', pointer: '/model_type' },
      expected: architectures.map((one) => one.modelType).join(', '),
    });
  }
  const decoder = architecture.decoder(checkpoint.config, (tensor) => checkpoint.weights.has(tensor));
  return { architecture, decoder };
}

import { z } from 'zod';
import { CheckpointError, UnsupportedModelError } from '../errors.ts';
import type { Activation } from './decoder.ts';

/** Bounds that keep a hostile `config.json` from asking for a graph of a million blocks. */
export const size = z
  .int()
  .min(1)
  .max(2 ** 28);
export const layerCount = z.int().min(1).max(1000);
const MAX_HEAD_DIM = 4096;

/** @throws CheckpointError naming every field that is wrong */
export function parseConfig<T>(schema: z.ZodType<T>, config: unknown): T {
  const parsed = schema.safeParse(config);
  if (parsed.success) return parsed.data;
  throw new CheckpointError(`config.json: ${z.prettifyError(parsed.error)}`, {
    where: { file: 'config.json' },
  });
}

/** The error for a member of config.json that no architecture here can follow. */
export function unsupported(field: string, value: unknown, expected: string): UnsupportedModelError {
  return new UnsupportedModelError(`config.json: ${field} ${JSON.stringify(value)} is not supported`, {
    where: { file: 'config.json', pointer: `/${field}` },
    expected,
  });
}

/**
 * Sizes of the attention's heads that fit together.
 * @throws UnsupportedModelError
 */
export function headSizes(config: {
  readonly hidden: number;
  readonly heads: number;
  readonly keyValueHeads?: number | null | undefined;
  readonly headDim?: number | null | undefined;
}): { heads: number; keyValueHeads: number; headDim: number } {
  const { hidden, heads } = config;
  const keyValueHeads = config.keyValueHeads ?? heads;
  const headDim = config.headDim ?? hidden / heads;
  if (!Number.isInteger(headDim))
    throw unsupported('num_attention_heads', heads, 'a divisor of the hidden size');
  if (headDim > MAX_HEAD_DIM) throw unsupported('head_dim', headDim, `at most ${MAX_HEAD_DIM}`);
  if (heads % keyValueHeads !== 0) {
    throw unsupported('num_key_value_heads', keyValueHeads, 'a divisor of num_attention_heads');
  }
  return { heads, keyValueHeads, headDim };
}

const activations: Readonly<Record<string, Activation>> = {
  silu: 'silu',
  swish: 'silu',
  gelu: 'gelu',
  gelu_new: 'gelu-tanh',
  gelu_pytorch_tanh: 'gelu-tanh',
  relu: 'relu',
};

/** @throws UnsupportedModelError */
export function activation(field: string, name: string): Activation {
  const found = Object.hasOwn(activations, name) ? activations[name] : undefined;
  if (found === undefined) throw unsupported(field, name, Object.keys(activations).join(', '));
  return found;
}

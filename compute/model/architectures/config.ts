import { z } from 'zod';
import { CheckpointError, UnsupportedModelError } from '../errors.ts';
import type { Activation } from './decoder.ts';

/** Bounds that keep a hostile `config.json` from asking for a graph of a million blocks. */
export const size = z
  .int()
  .min(1)
  .max(2 ** 28);
export const layerCount = z.int().min(1).max(1000);

/** @throws CheckpointError naming every field that is wrong */
export function parseConfig<T>(schema: z.ZodType<T>, config: unknown): T {
  const parsed = schema.safeParse(config);
  if (parsed.success) return parsed.data;
  throw new CheckpointError(`config.json: ${z.prettifyError(parsed.error)}`, {
    where: { file: 'config.json' },
  });
}

export function unsupported(field: string, value: unknown, expected: string): UnsupportedModelError {
  return new UnsupportedModelError(`config.json: ${field} ${JSON.stringify(value)} is not supported`, {
    where: { file: 'config.json', pointer: `/${field}` },
    expected,
  });
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

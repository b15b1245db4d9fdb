import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { InvalidArgumentError } from '../../lake/errors.ts';
import { openCheckpoint } from './checkpoint/checkpoint.ts';
import { readOutputProjection } from './output-projection.ts';
import { tinyLlamaTensors, writeCheckpoint } from './testing.ts';

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'runlake-projection-'));
});
afterAll(() => rm(root, { recursive: true }));

it('reads a projection as it is stored', async () => {
  const checkpoint = await openCheckpoint(await writeCheckpoint(join(root, 'llama')));
  const { matrix, bias, hidden, width } = await readOutputProjection(checkpoint, 1);
  const stored = tinyLlamaTensors()['model.layers.1.self_attn.o_proj.weight']!.bytes;
  expect(Buffer.from(matrix.buffer)).toEqual(Buffer.from(stored));
  expect({ bias, hidden, width }).toEqual({ bias: undefined, hidden: 8, width: 8 });
  await expect(readOutputProjection(checkpoint, 2)).rejects.toThrow(InvalidArgumentError);
});

it('turns the one of GPT-2, which is stored the other way round', async () => {
  const config = { model_type: 'gpt2', vocab_size: 5, n_positions: 8, n_embd: 2, n_layer: 1, n_head: 1 };
  const floats = (shape: readonly number[], values: readonly number[]) => ({
    type: 'F32' as const,
    shape,
    bytes: new Uint8Array(Float32Array.from(values).buffer),
  });
  const path = await writeCheckpoint(join(root, 'gpt2'), config, {
    'h.0.attn.c_proj.weight': floats([2, 2], [1, 2, 3, 4]),
    'h.0.attn.c_proj.bias': floats([2], [5, 6]),
  });
  const { matrix, bias } = await readOutputProjection(await openCheckpoint(path), 0);
  expect([...matrix]).toEqual([1, 3, 2, 4]);
  expect([...bias!]).toEqual([5, 6]);
});

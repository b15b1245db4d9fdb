import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { InvalidArgumentError } from '../../lake/errors.ts';
import { openCheckpoint, readWeight } from './checkpoint/checkpoint.ts';
import { writeCheckpoint } from './testing.ts';
import { readUnembedding } from './unembedding.ts';

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'runlake-unembedding-'));
});
afterAll(() => rm(root, { recursive: true }));

it('reads the rows of some tokens, those of the embedding in a tied model', async () => {
  const checkpoint = await openCheckpoint(await writeCheckpoint(join(root, 'llama')));
  const { norm, gain, rows } = await readUnembedding(checkpoint, [3, 0, 3]);
  expect(norm.kind).toBe('rms');
  expect(gain).toEqual((await readWeight(checkpoint, 'model.norm.weight')).toFloat32());
  const name = checkpoint.weights.has('lm_head.weight') ? 'lm_head.weight' : 'model.embed_tokens.weight';
  const matrix = (await readWeight(checkpoint, name)).toFloat32();
  const hidden = gain.length;
  expect([...rows.keys()]).toEqual([3, 0]);
  for (const [token, row] of rows) {
    expect(row).toEqual(matrix.slice(token * hidden, (token + 1) * hidden));
  }
  await expect(readUnembedding(checkpoint, [-1])).rejects.toThrow(InvalidArgumentError);
  await expect(readUnembedding(checkpoint, [1e9])).rejects.toThrow(InvalidArgumentError);
});

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryTree } from '../../../../ingest/testing.ts';
import { RemoteStore } from '../../../../lake/cache/remote-store.fixture.ts';
import { temporaryLake } from '../../../../test/support/temporary-lake.ts';
import { checkpointFiles } from './checkpoint-files.ts';

test('a checkpoint in a bucket becomes a directory of links into the cache', async () => {
  const files = {
    'models/m/config.json': '{}',
    'models/m/model.safetensors': 'weights',
    'models/m/tokenizer.json': '[]',
    'models/m/pytorch_model.bin': 'the same weights',
    'models/m/onnx/model.onnx': 'and again',
    'models/other/config.json': '{}',
  };
  const { path, remove } = temporaryTree(files);
  const store = new RemoteStore(path);
  const { lake, directory, ...temporary } = await temporaryLake({ store });
  const services = { store, lake, scratch: directory };
  const { signal } = new AbortController();
  for (const address of ['models/m', 'models/m/', `${store.uri}/models/m`]) {
    const checkpoint = await checkpointFiles(address, services, signal);
    expect(readdirSync(checkpoint.path).sort()).toEqual([
      'config.json',
      'model.safetensors',
      'tokenizer.json',
    ]);
    expect(readFileSync(join(checkpoint.path, 'model.safetensors'), 'utf8')).toBe('weights');
    await checkpoint.release();
    expect(existsSync(checkpoint.path)).toBe(false);
  }
  const onTheMachine = await checkpointFiles(join(path, 'models/m'), services, signal);
  expect(onTheMachine.path).toBe(join(path, 'models/m'));
  for (const address of ['models/nope', 's3://elsewhere/m', '/nope', 'models/m/onnx'])
    await expect(checkpointFiles(address, services, signal)).rejects.toMatchObject({ code: 'NO_CHECKPOINT' });
  await temporary.remove();
  remove();
});

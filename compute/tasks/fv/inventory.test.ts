import { describe, expect, it } from 'vitest';
import { MemoryStore } from '../../../lake/log/memory-store.test-support.ts';
import { damagedArtifacts, Inventory } from './inventory.ts';

const { signal } = new AbortController();
const root = 'results/Q1';
const list = `${root}/artifacts/_resume/artifacts.json`;

async function written(): Promise<MemoryStore> {
  const store = new MemoryStore();
  const inventory = new Inventory(store, root);
  await inventory.put('artifacts/top_heads.json', '{"heads": []}', signal);
  const lines = async function* () {
    yield Buffer.from('{"a": 1}\n');
    yield Buffer.from('{"a": 2}\n');
  };
  await inventory.upload('artifacts/trial_metrics.jsonl', lines(), signal);
  await inventory.close('f1', signal);
  return store;
}

const damaged = (store: MemoryStore, fingerprint = 'f1') =>
  damagedArtifacts(store, root, fingerprint, signal);

describe('damagedArtifacts', () => {
  it('finds nothing where everything is as it was written', async () => {
    expect(await damaged(await written())).toEqual([]);
  });

  it.each([
    ['a file that is gone', 'artifacts/top_heads.json', undefined],
    ['a file that was cut off', 'artifacts/trial_metrics.jsonl', '{"a": 1}\n'],
    ['a file of the same size with other bytes', 'artifacts/top_heads.json', '{"heads": {}}'],
  ])('finds %s', async (_, name, text) => {
    const store = await written();
    if (text === undefined) await store.delete([`${root}/${name}`]);
    else await store.put(`${root}/${name}`, Buffer.from(text));
    expect(await damaged(store)).toEqual([name]);
  });

  it.each([
    ['missing', undefined],
    ['cut off', '{"fingerprint": "f1", "artif'],
    ['something else', '{"fingerprint": "f1"}'],
  ])('names the list where it is %s', async (_, text) => {
    const store = await written();
    if (text === undefined) await store.delete([list]);
    else await store.put(list, Buffer.from(text));
    expect(await damaged(store)).toEqual(['artifacts/_resume/artifacts.json']);
    expect(await damaged(await written(), 'f2')).toEqual(['artifacts/_resume/artifacts.json']);
  });
});

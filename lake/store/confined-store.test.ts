import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { MemoryStore } from '../log/memory-store.test-support.ts';
import { ConfinedStore, isInside } from './confined-store.ts';
import { LocalStore } from './local-store.ts';
import type { ObjectStore } from './object-store.ts';

let root: string;
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'runlake-confined-'));
  for (const folder of ['in/sub', 'out']) mkdirSync(join(root, folder), { recursive: true });
  for (const file of ['in/a', 'in/sub/b', 'out/secret', 'inside']) writeFileSync(join(root, file), file);
  symlinkSync('../out', join(root, 'in/folder'));
  symlinkSync('../out/secret', join(root, 'in/file'));
  symlinkSync('sub/b', join(root, 'in/own'));
});
afterAll(() => rmSync(root, { recursive: true }));

async function keys(store: ObjectStore, prefix = ''): Promise<string[]> {
  const found: string[] = [];
  for await (const { key } of store.list({ prefix })) found.push(key);
  return found;
}

test('only what lies in a directory exists, links out of it do not', async () => {
  const store = new ConfinedStore(new LocalStore(root), 'in');
  expect(await keys(store)).toEqual(['in/a', 'in/own', 'in/sub/b']);
  expect(await keys(store, 'in/s')).toEqual(['in/sub/b']);
  expect(await keys(store, 'out/')).toEqual([]);
  for (const key of ['in/a', 'in/own', 'in/sub/b']) {
    expect((await store.head(key))?.key).toBe(key);
    expect(store.localPath(key)).toContain('/in/');
  }
  expect(Buffer.from(await store.get('in/a')).toString()).toBe('in/a');
  for (const key of ['out/secret', 'inside', 'in/file', 'in/folder/secret', 'in/none', 'in/sub']) {
    expect([key, await store.head(key), store.localPath(key)]).toEqual([key, undefined, undefined]);
    await expect(store.get(key)).rejects.toMatchObject({ code: 'OBJECT_NOT_FOUND' });
    await expect(store.stream(key)[Symbol.asyncIterator]().next()).rejects.toMatchObject({
      code: 'OBJECT_NOT_FOUND',
    });
  }
});

test('only keys below the prefix of a bucket exist', async () => {
  const bucket = new MemoryStore();
  for (const key of ['in/a', 'inside', 'auth/tokens/x']) await bucket.put(key, Buffer.from(key));
  const store = new ConfinedStore(bucket, 'in');
  expect(await keys(store)).toEqual(['in/a']);
  expect(await keys(store, 'i')).toEqual(['in/a']);
  expect(await keys(store, 'auth/')).toEqual([]);
  await expect(store.get('inside')).rejects.toMatchObject({ code: 'OBJECT_NOT_FOUND' });
  await expect(store.put('in/b')).rejects.toMatchObject({ code: 'STORE_ERROR' });
  await expect(store.delete(['in/a'])).rejects.toMatchObject({ code: 'STORE_ERROR' });
});

test('a directory is no prefix of names', () => {
  expect(isInside('/a/b', '/a')).toBe(true);
  expect(isInside('/a', '/a')).toBe(true);
  expect(isInside('/ab', '/a')).toBe(false);
  expect(isInside('/ab', '/')).toBe(true);
});

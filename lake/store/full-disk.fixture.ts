/** Fills the small disk at argv[2] and prints what the store says; runs in a mount namespace of its own. */
import { readdir } from 'node:fs/promises';
import { LocalStore } from './local-store.ts';
import { StoreError } from './object-store.ts';

const root = process.argv[2] ?? '';
const store = new LocalStore(root);
await store.put('old', Buffer.from('still here'));
let failure: unknown;
try {
  await store.put('old', new Uint8Array(4 << 20));
} catch (error) {
  failure = error;
}
const keys: string[] = [];
for await (const { key } of store.list()) keys.push(key);
const report = {
  code: failure instanceof StoreError ? failure.code : String(failure),
  remedy: failure instanceof StoreError ? failure.remedy : undefined,
  keys,
  old: Buffer.from(await store.get('old')).toString(),
  staged: await readdir(`${root}/.runlake-tmp`),
};
console.log(JSON.stringify(report));

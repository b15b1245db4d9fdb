/**
 * One of several processes on one cache: cache-process MODE ROOT CACHE LOG SEED
 * - fetch: reads every object once and prints how many had the right content
 * - hang: starts to fetch objects slowly and prints READY; it is killed in the middle
 * - hold: pins every object, prints READY, and never releases
 * - churn: in a cache far too small, pins random objects, checks them at once and again a little later
 * - full: fills the small disk that the cache lies on
 */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { ObjectNotFoundError, StoreError } from '../store/object-store.ts';
import { ObjectCache } from './object-cache.ts';
import { RemoteStore } from './remote-store.fixture.ts';

const [mode = '', root = '', directory = '', log = '', seed = '1'] = process.argv.slice(2);
const store = new RemoteStore(root, { log, chunkPauseMs: mode === 'hang' ? 200 : 1 });
const keys: string[] = [];
for await (const { key } of store.list()) keys.push(key);

const isRight = (path: string, key: string) => readFileSync(path, 'utf8').startsWith(`${key}\n`);

if (mode === 'fetch') {
  const cache = new ObjectCache({ directory, maxBytes: 1e9 });
  const { paths, release } = await cache.localFiles(
    store,
    keys.map((key) => ({ key })),
  );
  console.log(paths.filter((path, i) => isRight(path, keys[i]!)).length);
  release();
  await cache.close();
} else if (mode === 'hang') {
  const cache = new ObjectCache({ directory, maxBytes: 1e9 });
  void cache.localFiles(
    store,
    keys.map((key) => ({ key })),
  );
  while (store.fetched.length === 0) await sleep(5);
  await sleep(50);
  console.log('READY');
} else if (mode === 'hold') {
  const cache = new ObjectCache({ directory, maxBytes: 1e9 });
  const { paths } = await cache.localFiles(
    store,
    keys.map((key) => ({ key })),
  );
  console.log(`READY ${JSON.stringify(paths)}`);
  setInterval(() => undefined, 1000);
} else if (mode === 'churn') {
  const cache = new ObjectCache({ directory, maxBytes: 120_000, recheckMs: 0, idleLeaseMs: 10 });
  let state = Number(seed);
  const draw = (n: number) => {
    state = (state * 1103515245 + 12345) % 2 ** 31;
    return Math.floor((state / 2 ** 31) * n);
  };
  let right = 0;
  for (let i = 0; i < 150; i++) {
    const key = keys[draw(keys.length)]!;
    const { path, release } = await cache.localFile(store, key);
    const before = isRight(path, key);
    await sleep(draw(4));
    if (before && isRight(path, key)) right += 1;
    release();
  }
  console.log(right);
  await cache.close();
} else if (mode === 'full') {
  const cache = new ObjectCache({ directory, maxBytes: 1e9 });
  const outcomes: string[] = [];
  for (const key of keys) {
    try {
      const { path, release } = await cache.localFile(store, key);
      outcomes.push(isRight(path, key) ? 'right' : 'wrong');
      release();
    } catch (error) {
      outcomes.push(
        error instanceof StoreError && !(error instanceof ObjectNotFoundError)
          ? `${error.code}: ${error.remedy}`
          : String(error),
      );
    }
  }
  console.log(JSON.stringify(outcomes));
  await cache.close();
}

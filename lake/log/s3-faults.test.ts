import { afterAll, afterEach, beforeAll, describe, expect, inject, test } from 'vitest';
import { type Fault, type S3Proxy, type SeenRequest, startS3Proxy } from '../../test/support/s3-proxy.ts';
import { freshBucket, s3Missing, s3Server } from '../../test/support/s3-server.ts';
import { S3Store } from '../store/s3-store.ts';
import { TABLES } from '../tables/tables.ts';
import { history } from './history.ts';
import { DeltaTable } from './table.ts';

const isCommit = ({ method, url }: SeenRequest) => method === 'PUT' && /_delta_log\/\d+\.json/.test(url);

describe.skipIf(s3Missing !== undefined)('commits over a bad network', () => {
  let proxy: S3Proxy;
  let store: S3Store;

  beforeAll(async () => {
    const server = await s3Server(inject('s3StateFolder'));
    proxy = await startS3Proxy(server.endpoint);
    const settings = await freshBucket(server);
    store = new S3Store(
      { ...settings, endpoint: proxy.endpoint, idleTimeoutMs: 400 },
      { retryPolicy: { attempts: 6, baseMs: 2, capMs: 20 } },
    );
    await store.put('warm', new Uint8Array(1));
  });
  afterEach(() => proxy.reset());
  afterAll(async () => {
    store?.close();
    await proxy?.close();
  });

  const faults: [string, Fault][] = [
    ['a lost answer', { kind: 'drop-answer' }],
    ['a lost request', { kind: 'drop-request' }],
    [
      'an error after the work was done',
      { kind: 'error', status: 500, code: 'InternalError', afterServer: true },
    ],
    [
      'a 412 for our own object',
      { kind: 'error', status: 412, code: 'PreconditionFailed', afterServer: true },
    ],
    ['an answer that never comes', { kind: 'delay', ms: 700 }],
  ];

  test.each(faults)('%s neither doubles a commit nor looks like a conflict', async (name, fault) => {
    const table = DeltaTable.open(store, `tables/${name.replaceAll(' ', '-')}`);
    await table.create(TABLES[0]);
    let built = 0;
    for (let i = 0; i < 3; i++) {
      proxy.inject({ match: isCommit, fault });
      const { committed } = await table.commit({ name: 'WRITE' }, () => {
        built += 1;
        const path = `f${i}`;
        return { add: [{ path, partitionValues: {}, size: 1, modificationTime: 1, dataChange: true }] };
      });
      expect(committed).toBe(true);
    }
    expect(built).toBe(3);
    expect((await history(table)).map(({ version }) => version)).toEqual([3, 2, 1, 0]);
    expect([...(await DeltaTable.open(store, table.root).snapshot()).files.keys()]).toEqual([
      'f0',
      'f1',
      'f2',
    ]);
  });
});

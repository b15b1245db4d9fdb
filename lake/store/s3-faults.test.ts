import { randomBytes, randomUUID } from 'node:crypto';
import { ListMultipartUploadsCommand } from '@aws-sdk/client-s3';
import { afterAll, afterEach, beforeAll, describe, expect, inject, test } from 'vitest';
import { type S3Proxy, type SeenRequest, startS3Proxy } from '../../test/support/s3-proxy.ts';
import { freshBucket, s3Missing, s3Server } from '../../test/support/s3-server.ts';
import { CancelledError } from '../errors.ts';
import { collect, collectBytes } from './object-store.contract.ts';
import { StoreError, UnsafeStoreError } from './object-store.ts';
import { probePutIfAbsent } from './probe.ts';
import { createS3Client } from './s3-client.ts';
import { S3Store } from './s3-store.ts';
import type { S3Settings } from './store-config.ts';

const MiB = 1024 * 1024;
const text = (value: string) => new TextEncoder().encode(value);
const isConditionalPut = ({ method, headers }: SeenRequest) =>
  method === 'PUT' && headers['if-none-match'] === '*';
const isGet = ({ method }: SeenRequest) => method === 'GET';

describe.skipIf(s3Missing !== undefined)('an S3 server behind a bad network', () => {
  let proxy: S3Proxy;
  let settings: S3Settings;
  let store: S3Store;
  /** Takes a connection for dead that is silent for a while; a busy server may be. */
  let hasty: S3Store;
  let direct: S3Store;

  beforeAll(async () => {
    const server = await s3Server(inject('s3StateFolder'));
    proxy = await startS3Proxy(server.endpoint);
    settings = await freshBucket(server);
    const retryPolicy = { attempts: 6, baseMs: 2, capMs: 20 };
    const options = { retryPolicy, partBytes: 5 * MiB };
    store = new S3Store({ ...settings, endpoint: proxy.endpoint }, options);
    hasty = new S3Store({ ...settings, endpoint: proxy.endpoint, idleTimeoutMs: 400 }, options);
    direct = new S3Store(settings, options);
    // A new server sets up its pools at the first object and the first upload, which takes seconds.
    await direct.put('warm', text('x'));
    await direct.upload('warm', new Uint8Array(6 * MiB));
  });
  afterEach(() => proxy.reset());
  afterAll(async () => {
    store?.close();
    hasty?.close();
    direct?.close();
    await proxy?.close();
  });

  const read = async (key: string) => Buffer.from(await direct.get(key)).toString();
  const count = (match: (request: SeenRequest) => boolean) => proxy.seen.filter(match).length;

  describe('put-if-absent', () => {
    test('a lost answer is true for the writer whose bytes are stored', async () => {
      const key = `lost/${randomUUID()}`;
      proxy.inject({ match: isConditionalPut, fault: { kind: 'drop-answer' } });
      expect(await store.putIfAbsent(key, text('mine'))).toBe(true);
      expect(await read(key)).toBe('mine');
      expect(count(isConditionalPut)).toBe(1);
    });

    test('a lost answer is false when another writer had won', async () => {
      const key = `lost/${randomUUID()}`;
      expect(await direct.putIfAbsent(key, text('theirs'))).toBe(true);
      proxy.inject({ match: isConditionalPut, fault: { kind: 'drop-answer' } });
      expect(await store.putIfAbsent(key, text('mine!!'))).toBe(false);
      expect(await read(key)).toBe('theirs');
    });

    test('a lost request is sent again; if another writer came between, the answer is false', async () => {
      const key = `lost/${randomUUID()}`;
      proxy.inject({ match: isConditionalPut, fault: { kind: 'drop-request' }, times: 3 });
      expect(await store.putIfAbsent(key, text('mine'))).toBe(true);
      expect(await read(key)).toBe('mine');
      const contested = `lost/${randomUUID()}`;
      const theirs = direct.putIfAbsent(contested, text('theirs'));
      proxy.inject({ match: isConditionalPut, fault: { kind: 'drop-request' } });
      proxy.inject({ match: isConditionalPut, fault: { kind: 'hold', until: theirs } });
      expect(await store.putIfAbsent(contested, text('mine'))).toBe(false);
      expect(await theirs).toBe(true);
      expect(await read(contested)).toBe('theirs');
    });

    test('500 and 503, whether or not the server did the work, are settled by what is stored', async () => {
      for (const status of [500, 503]) {
        for (const afterServer of [true, false]) {
          const key = `status/${randomUUID()}`;
          const code = status === 500 ? 'InternalError' : 'SlowDown';
          proxy.inject({
            match: isConditionalPut,
            fault: { kind: 'error', status, code, afterServer },
            times: 2,
          });
          expect(await store.putIfAbsent(key, text('mine'))).toBe(true);
          expect(await read(key)).toBe('mine');
        }
      }
    });

    test('412 for our own bytes, as after a request that was sent twice, is true', async () => {
      const key = `twice/${randomUUID()}`;
      const fault = { kind: 'error', status: 412, code: 'PreconditionFailed', afterServer: true } as const;
      proxy.inject({ match: isConditionalPut, fault });
      expect(await store.putIfAbsent(key, text('mine'))).toBe(true);
    });

    test('409 ConditionalRequestConflict is tried again', async () => {
      const key = `conflict/${randomUUID()}`;
      const fault = { kind: 'error', status: 409, code: 'ConditionalRequestConflict' } as const;
      proxy.inject({ match: isConditionalPut, fault, times: 3 });
      expect(await store.putIfAbsent(key, text('mine'))).toBe(true);
      expect(count(isConditionalPut)).toBe(4);
      expect(count(isGet)).toBe(0);
    });

    test('an answer that never comes is given up and settled', async () => {
      const key = `slow/${randomUUID()}`;
      proxy.inject({ match: isConditionalPut, fault: { kind: 'delay', ms: 900 } });
      expect(await hasty.putIfAbsent(key, text('mine'))).toBe(true);
      await new Promise((resolve) => setTimeout(resolve, 700));
      expect(await read(key)).toBe('mine');
    });

    test('the read-back survives faults of its own', async () => {
      const key = `both/${randomUUID()}`;
      proxy.inject({ match: isConditionalPut, fault: { kind: 'drop-answer' } });
      proxy.inject({ match: isGet, fault: { kind: 'error', status: 503, code: 'SlowDown' }, times: 2 });
      expect(await store.putIfAbsent(key, text('mine'))).toBe(true);
    });

    test('writers over a network that loses every third answer: one winner, whose bytes are stored', async () => {
      for (let round = 0; round < 5; round++) {
        const key = `race/${randomUUID()}`;
        let n = 0;
        proxy.inject({
          match: (r) => isConditionalPut(r) && n++ % 3 === 0,
          fault: { kind: 'drop-answer' },
          times: 99,
        });
        const bodies = Array.from({ length: 12 }, () => text(randomUUID()));
        const won = await Promise.all(bodies.map((body) => store.putIfAbsent(key, body)));
        expect(won.filter(Boolean)).toHaveLength(1);
        expect(await direct.get(key)).toEqual(bodies[won.indexOf(true)]);
        proxy.reset();
      }
    });

    test('a server that is down for good is an error that warns of a late effect', async () => {
      proxy.inject({
        match: isConditionalPut,
        fault: { kind: 'error', status: 503, code: 'SlowDown' },
        times: 99,
      });
      const failure = await store
        .putIfAbsent(`down/${randomUUID()}`, text('x'))
        .catch((error: unknown) => error);
      expect(failure).toBeInstanceOf(StoreError);
      expect(failure).toMatchObject({ remedy: expect.stringMatching(/may still take effect/) });
      expect(count(isConditionalPut)).toBe(6);
    });

    test('servers without or with inverted conditional writes are found out', async () => {
      proxy.inject({
        match: isConditionalPut,
        fault: { kind: 'error', status: 501, code: 'NotImplemented' },
        times: 999,
      });
      await expect(probePutIfAbsent(store, { rounds: 1 })).rejects.toThrow(UnsafeStoreError);
      proxy.reset();
      proxy.inject({
        match: isConditionalPut,
        fault: { kind: 'error', status: 412, code: 'PreconditionFailed' },
        times: 999,
      });
      await expect(probePutIfAbsent(store, { rounds: 1 })).rejects.toThrow(/has no such object/);
    });
  });

  describe('other requests', () => {
    test('503 and broken connections are retried, for every operation', async () => {
      const fault = { kind: 'error', status: 503, code: 'SlowDown' } as const;
      const everyOperation: [string, () => Promise<unknown>][] = [
        ['put', () => store.put('ops/a', text('1'))],
        ['head', () => store.head('ops/a')],
        ['get', () => store.get('ops/a')],
        ['list', () => collect(store.list({ prefix: 'ops/' }))],
        ['upload', () => store.upload('ops/b', new Uint8Array(11 * MiB))],
        ['delete', () => store.delete(['ops/a', 'ops/b'])],
      ];
      for (const [name, operation] of everyOperation) {
        proxy.reset();
        proxy.inject({ match: () => true, fault, times: 2 });
        proxy.inject({ match: () => true, fault: { kind: 'drop-answer' }, skip: 0 });
        await expect(operation(), name).resolves.not.toThrow();
        expect(proxy.seen.length, name).toBeGreaterThan(3);
      }
      expect(await collect(direct.list({ prefix: 'ops/' }))).toEqual([]);
    });

    test('403 is not retried', async () => {
      proxy.inject({ match: isGet, fault: { kind: 'error', status: 403, code: 'AccessDenied' }, times: 9 });
      await expect(store.get('any')).rejects.toThrow(StoreError);
      expect(proxy.seen).toHaveLength(1);
    });

    test('an upload takes no more from its source than it can send', async () => {
      const partBytes = 5 * MiB;
      const slow = new S3Store({ ...settings, endpoint: proxy.endpoint }, { partBytes, parallelParts: 2 });
      const isPart = ({ url }: SeenRequest) => url.includes('partNumber=');
      let answer = () => {};
      const until = new Promise<void>((resolve) => {
        answer = resolve;
      });
      proxy.inject({ match: isPart, fault: { kind: 'hold', until }, times: 2 });
      let taken = 0;
      async function* source() {
        for (; taken < 8; taken++) yield new Uint8Array(partBytes);
      }
      const uploading = slow.upload('bounded', source());
      await expect.poll(() => count(isPart)).toBe(2);
      // Two parts wait for their answers, a third for its turn.
      expect(taken).toBeLessThanOrEqual(3);
      answer();
      expect(await uploading).toBe(8 * partBytes);
      slow.close();
    });

    test('an upload whose completion was answered by nobody is complete, once', async () => {
      const bytes = randomBytes(12 * MiB);
      const isCompletion = ({ method, url }: SeenRequest) => method === 'POST' && url.includes('uploadId=');
      proxy.inject({ match: isCompletion, fault: { kind: 'drop-answer' } });
      expect(await store.upload('completed', bytes)).toBe(bytes.length);
      expect(Buffer.compare(await direct.get('completed'), bytes)).toBe(0);
    });

    test('an upload that a server keeps refusing leaves no parts', async () => {
      const isPart2 = ({ url }: SeenRequest) => url.includes('partNumber=2');
      proxy.inject({
        match: isPart2,
        fault: { kind: 'error', status: 500, code: 'InternalError' },
        times: 99,
      });
      await expect(store.upload('refused', new Uint8Array(30 * MiB))).rejects.toThrow(StoreError);
      const client = createS3Client(settings, 1);
      const { Uploads = [] } = await client.send(
        new ListMultipartUploadsCommand({ Bucket: settings.bucket }),
      );
      client.destroy();
      expect(Uploads.filter(({ Key }) => Key === 'refused')).toEqual([]);
      expect(await direct.head('refused')).toBeUndefined();
    });
  });

  describe('reading', () => {
    test('a body that breaks off, several times, is resumed and never short', async () => {
      const bytes = randomBytes(3 * MiB);
      await direct.put('broken', bytes);
      proxy.inject({ match: isGet, fault: { kind: 'cut', afterBytes: 700_001 }, times: 3 });
      expect(Buffer.compare(await store.get('broken'), bytes)).toBe(0);
      expect(count(isGet)).toBe(4);
      proxy.reset();
      proxy.inject({ match: isGet, fault: { kind: 'cut', afterBytes: 400_000 }, times: 2 });
      const range = { start: 100, end: 2 * MiB };
      const streamed = await collectBytes(store.stream('broken', { range }));
      expect(Buffer.compare(streamed, bytes.subarray(100, 2 * MiB))).toBe(0);
    });

    test('a body that breaks at its first byte again and again is an error', async () => {
      await direct.put('stuck', randomBytes(10_000));
      proxy.inject({ match: isGet, fault: { kind: 'cut', afterBytes: 0 }, times: 99 });
      await expect(store.get('stuck')).rejects.toThrow(StoreError);
      expect(count(isGet)).toBe(6);
    });

    test('a body that stalls is resumed, or aborted at once', async () => {
      const bytes = randomBytes(2 * MiB);
      await direct.put('stalled', bytes);
      proxy.inject({ match: isGet, fault: { kind: 'stall', afterBytes: MiB } });
      expect(Buffer.compare(await hasty.get('stalled'), bytes)).toBe(0);
      proxy.reset();
      const patient = new S3Store({ ...settings, endpoint: proxy.endpoint });
      proxy.inject({ match: isGet, fault: { kind: 'stall', afterBytes: 1000 } });
      const signal = AbortSignal.timeout(100);
      await expect(patient.get('stalled', { signal })).rejects.toThrow(CancelledError);
      patient.close();
    });

    test('an object that is replaced in the middle of a read is an error, not a mixture', async () => {
      await direct.put('replaced', new Uint8Array(2 * MiB).fill(1));
      proxy.inject({ match: isGet, fault: { kind: 'cut', afterBytes: MiB } });
      const read = async () => {
        const seen = new Set<number>();
        for await (const chunk of store.stream('replaced')) {
          if (seen.size === 0) await direct.put('replaced', new Uint8Array(2 * MiB).fill(2));
          for (const byte of chunk) seen.add(byte);
        }
        return seen;
      };
      await expect(read()).rejects.toThrow(/replaced while/);
    });
  });
});

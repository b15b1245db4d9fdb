import { randomBytes } from 'node:crypto';
import { ListMultipartUploadsCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { beforeAll, beforeEach, describe, expect, inject, test } from 'vitest';
import { freshBucket, s3Missing, s3Server } from '../../test/support/s3-server.ts';
import { CancelledError } from '../errors.ts';
import { collect, collectBytes, describeObjectStore } from './object-store.contract.ts';
import { StoreError } from './object-store.ts';
import { probePutIfAbsent } from './probe.ts';
import { createS3Client } from './s3-client.ts';
import { S3Store } from './s3-store.ts';
import type { S3Settings } from './store-config.ts';

const MiB = 1024 * 1024;
const text = (value: string) => new TextEncoder().encode(value);
const quick = { attempts: 4, baseMs: 1, capMs: 5 };

describe.skipIf(s3Missing !== undefined)('a real S3 server', () => {
  let settings: S3Settings;
  beforeAll(async () => {
    settings = await freshBucket(await s3Server(inject('s3StateFolder')), 'team/lake %41');
  });

  describeObjectStore('S3Store', async () => {
    const options = { partBytes: 5 * MiB, pageSize: 40 };
    const stores = [new S3Store(settings, options), new S3Store(settings, options)] as const;
    return {
      stores,
      manyPartsBytes: 17 * MiB + 12_345,
      severalPages: 170,
      propertyRuns: 15,
      close: async () => {
        for (const store of stores) store.close();
      },
    };
  });

  describe('S3Store', () => {
    let store: S3Store;
    beforeEach(() => {
      store = new S3Store(settings, { partBytes: 5 * MiB, retryPolicy: quick });
      return () => store.close();
    });

    test('its conditional writes are atomic by the start-up probe, which cleans up', async () => {
      await probePutIfAbsent(store);
      expect(await collect(store.list({ prefix: '_runlake_probe/' }))).toEqual([]);
    });

    test('two prefixes of one bucket do not see each other', async () => {
      const other = new S3Store({ ...settings, prefix: 'team/lake %41-2' });
      const whole = new S3Store({ ...settings, prefix: '' });
      await store.put('mine/x', text('1'));
      expect(await other.head('mine/x')).toBeUndefined();
      expect(await collect(other.list())).toEqual([]);
      expect(await whole.head('team/lake %41/mine/x')).toMatchObject({ size: 1 });
      for (const opened of [other, whole]) opened.close();
    });

    test('folder markers and keys that are no keys are left out of listings', async () => {
      const client = createS3Client(settings, 1);
      for (const name of ['marks/', 'marks/a//b', 'marks/../c', 'marks/ok']) {
        await client.send(
          new PutObjectCommand({ Bucket: settings.bucket, Key: `${settings.prefix}/${name}`, Body: 'x' }),
        );
      }
      client.destroy();
      const listed = await collect(store.list({ prefix: 'marks/' }));
      expect(listed.map((info) => info.key)).toEqual(['marks/ok']);
    });

    test('a failed or aborted upload leaves no parts behind', async () => {
      async function* broken(fail: () => void) {
        yield randomBytes(11 * MiB);
        fail();
        yield randomBytes(11 * MiB);
      }
      const failure = new Error('the source broke');
      const controller = new AbortController();
      const failing = store.upload(
        'parts/a',
        broken(() => {
          throw failure;
        }),
      );
      await expect(failing).rejects.toBe(failure);
      const aborted = store.upload(
        'parts/b',
        broken(() => controller.abort()),
        { signal: controller.signal },
      );
      await expect(aborted).rejects.toThrow(CancelledError);
      const client = createS3Client(settings, 1);
      const { Uploads = [] } = await client.send(
        new ListMultipartUploadsCommand({ Bucket: settings.bucket }),
      );
      client.destroy();
      expect(Uploads).toEqual([]);
      expect(await collect(store.list({ prefix: 'parts/' }))).toEqual([]);
    });

    test('a missing bucket, wrong keys and an unreachable server say what to do', async () => {
      const broken = (change: Partial<S3Settings>) =>
        new S3Store({ ...settings, ...change }, { retryPolicy: quick });
      const failureOf = async (subject: S3Store, call: (s: S3Store) => Promise<unknown>) => {
        const failure = await call(subject).catch((error: unknown) => error);
        subject.close();
        return failure;
      };
      const expectAdvice = (failure: unknown, remedy: RegExp) => {
        expect(failure).toBeInstanceOf(StoreError);
        expect(failure).toMatchObject({ remedy: expect.stringMatching(remedy) });
      };
      const noBucket = { bucket: 'no-such-bucket-here' };
      expectAdvice(await failureOf(broken(noBucket), (s) => s.put('x', text('1'))), /create the bucket/);
      expectAdvice(await failureOf(broken(noBucket), (s) => s.get('x')), /create the bucket/);
      expectAdvice(await failureOf(broken(noBucket), (s) => collect(s.list())), /create the bucket/);
      const secret = {
        credentials: { accessKeyId: settings.credentials!.accessKeyId, secretAccessKey: 'wrong' },
      };
      expectAdvice(await failureOf(broken(secret), (s) => s.get('x')), /AWS_SECRET_ACCESS_KEY/);
      const stranger = { credentials: { accessKeyId: 'stranger', secretAccessKey: 'x' } };
      expectAdvice(
        await failureOf(broken(stranger), (s) => s.putIfAbsent('x', text('1'))),
        /AWS_ACCESS_KEY_ID/,
      );
      const nowhere = { endpoint: 'http://127.0.0.1:9' };
      expectAdvice(await failureOf(broken(nowhere), (s) => s.head('x')), /server at S3_ENDPOINT runs/);
    });

    test('a large object streams in pieces', async () => {
      await store.upload('large', randomBytes(24 * MiB));
      let largest = 0;
      for await (const chunk of store.stream('large')) largest = Math.max(largest, chunk.length);
      expect(largest).toBeLessThan(4 * MiB);
      expect((await collectBytes(store.stream('large'))).length).toBe(24 * MiB);
    });
  });
});

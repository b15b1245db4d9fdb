import { randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CreateBucketCommand } from '@aws-sdk/client-s3';
import { hasErrno } from '../../lake/errors.ts';
import { createS3Client } from '../../lake/store/s3-client.ts';
import type { S3Settings } from '../../lake/store/store-config.ts';
import './s3-state.ts';
import { cephMissing, type S3Server, startCeph } from './ceph.ts';

/** What keeps the S3 tests from running; undefined when nothing does. In CI nothing may. */
export const s3Missing: string | undefined =
  process.env['RUNLAKE_TEST_S3_ENDPOINT'] === undefined ? cephMissing() : undefined;

if (s3Missing !== undefined) {
  if (process.env['CI'] !== undefined) throw new Error(`the S3 tests need ${s3Missing}`);
  console.warn(`notice: no ${s3Missing}, so the tests against a real S3 server are skipped`);
}

/**
 * One S3 server for a whole test run, started by the first test file that asks for it: the state folder, whose
 * name the global setup provides, holds a lock and then `server.json`. Several processes may call it at once.
 * `RUNLAKE_TEST_S3_ENDPOINT` (with `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`) names a running server instead.
 */
export async function s3Server(stateFolder: string): Promise<S3Server> {
  const external = externalServer();
  if (external !== undefined) return external;
  const ready = join(stateFolder, 'server.json');
  await mkdir(stateFolder, { recursive: true });
  const mine = await mkdir(join(stateFolder, 'lock')).then(
    () => true,
    (error: unknown) => {
      if (hasErrno(error, 'EEXIST')) return false;
      throw error;
    },
  );
  if (mine) {
    const server = await startCeph(join(stateFolder, 'ceph'));
    await writeFile(`${ready}.new`, JSON.stringify(server));
    await rename(`${ready}.new`, ready);
  }
  for (let waited = 0; waited < 1_500; waited++) {
    const text = await readFile(ready, 'utf8').catch(() => undefined);
    if (text !== undefined) return JSON.parse(text) as S3Server;
    await sleep(100);
  }
  throw new Error(`the S3 server of ${stateFolder} did not start in time`);
}

/** Creates a bucket of its own for one test file and returns the settings of a store in it. */
export async function freshBucket(server: S3Server, prefix = ''): Promise<S3Settings> {
  const { endpoint, region, accessKeyId, secretAccessKey } = server;
  const credentials = { accessKeyId, secretAccessKey };
  const settings: S3Settings = { bucket: `test-${randomUUID()}`, prefix, endpoint, region, credentials };
  const client = createS3Client(settings, 1);
  await client.send(new CreateBucketCommand({ Bucket: settings.bucket }));
  client.destroy();
  return settings;
}

function externalServer(): S3Server | undefined {
  const endpoint = process.env['RUNLAKE_TEST_S3_ENDPOINT'];
  if (endpoint === undefined) return undefined;
  return {
    endpoint,
    region: process.env['AWS_REGION'] ?? 'us-east-1',
    accessKeyId: process.env['AWS_ACCESS_KEY_ID'] ?? 'minioadmin',
    secretAccessKey: process.env['AWS_SECRET_ACCESS_KEY'] ?? 'minioadmin',
  };
}

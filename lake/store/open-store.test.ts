import { expect, test } from 'vitest';
import { LocalStore } from './local-store.ts';
import { openStore, parseStoreUri } from './open-store.ts';
import { S3Store } from './s3-store.ts';
import { StoreConfigError, s3SettingsFrom } from './store-config.ts';

test('addresses of local stores', async () => {
  expect(parseStoreUri('file:.runlake/store')).toEqual({ kind: 'local', path: '.runlake/store' });
  expect(parseStoreUri('file:/data/100%25 x')).toEqual({ kind: 'local', path: '/data/100%25 x' });
  expect(parseStoreUri('file:///data/100%25%20x')).toEqual({ kind: 'local', path: '/data/100% x' });
  expect(parseStoreUri('runs/a:b')).toEqual({ kind: 'local', path: 'runs/a:b' });
  expect(parseStoreUri('x:y')).toEqual({ kind: 'local', path: 'x:y' });
  expect(parseStoreUri('/s3://x')).toEqual({ kind: 'local', path: '/s3://x' });
  const store = await openStore('file:here', { env: {} });
  expect(store).toBeInstanceOf(LocalStore);
  expect(store.uri).toBe(`file:${process.cwd()}/here`);
  expect(await openStore(store.uri)).toMatchObject({ uri: store.uri });
});

test('addresses of buckets', async () => {
  expect(parseStoreUri('s3://lake')).toEqual({ kind: 's3', bucket: 'lake', prefix: '' });
  expect(parseStoreUri('s3://lake/a b/c%20d/')).toEqual({ kind: 's3', bucket: 'lake', prefix: 'a b/c%20d' });
  const env = { S3_ENDPOINT: 'http://127.0.0.1:9', AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 'b' };
  const store = await openStore('s3://lake/team/', { env });
  expect(store).toBeInstanceOf(S3Store);
  expect(store.uri).toBe('s3://lake/team');
  expect(store.identity).toBe('s3://lake/team@http://127.0.0.1:9');
  expect(store.localPath('x')).toBeUndefined();
});

test('impossible addresses and settings say what is wrong', async () => {
  for (const uri of [
    '',
    'file:',
    's3:bucket',
    's3://',
    's3:///x',
    's3://b',
    's3://lake/../x',
    's3://lake//x',
    'file://host/x',
    'gs://lake',
    'https://x/y',
    'file:///a%2Fb',
  ]) {
    await expect(openStore(uri, { env: {} }), uri).rejects.toThrow(StoreConfigError);
  }
  const open = (env: Record<string, string>) => openStore('s3://lake', { env });
  await expect(open({ S3_ENDPOINT: 'localhost:9000' })).rejects.toThrow(/S3_ENDPOINT/);
  await expect(open({ S3_ENDPOINT: 'nonsense' })).rejects.toThrow(/S3_ENDPOINT/);
  await expect(open({ AWS_ACCESS_KEY_ID: 'a' })).rejects.toThrow(/AWS_SECRET_ACCESS_KEY is missing/);
  await expect(open({ AWS_SECRET_ACCESS_KEY: 'a' })).rejects.toThrow(/AWS_ACCESS_KEY_ID is missing/);
  await expect(open({ S3_PATH_STYLE: 'maybe' })).rejects.toThrow(/S3_PATH_STYLE/);
});

test('settings come from the environment, with the defaults of AWS', () => {
  expect(s3SettingsFrom('b', 'p', {})).toEqual({
    bucket: 'b',
    prefix: 'p',
    endpoint: undefined,
    region: 'us-east-1',
    pathStyle: false,
    credentials: undefined,
  });
  const env = {
    AWS_ENDPOINT_URL: 'https://r2.example',
    AWS_DEFAULT_REGION: 'auto',
    AWS_ACCESS_KEY_ID: 'a',
    AWS_SECRET_ACCESS_KEY: 'b',
    AWS_SESSION_TOKEN: 't',
  };
  expect(s3SettingsFrom('b', '', env)).toMatchObject({
    endpoint: 'https://r2.example',
    region: 'auto',
    pathStyle: true,
    credentials: { accessKeyId: 'a', secretAccessKey: 'b', sessionToken: 't' },
  });
  expect(
    s3SettingsFrom('b', '', { ...env, S3_ENDPOINT: 'http://h:1', S3_PATH_STYLE: 'false' }),
  ).toMatchObject({
    endpoint: 'http://h:1',
    pathStyle: false,
  });
});
